import type { CatalogSpec } from '../contracts/job-catalog.ts';
import { CATALOG_TYPES } from '../contracts/job-catalog.ts';
import { availableSources, SOURCE_CONNECTORS } from '../contracts/job-connectors.ts';
import { CHECK_GROUPS } from '../contracts/job-quality.ts';
import { isRemote } from './job-paths.ts';
import type { JsonObject, JsonTree, KeyPath } from './json-tree.ts';
import { isObject, valueAt } from './json-tree.ts';
import type { RuleFinding } from './rule-finding.ts';
import { quoteWritten } from './rule-finding.ts';

/** A part of the vocabulary that this version accepts in the schema and does not run. */
interface Unavailable {
  readonly path: KeyPath;
  /** Whether the value at the path asks for the part. */
  when(value: JsonTree, job: JsonObject): boolean;
  /** What the job can say in its place. */
  readonly expected: string;
  readonly next: string;
}

const given = (value: JsonTree) => !(Array.isArray(value) && value.length === 0);
const unlessDisabled = (value: JsonTree) => !(isObject(value) && value['enabled'] === false);
const checksApply = (value: JsonTree, job: JsonObject) =>
  given(value) && valueAt(job, ['data_contract', 'enabled']) !== false;
const isAddress = (value: JsonTree) =>
  [value].flat().some((location) => typeof location === 'string' && isRemote(location));

const UNAVAILABLE_CATALOGS: readonly string[] = ['glue', 'hive'] satisfies CatalogSpec['type'][];

const isReadable = (location: JsonTree) =>
  typeof location === 'string' && /^(?:s3[an]?|https?):\/\/[^/]/i.test(location);

const COLUMNS_ONLY = 'the columns, types, required and primaryKey of the contract alone';

const UNAVAILABLE: readonly Unavailable[] = [
  {
    path: ['source_connector'],
    when: (value) => typeof value === 'string' && SOURCE_CONNECTORS[value]?.available === false,
    expected: `one of ${availableSources().join(', ')}`,
    next: 'export the data to CSV files and bring those in',
  },
  { path: ['asset_path'], when: isAddress, expected: 'a file on this machine', next: 'download the contract' },
  {
    path: ['source', 'path'],
    when: (value) => [value].flat().some((location) => isAddress(location) && !isReadable(location)),
    expected: 'files on this machine, s3:// or https://',
    next: 'copy the files, or mount the store as a folder',
  },
  {
    path: ['target', 'catalog', 'type'],
    when: (value) => typeof value === 'string' && UNAVAILABLE_CATALOGS.includes(value),
    expected: `one of ${CATALOG_TYPES.filter((type) => !UNAVAILABLE_CATALOGS.includes(type)).join(', ')}`,
    next: 'use its Iceberg REST endpoint with type: rest, or remove it to use the embedded catalog',
  },
  {
    path: ['target', 'warehouse'],
    when: (value) => isAddress(value) && !(typeof value === 'string' && /^s3[an]?:\/\/[^/]/.test(value)),
    expected: 'a folder on this machine, or s3://bucket/prefix',
    next: 'use one of them',
  },
  {
    path: ['target', 'file_format'],
    when: (value) => value === 'markdown_kv',
    expected: 'file_format: parquet',
    next: 'remove it to store Parquet',
  },
  { path: ['target', 'storage_pattern'], when: given, expected: 'file_format: parquet without it', next: 'remove it' },
  ...['partition_by', 'sort_by'].map((key) => ({
    path: ['target', key],
    when: (value: JsonTree, job: JsonObject) => given(value) && job['target_connector'] === 'parquet',
    expected: 'it with target_connector: iceberg alone',
    next: 'remove it, or write to Iceberg tables',
  })),
  { path: ['data_contract', 'quality_checks'], when: isList, expected: COLUMNS_ONLY, next: 'remove the checks' },
  ...CHECK_GROUPS.map((group) => ({
    path: ['data_contract', 'quality_checks', group],
    when: checksApply,
    expected: COLUMNS_ONLY,
    next: `remove the ${group} checks, or set data_contract.enabled to false`,
  })),
  {
    path: ['alert_rules'],
    when: given,
    expected: 'a job without alerts',
    next: 'remove it and go by the exit code of "dativo run"',
  },
  {
    path: ['compliance'],
    when: unlessDisabled,
    expected: 'a job without it',
    next: 'remove it, or set its enabled to false',
  },
];

function isList(value: JsonTree, job: JsonObject): boolean {
  return Array.isArray(value) && checksApply(value, job);
}

/**
 * Every part of a job that this version does not run, by name: nothing that a job asks for is ignored. `job` has its
 * variables resolved; messages quote `written`.
 */
export function notAvailable(job: JsonObject, written: JsonObject): RuleFinding[] {
  return UNAVAILABLE.flatMap(({ path, when, expected, next }) => {
    const value = valueAt(job, path);
    if (value === undefined || value === null || !when(value, job)) return [];
    const shown = typeof value === 'string' ? `${path.join('.')}: ${quoteWritten(written, path)}` : path.join('.');
    return [{ path, at: 'key', code: 'NOT_AVAILABLE_YET', received: `${shown} is not available yet`, expected, next }];
  });
}
