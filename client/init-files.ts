import { randomUUID } from 'node:crypto';
import { stringify } from 'yaml';
import type { JsonObject } from '../config/json-tree.ts';
import type { StoredJob } from '../config/stored-job.ts';
import { STORED_JOB_FORMAT, storedJobDigest } from '../config/stored-job.ts';
import type { LoadedJob } from '../config/validate.ts';
import { DEFAULT_TENANT } from '../contracts/ids.ts';
import type { Column, ColumnType } from '../contracts/schema.ts';
import { typeName } from '../contracts/schema.ts';

export interface NewJob {
  readonly connector: string;
  readonly asset: string;
  /** Path relative to the job file. */
  readonly contract: string;
  /** The sections `source` and `target`. */
  readonly source: object;
  readonly target?: object;
}

/** What a contract says of one table. */
export interface NewElement {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly primaryKey?: readonly string[];
}

/** A job file: what has to be said, and nothing that is the default anyway. */
export function jobFileText({ connector, asset, source, contract, target }: NewJob): string {
  const job = {
    source_connector: connector,
    asset,
    asset_path: contract,
    source,
    ...(target === undefined ? {} : { target }),
  };
  return ['# Check it with `dativo validate`, run it with `dativo run`.', stringify(job).trimEnd(), ''].join('\n');
}

/** A contract (ODCS v3.0.2) that says of each column what the source showed. */
export function contractFileText(asset: string, elements: readonly NewElement[]): string {
  return stringify({
    apiVersion: 'v3.0.2',
    kind: 'DataContract',
    id: randomUUID(),
    version: '1.0.0',
    status: 'draft',
    name: asset,
    schema: elements.map(({ name: table, columns, primaryKey = [] }) => ({
      name: table,
      physicalType: 'table',
      properties: columns.map(({ name, type, required }) => ({
        name,
        logicalType: logicalType(type),
        physicalType: typeName(type),
        ...(required ? { required } : {}),
        ...(primaryKey.includes(name) ? { primaryKey: true, primaryKeyPosition: primaryKey.indexOf(name) + 1 } : {}),
      })),
    })),
  });
}

/** The coarse type that ODCS asks for; `physicalType` keeps the exact one. */
function logicalType(type: ColumnType): string {
  if (typeof type !== 'string') return type.type === 'list' ? 'array' : 'object';
  if (type.startsWith('decimal')) return 'number';
  return LOGICAL_TYPES[type] ?? 'string';
}

const LOGICAL_TYPES: Readonly<Record<string, string>> = {
  boolean: 'boolean',
  int: 'integer',
  long: 'integer',
  float: 'number',
  double: 'number',
  date: 'date',
  time: 'date',
  timestamp: 'date',
  timestamptz: 'date',
};

/** The job that is about to be written, as far as it is needed to look at its data. */
export function provisionalJob(
  asset: string,
  { folder, name, connector, source }: { folder: string; name: string; connector: string; source: JsonObject },
): LoadedJob {
  const stored: StoredJob = {
    format: STORED_JOB_FORMAT,
    name,
    folder,
    tenant: DEFAULT_TENANT,
    asset,
    objects: [asset],
    job: { source_connector: connector, asset, source },
  };
  const { tenant, objects } = stored;
  return { file: name, folder, tenant, asset, objects, stored, digest: storedJobDigest(stored) };
}
