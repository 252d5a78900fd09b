import type { ErrorCode } from '../contracts/errors.ts';
import { tableOfObject } from '../contracts/ids.ts';
import { isDatabase, SOURCE_CONNECTORS } from '../contracts/job-connectors.ts';
import type { SourceSpec } from '../contracts/job-source.ts';
import { OBJECT_PLACEHOLDER } from '../contracts/job-source.ts';
import type { TargetSpec } from '../contracts/job-target.ts';
import { nearest } from '../contracts/nearest.ts';
import { incrementalRules } from './incremental-rules.ts';
import { isRemote } from './job-paths.ts';
import type { JsonObject, KeyPath } from './json-tree.ts';
import { showPath, valueAt } from './json-tree.ts';
import type { RuleFinding } from './rule-finding.ts';
import { quoteWritten } from './rule-finding.ts';

interface UnusedKey {
  readonly path: KeyPath;
  /** The key that makes the path meaningless, and the value with which it does. */
  readonly key: KeyPath;
  readonly value: string;
  readonly unless?: (job: JsonObject) => boolean;
}

const DATABASES = Object.keys(SOURCE_CONNECTORS).filter(isDatabase);
const DATABASE_KEYS = [
  'connection',
  'schema',
  'query',
  'unsupported_types',
  'chunk_mb',
  'batch_rows',
  'zero_dates',
  'statement_timeout_seconds',
  'lock_timeout_seconds',
];
const FILE_KEYS = [
  'path',
  'storage',
  'delimiter',
  'quote',
  'escape',
  'header',
  'encoding',
  'compression',
  'null_strings',
  'sample_rows',
];

/** Keys that a connector does not use: a job that sets one expects something that will not happen. */
const UNUSED_KEYS: readonly UnusedKey[] = [
  ...DATABASE_KEYS.map((key) => ({ path: ['source', key], key: ['source_connector'], value: 'csv' })),
  ...DATABASES.flatMap((value) =>
    FILE_KEYS.map((key) => ({ path: ['source', key], key: ['source_connector'], value })),
  ),
  { path: ['source', 'schema'], key: ['source_connector'], value: 'mysql' },
  ...['batch_rows', 'zero_dates'].map((key) => ({
    path: ['source', key],
    key: ['source_connector'],
    value: 'postgres',
  })),
  { path: ['target', 'catalog'], key: ['target_connector'], value: 'parquet', unless: hasRemoteWarehouse },
  ...['primary_key', 'latest_by'].flatMap((name) =>
    ['append', 'overwrite'].map((value) => ({ path: ['target', name], key: ['target', 'write_mode'], value })),
  ),
  { path: ['target', 'shared'], key: ['target_connector'], value: 'parquet' },
  // Each of them would throw away what the others brought.
  { path: ['target', 'shared'], key: ['target', 'write_mode'], value: 'overwrite' },
];

const DEFAULT_OF_KEY: Readonly<Record<string, string>> = {
  target_connector: 'iceberg',
  'target.write_mode': 'append',
};

/**
 * The connector must be known, and every key that is set must mean something to it. `job` has its variables
 * resolved; messages quote `written`.
 */
export function connectorRules(job: JsonObject, written: JsonObject): RuleFinding[] {
  return [...sourceConnectorRules(job, written), ...unusedKeyRules(job), ...upsertRules(job)];
}

function sourceConnectorRules(job: JsonObject, written: JsonObject): RuleFinding[] {
  const name = job['source_connector'];
  const known = Object.keys(SOURCE_CONNECTORS);
  const compliance = job['compliance'];
  const asksForData = compliance === undefined || valueAt(compliance, ['enabled']) === false;
  if (name === undefined && asksForData) {
    const received = 'the job has no "source_connector"';
    return [
      invalid(['source_connector'], 'key', received, 'the system that rows come from', 'add source_connector: csv'),
    ];
  }
  if (typeof name !== 'string' || Object.hasOwn(SOURCE_CONNECTORS, name)) return [];
  const near = nearest(name, known);
  const received = `source_connector is ${quoteWritten(written, ['source_connector'])}, which is no connector's name`;
  const next = near === undefined ? 'correct it' : `write ${near} instead`;
  return [invalid(['source_connector'], 'value', received, `one of ${known.join(', ')}`, next, 'UNKNOWN_CONNECTOR')];
}

