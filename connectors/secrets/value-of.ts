import type { SecretReference } from '../../contracts/secret.ts';
import { keyNotFound } from './errors.ts';

/** The value that a reference names in the text of its secret. Fails with SECRET_NOT_FOUND. */
export function valueOf(reference: SecretReference, text: string): string {
  const { key } = reference;
  if (key === undefined) return text;
  const tree = treeOf(text);
  const isMapping = typeof tree === 'object' && tree !== null && !Array.isArray(tree);
  const value: unknown = isMapping ? Object.entries(tree).find(([name]) => name === key)?.[1] : undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw keyNotFound(reference);
}

function treeOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
