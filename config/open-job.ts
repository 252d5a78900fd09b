import type { z } from 'zod';
import { fail } from '../contracts/errors.ts';
import type { SchemaMode } from '../contracts/job.ts';
import { jobSchema } from '../contracts/job.ts';
import type { TargetConnector } from '../contracts/job-connectors.ts';
import type { SourceSpec } from '../contracts/job-source.ts';
import { OBJECT_PLACEHOLDER } from '../contracts/job-source.ts';
import type { TargetSpec } from '../contracts/job-target.ts';
import type { Transformation } from '../contracts/job-transformations.ts';
import type { StreamSchema } from '../contracts/schema.ts';
import type { IssueContext } from './describe-issue.ts';
import { describeIssue } from './describe-issue.ts';
import type { Environment } from './interpolate.ts';
import { absoluteLocation } from './job-paths.ts';
import type { JsonTree } from './json-tree.ts';
import { isObject } from './json-tree.ts';
import { resolveJob } from './resolve-job.ts';
import type { StoredJob } from './stored-job.ts';
import { parseStoredJob } from './stored-job.ts';

/** `source`, ready to be used: variables resolved, paths absolute, objects named. */
export interface OpenSource extends Omit<SourceSpec, 'path' | 'objects'> {
  readonly connector: string;
  /** Absolute paths, globs or addresses; may still hold `{object}` (see `pathsOf`). Empty if the job names none. */
  readonly path: readonly string[];
  readonly objects: readonly string[];
}

/** `target`, ready to be used. */
export interface OpenTarget extends Omit<TargetSpec, 'namespace'> {
  readonly connector: TargetConnector;
  readonly namespace: string;
}

/**
 * A stored job, opened where it runs. Names are at hand; a section is resolved, checked and filled with its defaults
 * when it is asked for, so that only the secrets of that section are read. A section throws VARIABLE_UNSET,
 * SECRET_FILE_UNREADABLE, or JOB_FILE_INVALID for a variable whose value does not fit (naming the variable only).
 */
export interface OpenJob {
  /** Base name of the job file. */
  readonly name: string;
  readonly tenant: string;
  readonly asset: string;
  readonly objects: readonly string[];
  source(): OpenSource;
  target(): OpenTarget;
  transformations(): readonly Transformation[];
  schemaMode(): SchemaMode;
  /** The columns that the contract gives an object; undefined without a contract. */
  contract(object: string): StreamSchema | undefined;
  /** The table that an object fills: the asset for the only object of a job, else the object's own name. */
  table(object: string): string;
}

export function openStoredJob(json: unknown, options: { readonly env: Environment }): OpenJob {
  const stored = parseStoredJob(json);
  const { name, tenant, asset, objects, contracts, folder } = stored;
  const location = (text: string) => absoluteLocation(text, folder);
  return {
    name,
    tenant,
    asset,
    objects,
    contract: (object) => contracts?.[object],
    table: (object) => tableOf(asset, objects, object),
    source() {
      const { path, objects: _objects, ...rest } = openSection(stored, 'source', jobSchema.shape.source, options.env);
      const connector = openSection(stored, 'source_connector', jobSchema.shape.source_connector, options.env);
      const paths = path === undefined ? [] : typeof path === 'string' ? [path] : path;
      return { ...rest, connector: connector ?? '', path: paths.map(location), objects };
    },
    target() {
      const spec = openSection(stored, 'target', jobSchema.shape.target, options.env);
      const { uri, ...catalog } = spec.catalog;
      return {
        ...spec,
        connector: openSection(stored, 'target_connector', jobSchema.shape.target_connector, options.env),
        namespace: spec.namespace ?? tenant,
        warehouse: location(spec.warehouse),
        catalog: uri === undefined ? catalog : { ...catalog, uri: location(uri) },
      };
    },
    transformations: () => openSection(stored, 'transformations', jobSchema.shape.transformations, options.env),
    schemaMode() {
      const given = openSection(stored, 'schema_mode', jobSchema.shape.schema_mode, options.env);
      return given ?? (contracts === undefined ? 'warn' : 'strict');
    },
  };
}

/** The table that an object fills: the asset for the only object of a job, else the object's own name. */
export function tableOf(asset: string, objects: readonly string[], object: string): string {
  return objects.length === 1 ? asset : object;
}

/** The paths of one object of a source. */
export function pathsOf(source: OpenSource, object: string): string[] {
  return source.path.map((path) => path.replaceAll(OBJECT_PLACEHOLDER, object));
}

function openSection<S extends z.ZodType>(
  stored: StoredJob,
  section: keyof typeof jobSchema.shape,
  schema: S,
  env: Environment,
): z.output<S> {
  const written: JsonTree = stored.job[section] === undefined ? {} : { [section]: stored.job[section] };
  const { tree, unresolved, referencesAt } = resolveJob(written, { env, baseFolder: stored.folder });
  const [missing] = unresolved;
  if (missing) throw fail(missing.code, missing);
  const parsed = schema.safeParse(isObject(tree) ? tree[section] : undefined);
  if (parsed.success) return parsed.data;
  const context: IssueContext = { schema: jobSchema, tree, subject: stored.name, referencesAt };
  const [finding] = parsed.error.issues.flatMap((issue) => describeIssue(issue, context, [section]));
  throw fail('JOB_FILE_INVALID', finding ?? { received: section, expected: 'a valid section', next: 'correct it' });
}
