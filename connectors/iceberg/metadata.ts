import zlib from 'node:zlib';
import { z } from 'zod';
import type { DativoError } from '../../contracts/errors.ts';
import { fail } from '../../contracts/errors.ts';
import type { Storage } from '../storage/storage.ts';
import { parseJson } from './json.ts';
import type { IcebergField, IcebergSchema, IcebergType } from './schema.ts';
import { primitiveFromName } from './schema.ts';

/** The only format version that is written; version 1 lacks sequence numbers, version 3 what this code knows. */
const FORMAT_VERSION = 2;

/** Partition fields have ids of their own, from here on (spec, "Partition Evolution"). */
export const FIRST_PARTITION_ID = 1000;
/** The sort order of tables and files that have none. */
export const UNSORTED = 0;

const int64 = z.union([z.int(), z.bigint()]).transform(BigInt);

const primitive = z.string().transform((name, context) => {
  const known = primitiveFromName(name);
  if (known !== undefined) return known;
  context.addIssue(`a column type that version ${FORMAT_VERSION} does not have`);
  return z.NEVER;
});

const icebergType: z.ZodType<IcebergType> = z.lazy(() =>
  z.union([
    primitive,
    z.object({ type: z.literal('struct'), fields: z.array(icebergField) }),
    z.object({
      type: z.literal('list'),
      'element-id': z.int(),
      'element-required': z.boolean(),
      element: icebergType,
    }),
    z.object({
      type: z.literal('map'),
      'key-id': z.int(),
      key: icebergType,
      'value-id': z.int(),
      'value-required': z.boolean(),
      value: icebergType,
    }),
  ]),
);

const icebergField: z.ZodType<IcebergField> = z.object({
  id: z.int(),
  name: z.string(),
  required: z.boolean(),
  type: icebergType,
  doc: z.string().optional(),
});

export const icebergSchema: z.ZodType<IcebergSchema> = z.object({
  type: z.literal('struct'),
  'schema-id': z.int(),
  'identifier-field-ids': z.array(z.int()).default([]),
  fields: z.array(icebergField),
});

const partitionField = z.looseObject({
  'source-id': z.int(),
  'field-id': z.int(),
  name: z.string(),
  transform: z.string(),
});

const partitionSpec = z.looseObject({ 'spec-id': z.int(), fields: z.array(partitionField) });

const sortField = z.looseObject({
  transform: z.string(),
  'source-id': z.int(),
  direction: z.enum(['asc', 'desc']),
  'null-order': z.enum(['nulls-first', 'nulls-last']),
});

const sortOrder = z.looseObject({ 'order-id': z.int(), fields: z.array(sortField) });

const snapshot = z.looseObject({
  'snapshot-id': int64,
  'parent-snapshot-id': int64.nullish(),
  'sequence-number': int64.default(0n),
  'timestamp-ms': z.int(),
  'manifest-list': z.string(),
  summary: z.record(z.string(), z.string()).default({}),
  'schema-id': z.int().nullish(),
});

const tableMetadata = z.looseObject({
  'format-version': z.literal(FORMAT_VERSION),
  'table-uuid': z.string(),
  location: z.string().transform((location) => location.replace(/\/+$/, '')),
  'last-sequence-number': int64,
  'last-updated-ms': z.int(),
  'last-column-id': z.int(),
  schemas: z.array(icebergSchema),
  'current-schema-id': z.int(),
  'partition-specs': z.array(partitionSpec),
  'default-spec-id': z.int(),
  'last-partition-id': z.int().default(FIRST_PARTITION_ID - 1),
  'sort-orders': z.array(sortOrder).default([{ 'order-id': UNSORTED, fields: [] }]),
  'default-sort-order-id': z.int().default(UNSORTED),
  properties: z.record(z.string(), z.string()).default({}),
  'current-snapshot-id': int64.nullish(),
  snapshots: z.array(snapshot).default([]),
  refs: z.record(z.string(), z.looseObject({ 'snapshot-id': int64, type: z.string() })).default({}),
  'snapshot-log': z.array(z.looseObject({ 'snapshot-id': int64, 'timestamp-ms': z.int() })).default([]),
  'metadata-log': z.array(z.looseObject({ 'metadata-file': z.string(), 'timestamp-ms': z.int() })).default([]),
});

