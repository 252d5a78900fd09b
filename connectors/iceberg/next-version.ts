import { randomUUID } from 'node:crypto';
import { tableChanged } from '../commit-rules.ts';
import type { WrittenFile } from '../duckdb/parquet-file.ts';
import type { SinkChange } from '../sink.ts';
import type { Storage } from '../storage/storage.ts';
import { storeCheckpoint, withoutCheckpoint } from './checkpoint.ts';
import type { CommitFiles } from './commit-files.ts';
import type { Placement } from './data-file.ts';
import { leavesOf, toDataFile } from './data-file.ts';
import type { Layout } from './layout.ts';
import { UNDIVIDED } from './layout.ts';
import { orderIdOf, withLayout } from './layout-metadata.ts';
import type { DataFile, SnapshotInProgress } from './manifest.ts';
import { writeManifestList } from './manifest.ts';
import { ManifestWriter } from './manifest-writer.ts';
import type { TableMetadata, TableVersion } from './metadata.ts';
import { currentSchema, currentSnapshot, currentSpec, FIRST_PARTITION_ID, UNSORTED } from './metadata.ts';
import { newSnapshotId, withSnapshot } from './new-snapshot.ts';
import type { TupleField } from './partition.ts';
import { readTuple, tupleFields, tupleRecord } from './partition.ts';
import { replacedPartitions } from './replace-partitions.ts';
import { RUN_ID, withRecentRun } from './run-record.ts';
import type { IcebergSchema } from './schema.ts';
import { lastFieldId, sameSchema } from './schema.ts';
import type { Summary } from './summary.ts';
import { summaryCounts } from './summary.ts';
import type { Gone } from './take-over.ts';
import { takeOver } from './take-over.ts';

/** A version whose files are written, but for the metadata itself, which is the catalog's to keep. */
export interface PreparedVersion {
  readonly metadata: TableMetadata;
  readonly snapshotId: bigint;
}

/**
 * Writes everything that a change of one table needs, from the manifests up to the manifest list. Nothing of it is
 * visible until the catalog has the metadata.
 */
export async function writeNextVersion(
  storage: Storage,
  files: CommitFiles,
  base: TableVersion | undefined,
  tableLocation: string,
  runId: string,
  change: SinkChange,
  now: number,
): Promise<PreparedVersion> {
  const { layout = UNDIVIDED, tableSchema } = change.plan;
  const before = withLayout(withSchema(base?.metadata ?? emptyTable(tableLocation, now), tableSchema), layout);
  const parent = currentSnapshot(before);
  const snapshot: SnapshotInProgress = {
    files,
    snapshotId: newSnapshotId(),
    sequenceNumber: before['last-sequence-number'] + 1n,
    schema: currentSchema(before),
    schemas: before.schemas,
  };
  const properties = { ...before.properties, ...change.plan.properties };
  const leaves = leavesOf(snapshot.schema, properties);
  const fields = tupleFields(currentSpec(before), [snapshot.schema, ...before.schemas.toReversed()]);
  const placed = placement(before, fields, layout);
  const added = change.files.map((file) => toDataFile(file, leaves, placed(file)));
  const manifests = new ManifestWriter(snapshot, before);
  await manifests.addFiles(currentSpec(before), added);
  const gone =
    change.mode === 'replace-partitions'
      ? replacedPartitions(change, before, fields, added)
      : removedBy(change, storage);
  const removed = await takeOver(storage, manifests, parent, gone);
  requireAllFound(change, removed);
  const { checkpointOf } = change.plan;
  const checkpoint =
    change.checkpoint === undefined ? {} : await storeCheckpoint(files, runId, change.checkpoint, checkpointOf);
  const counts = summaryCounts(parent, added, removed);
  const record = {
    'snapshot-id': snapshot.snapshotId,
    ...(parent === undefined ? {} : { 'parent-snapshot-id': parent['snapshot-id'] }),
    'sequence-number': snapshot.sequenceNumber,
    'timestamp-ms': Math.max(now, before['last-updated-ms']),
    'manifest-list': await writeManifestList(snapshot, parent?.['snapshot-id'], await manifests.finish()),
    summary: {
      ...change.properties,
      ...checkpoint,
      ...counts,
      ...(change.mode === 'replace-partitions' ? { 'replace-partitions': 'true' } : {}),
      operation: change.mode === 'append' || (change.mode === 'merge' && removed.length === 0) ? 'append' : 'overwrite',
      [RUN_ID]: runId,
    },
    'schema-id': snapshot.schema['schema-id'],
  };
  const kept =
    change.checkpoint === undefined ? properties : { ...withoutCheckpoint(properties, checkpointOf), ...checkpoint };
  const recent = withRecentRun(kept, runRecord(runId, snapshot.snapshotId, counts));
  const metadata = withSnapshot({ ...before, properties: { ...kept, ...recent } }, record, base);
  return { metadata, snapshotId: snapshot.snapshotId };
}

