import type { ErrorCode } from '../contracts/errors.ts';
import type { Finding } from './describe-issue.ts';
import { hasTemplate, referencesIn } from './interpolate.ts';
import type { JsonTree, KeyPath } from './json-tree.ts';
import { valueAt } from './json-tree.ts';

/** Something that the schema allows and that still keeps a job from running. */
export interface RuleFinding extends Finding {
  readonly code: ErrorCode;
}

const MAX_QUOTED = 60;

/**
 * The value at a path of a job as it is written, for a message: rules look at resolved values, which may be secrets,
 * and so must not quote what they look at.
 */
export function quoteWritten(written: JsonTree, path: KeyPath): string {
  const value = valueAt(written, path);
  if (typeof value !== 'string') return String(value);
  if (hasTemplate(value)) return `the value of ${referencesIn(value).join(' and ')}`;
  return JSON.stringify(value.length > MAX_QUOTED ? `${value.slice(0, MAX_QUOTED)}…` : value);
}
