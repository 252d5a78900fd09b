import { basename, dirname, isAbsolute, join } from 'node:path';
import type { z } from 'zod';
import { DEFAULT_TENANT, tableOfObject } from '../contracts/ids.ts';
import type { JobSection } from '../contracts/job.ts';
import { jobSchema } from '../contracts/job.ts';
import { isDatabase } from '../contracts/job-connectors.ts';
import { tableName } from '../contracts/job-fields.ts';
import type { SourceSpec } from '../contracts/job-source.ts';
import type { WriteMode } from '../contracts/job-target.ts';
import type { StreamSchema } from '../contracts/schema.ts';
import { catalogRules } from './catalog-rules.ts';
import { connectorRules, csvRules, objectRules } from './connector-rules.ts';
import { databaseRules } from './database-rules.ts';
import type { Finding } from './describe-issue.ts';
import type { Environment } from './interpolate.ts';
import { absoluteLocation, absolutePaths, assetFromFile, isRemote } from './job-paths.ts';
import type { JsonTree } from './json-tree.ts';
import { valueAt } from './json-tree.ts';
import { layoutRules } from './layout-rules.ts';
import { loadContract } from './load-contract.ts';
import type { JobDocument } from './load-job.ts';
import { loadJob } from './load-job.ts';
import { maintenanceRules } from './maintenance-rules.ts';
import { notAvailable } from './not-available.ts';
import type { Problem } from './problem.ts';
import { problem, sortProblems } from './problem.ts';
import type { RuleFinding } from './rule-finding.ts';
import { scheduleRules } from './schedule-rules.ts';
import { secretRules } from './secret-rules.ts';
import { storageRules } from './storage-rules.ts';
import type { StoredJob } from './stored-job.ts';
import { STORED_JOB_FORMAT, storedJobDigest } from './stored-job.ts';
import { transformationRules } from './transformation-rules.ts';

/** A job that can be stored and run. Holds no secret. */
export interface LoadedJob {
  /** As the user named it. */
  readonly file: string;
  /** Absolute folder of the job file. */
  readonly folder: string;
  readonly tenant: string;
  readonly asset: string;
  /** The streams to bring in; the asset alone if the job names none. */
  readonly objects: readonly string[];
  /** What is kept beside the lake; read back with `openStoredJob`. */
  readonly stored: StoredJob;
  /** SHA-256 of `storedJobText(stored)`, hexadecimal. */
  readonly digest: string;
}

export interface ValidationResult {
  /** Absent when there is any problem. */
  readonly job?: LoadedJob;
  /** In the order of the files' lines, the job file first. */
  readonly problems: readonly Problem[];
  /** What the user should know though the job runs: rules of the contract that are not checked yet. */
  readonly notices: readonly Problem[];
}

export interface ValidationOptions {
  readonly env: Environment;
  /**
   * `required`: a variable that is unset here is a problem. `deferred`: only names need theirs here; the others are
   * resolved where the job runs.
   */
  readonly variables?: 'required' | 'deferred';
}

/**
 * Everything that can be said about a job file without opening its source: the schema, parts that are not available
 * yet, unset variables, connectors, transformations and the contract. Reports all problems at once.
 */
export async function validateJob(file: string, options: ValidationOptions): Promise<ValidationResult> {
  const { document, problems: schemaProblems } = await loadJob(file, options);
  if (!document) return { problems: schemaProblems, notices: [] };
  const names = namesOf(document);
  const contract = await contractsOf(document, names);
  const source = section(document, 'source', jobSchema.shape.source);
  const target = section(document, 'target', jobSchema.shape.target);
  const steps = section(document, 'transformations', jobSchema.shape.transformations);
  const schedule = section(document, 'schedule', jobSchema.shape.schedule);
  const maintenance = section(document, 'maintenance', jobSchema.shape.maintenance);
  const isStrict = (section(document, 'schema_mode', jobSchema.shape.schema_mode) ?? 'strict') === 'strict';
  const promised = isStrict ? Object.values(contract.schemas ?? {}) : [];
  const findings: RuleFinding[] = [
    ...names.findings,
    ...unsetVariables(document, options.variables ?? 'required'),
    ...notAvailable(document.resolved, document.tree),
    ...connectorRules(document.resolved, document.tree),
    ...storageRules(document.resolved),
    ...secretRules(document.tree),
    ...catalogRules(document.resolved),
    ...objectRules(names.objects, document.tree),
    ...(source ? sourceRules(document.resolved['source_connector'], source, names.objects, target?.write_mode) : []),
    ...(schedule ? scheduleRules(schedule, document.resolved) : []),
    ...(maintenance ? maintenanceRules(maintenance, document.resolved) : []),
    ...(steps ? transformationRules(steps, document.tree) : []),
    ...(target && steps ? layoutRules({ target, source, steps, promised, written: document.tree }) : []),
  ];
  const problems = sortProblems([
    ...schemaProblems,
    ...findings.map((finding) => place(document, finding)),
    ...contract.problems,
  ]);
  if (problems.length > 0) return { problems, notices: contract.notices };
  return { job: toLoadedJob(document, names, contract.schemas), problems, notices: contract.notices };
}