/** Run records are Iceberg tables whatever the target is, and their catalog cannot be in an object store. */
function hasRemoteWarehouse(job: JsonObject): boolean {
  const warehouse = valueAt(job, ['target', 'warehouse']);
  return typeof warehouse === 'string' && isRemote(warehouse);
}

function unusedKeyRules(job: JsonObject): RuleFinding[] {
  return UNUSED_KEYS.flatMap(({ path, key, value, unless }) => {
    const choice = valueAt(job, key) ?? DEFAULT_OF_KEY[showPath(key)];
    if (valueAt(job, path) === undefined || choice !== value || unless?.(job)) return [];
    const received = `${showPath(path)} has no meaning when ${showPath(key)} is ${value}`;
    return [invalid(path, 'key', received, 'keys that the connector uses', 'remove it')];
  });
}

/** Rows are found by their key in tables, not in plain folders. */
function upsertRules(job: JsonObject): RuleFinding[] {
  if (valueAt(job, ['target', 'write_mode']) !== 'upsert' || job['target_connector'] !== 'parquet') return [];
  const received = 'target.write_mode is upsert for target_connector parquet';
  const next = 'set target_connector: iceberg, or another write mode';
  return [invalid(['target', 'write_mode'], 'value', received, 'append or overwrite for files in a folder', next)];
}

/** What reading CSV files needs, beyond what the schema says. */
export function csvRules(
  source: SourceSpec,
  objects: readonly string[],
  writeMode: TargetSpec['write_mode'] | undefined,
): RuleFinding[] {
  const findings: RuleFinding[] = [];
  const add = (path: KeyPath, at: 'key' | 'value', received: string, expected: string, next: string) =>
    findings.push(invalid(path, at, received, expected, next));

  const paths = source.path === undefined ? [] : [source.path].flat();
  if (paths.length === 0) {
    add(
      ['source', 'path'],
      'key',
      'source has no "path"',
      'the CSV files to read',
      'add path: data/*.csv under source',
    );
  } else if (objects.length > 1 && paths.some((path) => !path.includes(OBJECT_PLACEHOLDER))) {
    const received = `source.path is the same for all ${objects.length} objects`;
    add(
      ['source', 'path'],
      'value',
      received,
      `${OBJECT_PLACEHOLDER} in each path`,
      'write data/{object}.csv or the like',
    );
  }
  findings.push(...incrementalRules(source, 'new_files', writeMode));
  if (source.quote !== undefined && source.quote !== '' && source.quote === source.delimiter) {
    add(
      ['source', 'quote'],
      'value',
      'source.quote is the same as source.delimiter',
      'two characters',
      'change one of them',
    );
  }
  return findings;
}

/** Two objects of one name would fill one table. */
export function objectRules(objects: readonly string[], written: JsonObject): RuleFinding[] {
  const tables = objects.map(tableOfObject);
  return objects.flatMap((object, index) => {
    const path: KeyPath = ['source', 'objects', index];
    if (objects.indexOf(object) !== index) {
      const received = `source.objects names ${quoteWritten(written, path)} a second time`;
      return [invalid(path, 'value', received, 'each object once', 'remove one of the two')];
    }
    const first = tables.indexOf(tableOfObject(object));
    if (first === index) return [];
    const received = `source.objects names ${quoteWritten(written, path)}, which would fill the table of ${objects[first]}`;
    return [
      invalid(path, 'value', received, 'objects with tables of their own', 'bring one of the two in by another job'),
    ];
  });
}

function invalid(
  path: KeyPath,
  at: 'key' | 'value',
  received: string,
  expected: string,
  next: string,
  code: ErrorCode = 'JOB_FILE_INVALID',
): RuleFinding {
  return { path, at, code, received, expected, next };
}