function emptyTable(location: string, now: number): TableMetadata {
  return {
    'format-version': 2,
    'table-uuid': randomUUID(),
    location,
    'last-sequence-number': 0n,
    'last-updated-ms': now,
    'last-column-id': 0,
    'current-schema-id': -1,
    schemas: [],
    'default-spec-id': -1,
    'partition-specs': [],
    'last-partition-id': FIRST_PARTITION_ID - 1,
    'default-sort-order-id': UNSORTED,
    'sort-orders': [{ 'order-id': UNSORTED, fields: [] }],
    properties: {},
    snapshots: [],
    refs: {},
    'snapshot-log': [],
    'metadata-log': [],
  };
}

function withSchema(metadata: TableMetadata, schema: IcebergSchema): TableMetadata {
  const current = metadata.schemas.find((one) => one['schema-id'] === metadata['current-schema-id']);
  if (current !== undefined && sameSchema(current, schema)) return metadata;
  // An id that another writer took in the meantime must not be given twice.
  const id = Math.max(-1, ...metadata.schemas.map((one) => one['schema-id'])) + 1;
  return {
    ...metadata,
    schemas: [...metadata.schemas, { ...schema, 'schema-id': id }],
    'current-schema-id': id,
    'last-column-id': Math.max(metadata['last-column-id'], lastFieldId(schema)),
  };
}

/** Where the files of a plan stand in the table: their tuples are in the order of the plan, not of the table's spec. */
function placement(
  table: TableMetadata,
  fields: readonly TupleField[],
  layout: Layout,
): (file: WrittenFile) => Placement {
  const places = currentSpec(table).fields.map((field) =>
    layout.partition.findIndex(
      ({ sourceId, transform }) => sourceId === field['source-id'] && transform === field.transform,
    ),
  );
  const sortOrderId = orderIdOf(table, layout);
  return ({ partition: written = [] }) => {
    const tuple = readTuple(
      fields,
      places.map((place) => written[place] ?? null),
    );
    return { partition: tupleRecord(fields, tuple), sortOrderId };
  };
}

/** Whether a change takes a file of the table away; undefined for one that takes none. */
function removedBy({ mode, removed }: SinkChange, storage: Storage): Gone | undefined {
  if (mode === 'append') return undefined;
  if (mode === 'replace') return () => true;
  const names = new Set(removed?.map((uri) => storage.nameOf(uri)));
  return names.size === 0 ? undefined : (file) => names.has(storage.nameOf(file.file_path));
}

/** Rows of a file that is not there any more would be added a second time. */
function requireAllFound({ plan, mode, removed = [] }: SinkChange, found: readonly DataFile[]): void {
  if (mode === 'merge' && found.length !== removed.length)
    throw tableChanged(plan, 'files that this run rewrote are gone');
}

function runRecord(runId: string, snapshotId: bigint, counts: Summary) {
  return {
    run: runId,
    snapshot: String(snapshotId),
    files: Number(counts['added-data-files'] ?? 0),
    rows: Number(counts['added-records'] ?? 0),
    bytes: Number(counts['added-files-size'] ?? 0),
  };
}