/** Table metadata (spec, "Table Metadata"); parts that this code does not use are carried along as they are. */
export type TableMetadata = z.infer<typeof tableMetadata>;
export type Snapshot = z.infer<typeof snapshot>;
export type PartitionSpec = z.infer<typeof partitionSpec>;
export type SortOrder = z.infer<typeof sortOrder>;

/** A version of a table: its metadata and the file that holds it. */
export interface TableVersion {
  readonly metadata: TableMetadata;
  readonly location: string;
}

/** `table` is `namespace.table`. Fails with TABLE_NOT_OURS or TABLE_NEWER. */
export async function readMetadata(storage: Storage, location: string, table: string): Promise<TableVersion> {
  const bytes = await storage.read(location);
  if (bytes === undefined) throw notOurs(table, `a catalog entry whose metadata file ${location} does not exist`);
  const raw = parsed(bytes, location);
  if (raw === undefined) throw notOurs(table, `a metadata file that is not JSON (${location})`);
  return parseMetadata(raw, location, table);
}

/** Metadata as JSON whose integers are whole (see `json.ts`). Fails with TABLE_NOT_OURS or TABLE_NEWER. */
export function parseMetadata(raw: unknown, location: string, table: string): TableVersion {
  const version = z.object({ 'format-version': z.int() }).safeParse(raw).data?.['format-version'];
  if (version !== undefined && version > FORMAT_VERSION) {
    throw fail('TABLE_NEWER', {
      received: `table ${table} in Iceberg format version ${version}`,
      expected: `version ${FORMAT_VERSION}`,
      next: 'use a newer Dativo for this table, or another table name',
    });
  }
  if (version === 1) throw notOurs(table, 'a table in Iceberg format version 1, which has no sequence numbers');
  const result = tableMetadata.safeParse(raw);
  if (!result.success) {
    const where = result.error.issues[0]?.path.join('.') ?? '';
    throw notOurs(table, `a metadata file that is not valid at "${where}" (${location})`);
  }
  return { metadata: result.data, location };
}

function parsed(bytes: Buffer, location: string): unknown {
  try {
    return parseJson((location.endsWith('.gz.metadata.json') ? zlib.gunzipSync(bytes) : bytes).toString());
  } catch {
    return undefined;
  }
}

/** The refusal to touch a table that Dativo cannot extend. */
export function notOurs(table: string, received: string): DativoError {
  return fail('TABLE_NOT_OURS', {
    received: `for table ${table}, ${received}`,
    expected: 'no table of that name, or an Iceberg version 2 table that this version can extend',
    next: 'choose another asset or namespace, or repair or drop that table',
  });
}

export function currentSchema(metadata: TableMetadata): IcebergSchema {
  return ofId(metadata.schemas, 'schema-id', metadata['current-schema-id'], metadata);
}

export function currentSpec(metadata: TableMetadata): PartitionSpec {
  return ofId(metadata['partition-specs'], 'spec-id', metadata['default-spec-id'], metadata);
}

export function ofId<K extends string, T extends { readonly [key in K]: number }>(
  all: readonly T[],
  key: K,
  id: number,
  metadata: TableMetadata,
): T {
  const found = all.find((one) => one[key] === id);
  if (found === undefined) throw notOurs(metadata.location, `metadata without its own ${key} ${id}`);
  return found;
}

export function snapshotOfId(metadata: TableMetadata, id: bigint | null | undefined): Snapshot | undefined {
  return metadata.snapshots.find((candidate) => candidate['snapshot-id'] === id);
}

/** Undefined for a table that has never had a row (other writers spell that as -1, null or nothing). */
export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  const id = metadata['current-snapshot-id'];
  if (id === undefined || id === null || id === -1n) return undefined;
  const found = snapshotOfId(metadata, id);
  if (found === undefined) throw notOurs(metadata.location, 'metadata without its own current snapshot');
  return found;
}
