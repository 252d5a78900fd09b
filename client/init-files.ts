import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { stringify } from 'yaml';
import { escapeTemplate } from '../config/interpolate.ts';
import type { StoredJob } from '../config/stored-job.ts';
import { STORED_JOB_FORMAT, storedJobDigest } from '../config/stored-job.ts';
import type { LoadedJob } from '../config/validate.ts';
import { DEFAULT_TENANT } from '../contracts/ids.ts';
import type { Column, ColumnType } from '../contracts/schema.ts';
import { typeName } from '../contracts/schema.ts';

export interface NewJob {
  readonly asset: string;
  /** Paths relative to the job file. */
  readonly source: string;
  readonly contract: string;
}

/** A job file that brings one CSV file in: what has to be said, and nothing that is the default anyway. */
export function jobFileText({ asset, source, contract }: NewJob): string {
  return [
    '# Check it with `dativo validate`, run it with `dativo run`.',
    stringify({ source_connector: 'csv', asset, asset_path: contract, source: { path: source } }).trimEnd(),
    '',
  ].join('\n');
}

/** A contract (ODCS v3.0.2) that says of each column what the sample showed. */
export function contractFileText(asset: string, columns: readonly Column[]): string {
  return stringify({
    apiVersion: 'v3.0.2',
    kind: 'DataContract',
    id: randomUUID(),
    version: '1.0.0',
    status: 'draft',
    name: asset,
    schema: [
      {
        name: asset,
        physicalType: 'table',
        properties: columns.map(({ name, type, required }) => ({
          name,
          logicalType: logicalType(type),
          physicalType: typeName(type),
          ...(required ? { required } : {}),
        })),
      },
    ],
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

/** The job that is about to be written, as far as it is needed to look at its data. `file` is absolute. */
export function provisionalJob(asset: string, file: string): LoadedJob {
  const stored: StoredJob = {
    format: STORED_JOB_FORMAT,
    name: path.basename(file),
    folder: path.dirname(file),
    tenant: DEFAULT_TENANT,
    asset,
    objects: [asset],
    job: { source_connector: 'csv', asset, source: { path: escapeTemplate(file) } },
  };
  const { name, folder, tenant, objects } = stored;
  return { file: name, folder, tenant, asset, objects, stored, digest: storedJobDigest(stored) };
}
