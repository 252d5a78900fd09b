import type { z } from 'zod';
import type { ErrorParts } from '../contracts/errors.ts';
import { fail } from '../contracts/errors.ts';
import { tableOfObject } from '../contracts/ids.ts';
import type { SchemaMode } from '../contracts/job.ts';
import { jobSchema } from '../contracts/job.ts';
import type { TargetConnector } from '../contracts/job-connectors.ts';
import type { MaintenanceSpec } from '../contracts/job-maintenance.ts';
import type { ScheduleSpec } from '../contracts/job-schedule.ts';
import type { SourceSpec } from '../contracts/job-source.ts';
import { OBJECT_PLACEHOLDER } from '../contracts/job-source.ts';
import type { TargetSpec } from '../contracts/job-target.ts';
import type { Transformation } from '../contracts/job-transformations.ts';
import type { StreamSchema } from '../contracts/schema.ts';
import type { IssueContext } from './describe-issue.ts';
import { describeIssue } from './describe-issue.ts';
import type { Environment, SecretValues } from './interpolate.ts';
import { absoluteLocation, isRemote } from './job-paths.ts';
import type { JsonTree } from './json-tree.ts';
import { isObject, valueAt } from './json-tree.ts';
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
  /** Of the target, only where the lake is: no secret is needed to know that. */
  place(): LakePlace;
  transformations(): readonly Transformation[];
  schemaMode(): SchemaMode;
  /** Undefined if the job has none. */
  schedule(): ScheduleSpec | undefined;
  /** Undefined if the job says nothing about it. */
  maintenance(): MaintenanceSpec | undefined;
  /** The columns that the contract gives an object; undefined without a contract. */
  contract(object: string): StreamSchema | undefined;
  /** The table that an object fills: the asset for the only object of a job, else the object's own name. */
  table(object: string): string;
}

/** Where the lake of a job is. */
export interface LakePlace {
  /** Absolute folder, or address. */
  readonly warehouse: string;
  /** Its files or its catalog are on the disk of one machine, so that no other can write to it. */
  readonly isOnOneMachine: boolean;
  readonly connector: TargetConnector;
  readonly namespace: string;
}

/** What the variables of a stored job are resolved with. */
export interface Surroundings {
  readonly env: Environment;
  /** Of the sections that will be asked for (`secretsIn`); looked at each time, so that they can be replaced. */
  readonly secrets?: SecretValues;
}

export function openStoredJob(json: unknown, options: Surroundings): OpenJob {
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
      const { path, objects: _objects, ...rest } = openSection(stored, 'source', jobSchema.shape.source, options);
      const connector = openSection(stored, 'source_connector', jobSchema.shape.source_connector, options);
      const paths = path === undefined ? [] : typeof path === 'string' ? [path] : path;
      return { ...rest, connector: connector ?? '', path: paths.map(location), objects };
    },
    target() {
      const spec = openSection(stored, 'target', jobSchema.shape.target, options);
      const { uri, ...catalog } = spec.catalog;
      return {
        ...spec,
        connector: openSection(stored, 'target_connector', jobSchema.shape.target_connector, options),
        namespace: spec.namespace ?? tenant,
        warehouse: location(spec.warehouse),
        catalog: uri === undefined ? catalog : { ...catalog, uri: location(uri) },
      };
    },
    place() {
      const plain = {
        warehouse: valueAt(stored.job, ['target', 'warehouse']),
        namespace: valueAt(stored.job, ['target', 'namespace']),
      };
      const type = valueAt(stored.job, ['target', 'catalog', 'type']);
      const given = Object.entries(plain).filter((entry): entry is [string, JsonTree] => entry[1] !== undefined);
      const target: JsonTree = { ...Object.fromEntries(given), ...(type === undefined ? {} : { catalog: { type } }) };
      const opened = openSection({ ...stored, job: { target } }, 'target', jobSchema.shape.target, options);
      const connector = openSection(stored, 'target_connector', jobSchema.shape.target_connector, options);
      const hasCatalogFile = connector === 'iceberg' && opened.catalog.type === 'sqlite';
      const warehouse = location(opened.warehouse);
      const namespace = opened.namespace ?? tenant;
      return { warehouse, isOnOneMachine: hasCatalogFile || !isRemote(warehouse), connector, namespace };
    },
    transformations: () => openSection(stored, 'transformations', jobSchema.shape.transformations, options),
    schedule: () => openSection(stored, 'schedule', jobSchema.shape.schedule, options),
    maintenance: () => openSection(stored, 'maintenance', jobSchema.shape.maintenance, options),
    schemaMode() {
      const given = openSection(stored, 'schema_mode', jobSchema.shape.schema_mode, options);
      return given ?? (contracts === undefined ? 'warn' : 'strict');
    },
  };
}

/** The table that an object fills: the asset for the only object of a job, else the object's name without its schema. */
export function tableOf(asset: string, objects: readonly string[], object: string): string {
  return objects.length === 1 ? asset : tableOfObject(object);
}

/** The paths of one object of a source. */
export function pathsOf(source: OpenSource, object: string): string[] {
  return source.path.map((path) => path.replaceAll(OBJECT_PLACEHOLDER, object));
}

/** Of a fault that the schema finds and cannot say. */
function unknownFault(section: string): ErrorParts {
  return {
    received: `a section "${section}" that cannot be used`,
    expected: 'one that the JSON Schema of job files allows',
    next: 'check the job with `dativo validate`',
  };
}

function openSection<S extends z.ZodType>(
  stored: StoredJob,
  section: keyof typeof jobSchema.shape,
  schema: S,
  { env, secrets }: Surroundings,
): z.output<S> {
  const written: JsonTree = stored.job[section] === undefined ? {} : { [section]: stored.job[section] };
  const { tree, unresolved, referencesAt } = resolveJob(written, {
    env,
    baseFolder: stored.folder,
    ...(secrets === undefined ? {} : { secrets }),
  });
  const [missing] = unresolved;
  if (missing) throw fail(missing.code, missing);
  const parsed = schema.safeParse(isObject(tree) ? tree[section] : undefined);
  if (parsed.success) return parsed.data;
  const context: IssueContext = { schema: jobSchema, tree, subject: stored.name, referencesAt };
  const [finding] = parsed.error.issues.flatMap((issue) => describeIssue(issue, context, [section]));
  throw fail('JOB_FILE_INVALID', finding ?? unknownFault(section));
}
