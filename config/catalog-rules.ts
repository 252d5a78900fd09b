import type { CatalogSpec } from '../contracts/job-catalog.ts';
import type { JsonObject, KeyPath } from './json-tree.ts';
import { valueAt } from './json-tree.ts';
import type { RuleFinding } from './rule-finding.ts';

const CATALOG: KeyPath = ['target', 'catalog'];

const REST_TYPES: readonly CatalogSpec['type'][] = ['rest', 'nessie', 'polaris', 'lakekeeper'];
const REST_KEYS = [
  'warehouse',
  'token',
  'credential',
  'oauth2_server_uri',
  'scope',
  'audience',
  'vended_credentials',
  'headers',
  'timeout_seconds',
];

/** Catalog types that a setting means something to; a job that sets it for another expects what will not happen. */
const TYPES_OF_KEY: Readonly<Record<string, readonly CatalogSpec['type'][]>> = {
  name: ['sqlite', 'sql'],
  ref: ['nessie'],
  ...Object.fromEntries(REST_KEYS.map((key) => [key, REST_TYPES])),
};

const NEEDED: Partial<Record<CatalogSpec['type'], Readonly<Record<string, string>>>> = {
  sql: { uri: 'postgresql://user:${PASSWORD}@host/database' },
  rest: { uri: 'https://host/path' },
  nessie: { uri: 'http://host:19120/iceberg' },
  polaris: { uri: 'https://host/api/catalog', warehouse: 'name' },
  lakekeeper: { uri: 'https://host/catalog', warehouse: 'name' },
};

const MEANING: Readonly<Record<string, string>> = {
  uri: 'the address of the catalog',
  warehouse: 'the name of a warehouse in it',
};

/** What each kind of catalog needs, beyond what the schema says. `job` has its variables resolved. */
export function catalogRules(job: JsonObject): RuleFinding[] {
  const type = String(valueAt(job, [...CATALOG, 'type']) ?? 'sqlite');
  const findings: RuleFinding[] = [];
  const add = (path: KeyPath, at: 'key' | 'value', received: string, expected: string, next: string) =>
    findings.push({ path, at, code: 'JOB_FILE_INVALID', received, expected, next });

  for (const [key, types] of Object.entries(TYPES_OF_KEY)) {
    if (valueAt(job, [...CATALOG, key]) === undefined || types.some((one) => one === type)) continue;
    const received = `target.catalog.${key} has no meaning when target.catalog.type is ${type}`;
    add([...CATALOG, key], 'key', received, 'keys that the catalog uses', 'remove it');
  }
  const needed = Object.entries(NEEDED).find(([known]) => known === type)?.[1] ?? {};
  for (const [key, example] of Object.entries(needed)) {
    if (valueAt(job, [...CATALOG, key]) !== undefined) continue;
    add(
      [...CATALOG, 'type'],
      'value',
      `a catalog of type ${type} without its "${key}"`,
      MEANING[key] ?? key,
      `add ${key}: ${example}`,
    );
  }
  return findings;
}
