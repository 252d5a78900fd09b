import { z } from 'zod';
import type { Storage } from '../storage/storage.ts';
import type { FieldNames } from './avro.ts';
import { readAvro, writeAvro } from './avro.ts';
import type { CommitFiles } from './commit-files.ts';
import type { FieldSummary } from './field-summary.ts';
import { summariseTuples } from './field-summary.ts';
import { writeJson } from './json.ts';
import { MANIFEST_FILE_SCHEMA, MANIFEST_LIST_NAMES, MANIFEST_NAMES, manifestEntrySchema } from './manifest-schemas.ts';
import type { PartitionSpec } from './metadata.ts';
import { FIRST_PARTITION_ID, notOurs } from './metadata.ts';
import { tupleColumns, tupleFields, tupleKey, tupleOf, tupleToAvro } from './partition.ts';
import type { IcebergSchema } from './schema.ts';

export const ENTRY_STATUS = { existing: 0, added: 1, deleted: 2 } as const;
export const CONTENT = { data: 0, positionDeletes: 1, equalityDeletes: 2 } as const;

const byId = <T extends z.ZodType>(value: T) =>
  z
    .array(z.object({ key: z.int(), value }))
    .nullish()
    .default(null);
const bytes = z.instanceof(Buffer);

const dataFile = z.object({
  content: z.int().default(CONTENT.data),
  file_path: z.string(),
  file_format: z.string(),
  /** The partition tuple, see `tupleRecord`; empty for a table without partitions. */
  partition: z.looseObject({}),
  record_count: z.bigint(),
  file_size_in_bytes: z.bigint(),
  column_sizes: byId(z.bigint()),
  value_counts: byId(z.bigint()),
  null_value_counts: byId(z.bigint()),
  nan_value_counts: byId(z.bigint()),
  lower_bounds: byId(bytes),
  upper_bounds: byId(bytes),
  key_metadata: bytes.nullish().default(null),
  split_offsets: z.array(z.bigint()).nullish().default(null),
  equality_ids: z.array(z.int()).nullish().default(null),
  sort_order_id: z.int().nullish().default(null),
});

const manifestEntry = z.object({
  status: z.int(),
  snapshot_id: z.bigint().nullish().default(null),
  sequence_number: z.bigint().nullish().default(null),
  file_sequence_number: z.bigint().nullish().default(null),
  data_file: dataFile,
});

const fieldSummary: z.ZodType<FieldSummary> = z.object({
  contains_null: z.boolean(),
  contains_nan: z.boolean().nullish().default(null),
  lower_bound: bytes.nullish().default(null),
  upper_bound: bytes.nullish().default(null),
});

const manifestFile = z.object({
  manifest_path: z.string(),
  manifest_length: z.bigint(),
  partition_spec_id: z.int(),
  content: z.int().default(0),
  sequence_number: z.bigint().default(0n),
  min_sequence_number: z.bigint().default(0n),
  added_snapshot_id: z.bigint(),
  added_files_count: z.int(),
  existing_files_count: z.int(),
  deleted_files_count: z.int(),
  added_rows_count: z.bigint(),
  existing_rows_count: z.bigint(),
  deleted_rows_count: z.bigint(),
  partitions: z.array(fieldSummary).nullish().default(null),
  key_metadata: bytes.nullish().default(null),
});

/** What a manifest says of one file (spec, "Manifests", struct `data_file`). */
export type DataFile = z.infer<typeof dataFile>;
export type ManifestEntry = z.infer<typeof manifestEntry>;
/** What a manifest list says of one manifest (spec, "Manifest Lists"). */
export type ManifestFile = z.infer<typeof manifestFile>;

/** Content of a manifest (not of a file): data files, or delete files of either kind. */
export const MANIFEST_CONTENT = { data: 0, deletes: 1 } as const;

const MANIFEST_LIST_FIELD: FieldNames = (id) => MANIFEST_LIST_NAMES.get(id);
const MANIFEST_FIELD: FieldNames = (id) =>
  MANIFEST_NAMES.get(id) ?? (id >= FIRST_PARTITION_ID ? tupleKey(id) : undefined);

/** The manifests of a snapshot. Fails with TABLE_NOT_OURS if the list is missing or unreadable. */
export async function readManifestList(storage: Storage, uri: string): Promise<ManifestFile[]> {
  return readRecords(storage, uri, MANIFEST_LIST_FIELD, z.array(manifestFile));
}

/**
 * All entries of a manifest, deleted ones included, with what they inherit from it filled in (spec, "Sequence Number
 * Inheritance"). Fails with TABLE_NOT_OURS if the file is missing or unreadable.
 */