function sourceRules(
  connector: JsonTree | undefined,
  source: SourceSpec,
  objects: readonly string[],
  writeMode: WriteMode | undefined,
): RuleFinding[] {
  if (connector === 'csv') return csvRules(source, objects, writeMode);
  return typeof connector === 'string' && isDatabase(connector) ? databaseRules(source, objects, writeMode) : [];
}

interface Names {
  readonly tenant: string;
  readonly asset: string;
  readonly objects: readonly string[];
  readonly findings: readonly RuleFinding[];
}

/** Names are resolved here and now: they go into workflow ids. Ones that the schema refuses are reported by it. */
function namesOf(document: JobDocument): Names {
  const tenant = section(document, 'tenant_id', jobSchema.shape.tenant_id) ?? DEFAULT_TENANT;
  const written = section(document, 'asset', jobSchema.shape.asset);
  const asset = written ?? assetFromFile(document.file);
  const objects = section(document, 'source', jobSchema.shape.source)?.objects ?? [asset];
  if (document.resolved['asset'] !== undefined || tableName().safeParse(asset).success) {
    return { tenant, asset, objects, findings: [] };
  }
  const finding: RuleFinding = {
    path: ['asset'],
    at: 'key',
    code: 'JOB_FILE_INVALID',
    received: `the job has no "asset", and the file name ${basename(document.file)} gives none`,
    expected: 'the name of the table that the job fills',
    next: 'add asset: and a name',
  };
  return { tenant, asset, objects, findings: [finding] };
}

function section<S extends z.ZodType>(document: JobDocument, key: JobSection, schema: S): z.output<S> | undefined {
  const parsed = schema.safeParse(document.resolved[key]);
  return parsed.success ? parsed.data : undefined;
}

/** Keys whose values go into ids and paths before any activity runs. */
const NAME_KEYS: readonly string[] = ['tenant_id', 'asset', 'source_connector', 'target_connector', 'asset_path'];

function unsetVariables(document: JobDocument, variables: 'required' | 'deferred'): RuleFinding[] {
  return document.unresolved
    .filter(({ path, code }) => {
      const isName = NAME_KEYS.includes(String(path[0])) || (path[0] === 'source' && path[1] === 'objects');
      // What the stores of secrets hold is only asked for where the job runs.
      if (code === 'SECRET_NOT_FOUND') return isName;
      return variables === 'required' || isName || code === 'JOB_FILE_INVALID';
    })
    .map(({ path, code, received, expected, next }) => ({ path, at: 'value', code, received, expected, next }));
}

interface Contracts {
  /** By object; absent without a contract. */
  readonly schemas?: Record<string, StreamSchema>;
  readonly problems: readonly Problem[];
  readonly notices: readonly Problem[];
}

async function contractsOf(document: JobDocument, names: Names): Promise<Contracts> {
  const path = section(document, 'asset_path', jobSchema.shape.asset_path);
  const isUnresolved = document.unresolved.some((u) => u.path[0] === 'asset_path');
  const isDisabled = valueAt(document.resolved, ['data_contract', 'enabled']) === false;
  if (path === undefined || isUnresolved || isDisabled || isRemote(path)) return { problems: [], notices: [] };
  const { contract, problems } = await loadContract(contractFile(document.file, path));
  if (!contract) return { problems: problems.map((p) => blameMissingFile(document, p)), notices: [] };
  const schemas: Record<string, StreamSchema> = {};
  const found: Problem[] = [];
  for (const object of names.objects) {
    const described = contract.describe({
      object: tableOfObject(object),
      asset: names.asset,
      only: names.objects.length === 1,
    });
    found.push(...described.problems);
    if (described.schema) schemas[object] = described.schema;
  }
  return { schemas, problems: found, notices: contract.notices };
}

/** The contract's path as the user would type it where the job file's was typed. */
function contractFile(jobFile: string, path: string): string {
  return isAbsolute(path) || path.startsWith('file:') ? absoluteLocation(path, '/') : join(dirname(jobFile), path);
}

/** A contract that cannot be opened is a mistake in the job file's `asset_path`. */
function blameMissingFile(document: JobDocument, found: Problem): Problem {
  const isContent = found.code !== 'CONTRACT_UNREADABLE' || found.line > 1 || found.column > 1;
  return isContent ? found : place(document, { ...found, path: ['asset_path'], at: 'value' });
}

function place(document: JobDocument, finding: Finding & Pick<RuleFinding, 'code'>): Problem {
  const { path, at, code, received, expected, next } = finding;
  const position = at === 'key' ? document.yaml.keyPosition(path) : document.yaml.valuePosition(path);
  return problem(document.file, position, code, { received, expected, next });
}

function toLoadedJob(document: JobDocument, names: Names, contracts: Contracts['schemas']): LoadedJob {
  const { tenant, asset, objects } = names;
  const { file, folder } = document;
  const stored: StoredJob = {
    format: STORED_JOB_FORMAT,
    name: basename(file),
    folder,
    tenant,
    asset,
    objects: [...objects],
    ...(contracts === undefined ? {} : { contracts }),
    job: absolutePaths(document.tree, folder),
  };
  return { file, folder, tenant, asset, objects, stored, digest: storedJobDigest(stored) };
}
