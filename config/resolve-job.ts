import { jobSchema } from '../contracts/job.ts';
import type { Unresolved, VariableScope } from './interpolate.ts';
import { hasTemplate, referencesIn, resolveVariables } from './interpolate.ts';
import type { JsonTree, KeyPath } from './json-tree.ts';
import { mapLeaves, valueAt } from './json-tree.ts';
import { coerceText, schemaAt } from './schema-walk.ts';

/** A job, or sections of it, with the values of its variables. */
export interface ResolvedJob {
  /** Holds secrets: for the work at hand, never stored or shown. */
  readonly tree: JsonTree;
  readonly unresolved: readonly Unresolved[];
  /** The variables that gave the value at a path, such as `${PORT}`; empty for a value written in the file. */
  referencesAt(path: KeyPath): readonly string[];
}

/**
 * Replaces the variables in a job or in sections of it. A variable always gives a text; where the schema wants a
 * number or a truth value, it is read as one.
 */
export function resolveJob(written: JsonTree, scope: VariableScope): ResolvedJob {
  const { tree: substituted, unresolved } = resolveVariables(written, scope);
  const referencesAt = (path: KeyPath) => {
    const value = valueAt(written, path);
    return typeof value === 'string' && hasTemplate(value) ? referencesIn(value) : [];
  };
  const tree = mapLeaves(substituted, (leaf, path) => {
    if (typeof leaf !== 'string' || referencesAt(path).length === 0) return leaf;
    return coerceText(leaf, schemaAt(jobSchema, substituted, path));
  });
  return { tree, unresolved, referencesAt };
}