export async function readManifest(storage: Storage, manifest: ManifestFile): Promise<ManifestEntry[]> {
  const entries = await readRecords(storage, manifest.manifest_path, MANIFEST_FIELD, z.array(manifestEntry));
  return entries.map((entry) => ({
    ...entry,
    snapshot_id: entry.snapshot_id ?? manifest.added_snapshot_id,
    sequence_number: entry.sequence_number ?? manifest.sequence_number,
    file_sequence_number: entry.file_sequence_number ?? manifest.sequence_number,
  }));
}

async function readRecords<T>(storage: Storage, uri: string, names: FieldNames, shape: z.ZodType<T>): Promise<T> {
  const content = await storage.read(uri);
  if (content === undefined) throw notOurs(uri, 'a manifest that the table refers to and that does not exist');
  try {
    return shape.parse(readAvro(content, names).records);
  } catch {
    throw notOurs(uri, 'a manifest that cannot be read');
  }
}

/** The snapshot that manifests are written for. */
export interface SnapshotInProgress {
  readonly files: CommitFiles;
  readonly snapshotId: bigint;
  readonly sequenceNumber: bigint;
  readonly schema: IcebergSchema;
  /** Every schema that the table has had; partitions of columns that were dropped are looked for in them. */
  readonly schemas: readonly IcebergSchema[];
}

/**
 * Writes entries of one partition spec and one content as one manifest. Added entries leave their sequence numbers
 * to be inherited, so that they are right whatever number the commit gets.
 */
export async function writeManifest(
  snapshot: SnapshotInProgress,
  index: number,
  spec: PartitionSpec,
  content: 0 | 1,
  entries: readonly ManifestEntry[],
): Promise<ManifestFile> {
  const { files, schema, schemas, snapshotId, sequenceNumber } = snapshot;
  const fields = tupleFields(spec, [schema, ...schemas.toReversed()]);
  const tuples = entries.map(({ data_file: file }) => tupleOf(fields, file.partition));
  const records = entries.map((entry, at) => ({
    ...entry,
    data_file: { ...entry.data_file, partition: tupleToAvro(fields, tuples[at] ?? []) },
  }));
  const encoded = writeAvro(manifestEntrySchema(tupleColumns(fields)), records, {
    schema: writeJson(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': writeJson(spec.fields),
    'partition-spec-id': String(spec['spec-id']),
    'format-version': '2',
    content: content === MANIFEST_CONTENT.data ? 'data' : 'deletes',
  });
  const path = await files.write(`${files.uuid}-m${index}.avro`, encoded);
  const [added, existing, deleted] = [ENTRY_STATUS.added, ENTRY_STATUS.existing, ENTRY_STATUS.deleted].map((status) =>
    tally(entries.filter((entry) => entry.status === status)),
  );
  const kept = entries.flatMap((e) => (e.status === ENTRY_STATUS.existing ? (e.sequence_number ?? []) : []));
  const [lowest = sequenceNumber] = kept.toSorted((a, b) => (a < b ? -1 : 1));
  return {
    manifest_path: path,
    manifest_length: BigInt(encoded.length),
    partition_spec_id: spec['spec-id'],
    content,
    sequence_number: sequenceNumber,
    min_sequence_number: lowest,
    added_snapshot_id: snapshotId,
    added_files_count: added?.files ?? 0,
    existing_files_count: existing?.files ?? 0,
    deleted_files_count: deleted?.files ?? 0,
    added_rows_count: added?.rows ?? 0n,
    existing_rows_count: existing?.rows ?? 0n,
    deleted_rows_count: deleted?.rows ?? 0n,
    partitions: summariseTuples(fields, tuples),
    key_metadata: null,
  };
}

/** Writes the list of a snapshot's manifests and returns its URI. */
export async function writeManifestList(
  snapshot: SnapshotInProgress,
  parentId: bigint | undefined,
  manifests: readonly ManifestFile[],
): Promise<string> {
  const { files, snapshotId, sequenceNumber } = snapshot;
  const encoded = writeAvro(MANIFEST_FILE_SCHEMA, manifests, {
    'snapshot-id': String(snapshotId),
    'parent-snapshot-id': parentId === undefined ? 'null' : String(parentId),
    'sequence-number': String(sequenceNumber),
    'format-version': '2',
  });
  return files.write(`snap-${snapshotId}-0-${files.uuid}.avro`, encoded);
}

function tally(entries: readonly ManifestEntry[]): { files: number; rows: bigint } {
  return {
    files: entries.length,
    rows: entries.reduce((sum, entry) => sum + entry.data_file.record_count, 0n),
  };
}
