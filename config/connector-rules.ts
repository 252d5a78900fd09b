import type { ErrorCode } from '../contracts/errors.ts';
import { SOURCE_CONNECTORS } from '../contracts/job-connectors.ts';
import type { SourceSpec } from '../contracts/job-source.ts';
import { OBJECT_PLACEHOLDER } from '../contracts/job-source.ts';
import type { TargetSpec } from '../contracts/job-target.ts';
import { nearest } from '../contracts/nearest.ts';
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

/** Keys that a connector does not use: a job that sets one expects something that will not happen. */
const UNUSED_KEYS: readonly UnusedKey[] = [
  { path: ['source', 'connection'], key: ['source_connector'], value: 'csv' },
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
  const { strategy, cursor_field: cursorField, lookback_hours: lookbackHours } = source.incremental;
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
  if (strategy === 'updated_after' && cursorField === undefined) {
    const next = 'add cursor_field: updated_at or the like';
    add(
      ['source', 'incremental', 'cursor_field'],
      'key',
      'updated_after has no cursor_field',
      'the column to go by',
      next,
    );
  }
  if (strategy !== 'updated_after') {
    const unused = [
      cursorField === undefined ? [] : ['cursor_field'],
      lookbackHours === 0 ? [] : ['lookback_hours'],
    ].flat();
    for (const key of unused) {
      const received = `source.incremental.${key} has no meaning when the strategy is ${strategy}`;
      add(
        ['source', 'incremental', key],
        'key',
        received,
        'strategy: updated_after with it',
        'add the strategy or remove it',
      );
    }
  }
  if (strategy === 'updated_after' && lookbackHours > 0 && writeMode === 'append') {
    // An upsert puts a row that is read a second time in the place of the one that was there.
    add(
      ['source', 'incremental', 'lookback_hours'],
      'key',
      'source.incremental.lookback_hours with target.write_mode append would append rows a second time',
      'write_mode: upsert with it',
      'remove it, or write target.write_mode: upsert',
    );
  }
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
  return objects.flatMap((object, index) => {
    if (objects.indexOf(object) === index) return [];
    const path: KeyPath = ['source', 'objects', index];
    const received = `source.objects names ${quoteWritten(written, path)} a second time`;
    return [invalid(path, 'value', received, 'each object once', 'remove one of the two')];
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
