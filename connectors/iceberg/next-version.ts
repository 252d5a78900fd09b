import { randomBytes, randomUUID } from 'node:crypto';
import type { SinkChange } from '../sink.ts';
import type { Storage } from '../storage/storage.ts';
import { storeCheckpoint, withoutCheckpoint } from './checkpoint.ts';
import type { CommitFiles } from './commit-files.ts';
import { metadataFileName } from './commit-names.ts';
import { leavesOf, toDataFile } from './data-file.ts';
import { writeJson } from './json.ts';
import type { DataFile, ManifestEntry, ManifestFile, SnapshotInProgress } from './manifest.ts';
import {
  ENTRY_STATUS,
  MANIFEST_CONTENT,
  readManifest,
  readManifestList,
  writeManifest,
  writeManifestList,
} from './manifest.ts';
import type { PartitionSpec, Snapshot, TableMetadata, TableVersion } from './metadata.ts';
import { currentSchema, currentSnapshot, currentSpec, ofId } from './metadata.ts';
import { RUN_ID, withRecentRun } from './run-record.ts';
import type { IcebergSchema } from './schema.ts';
import { lastFieldId, sameSchema } from './schema.ts';
import type { Summary } from './summary.ts';
import { summaryCounts } from './summary.ts';

/** A version that is written in full and that no catalog points to yet. */
export interface PreparedVersion extends TableVersion {
  readonly snapshotId: bigint;
}

/** Entries of one manifest; the reference writer aims at 8 MB, which is about this many. */
const ENTRIES_PER_MANIFEST = 10_000;
/** Table property `write.metadata.previous-versions-max` has this default. */
const METADATA_LOG_KEPT = 100;

/**
 * Writes everything that a change of one table needs, from the manifests up to the metadata file. Nothing of it is
 * visible until the catalog points to it.
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
  const before = withSchema(base?.metadata ?? emptyTable(tableLocation, now), change.plan.tableSchema);
  const parent = currentSnapshot(before);
  const snapshot: SnapshotInProgress = {
    files,
    snapshotId: newSnapshotId(),
    sequenceNumber: before['last-sequence-number'] + 1n,
    schema: currentSchema(before),
  };
  const properties = { ...before.properties, ...change.plan.properties };
  const leaves = leavesOf(snapshot.schema, properties);
  const added = change.files.map((file) => toDataFile(file, leaves));
  const manifests = await writeAdded(snapshot, added, currentSpec(before));
  const earlier = parent === undefined ? [] : await readManifestList(storage, parent['manifest-list']);
  const removed: DataFile[] = [];
  if (change.mode === 'append') {
    // A manifest of nothing but deleted entries has done its work in the snapshot that wrote it.
    manifests.push(...earlier.filter((one) => one.added_files_count + one.existing_files_count > 0));
  } else {
    for (const manifest of earlier) {
      const rewritten = await writeRemoved(storage, snapshot, manifests.length, before, manifest);
      removed.push(...rewritten.files);
      manifests.push(...rewritten.manifests);
    }
  }
  const checkpoint = change.checkpoint === undefined ? {} : await storeCheckpoint(files, runId, change.checkpoint);
  const counts = summaryCounts(parent, added, removed);
  const record = {
    'snapshot-id': snapshot.snapshotId,
    ...(parent === undefined ? {} : { 'parent-snapshot-id': parent['snapshot-id'] }),
    'sequence-number': snapshot.sequenceNumber,
    'timestamp-ms': Math.max(now, before['last-updated-ms']),
    'manifest-list': await writeManifestList(snapshot, parent?.['snapshot-id'], manifests),
    summary: {
      ...change.properties,
      ...checkpoint,
      ...counts,
      operation: change.mode === 'append' ? 'append' : 'overwrite',
      [RUN_ID]: runId,
    },
    'schema-id': snapshot.schema['schema-id'],
  };
  const kept = change.checkpoint === undefined ? properties : { ...withoutCheckpoint(properties), ...checkpoint };
  const recent = withRecentRun(kept, runRecord(runId, snapshot.snapshotId, counts));
  const metadata = withSnapshot({ ...before, properties: { ...kept, ...recent } }, record, base);
  const name = metadataFileName(base?.location, files.uuid);
  return { metadata, snapshotId: snapshot.snapshotId, location: await files.write(name, writeJson(metadata)) };
}

/** Positive, and small enough for readers that keep numbers as doubles. */
function newSnapshotId(): bigint {
  return randomBytes(8).readBigUInt64BE() & ((1n << 53n) - 1n) || newSnapshotId();
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
    'default-spec-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: [] }],
    'last-partition-id': 999,
    'default-sort-order-id': 0,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
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

async function writeAdded(
  snapshot: SnapshotInProgress,
  added: readonly DataFile[],
  spec: PartitionSpec,
): Promise<ManifestFile[]> {
  const manifests: ManifestFile[] = [];
  for (let first = 0; first < added.length; first += ENTRIES_PER_MANIFEST) {
    const entries = added.slice(first, first + ENTRIES_PER_MANIFEST).map((file) => ({
      status: ENTRY_STATUS.added,
      snapshot_id: snapshot.snapshotId,
      sequence_number: null,
      file_sequence_number: null,
      data_file: file,
    }));
    manifests.push(await writeManifest(snapshot, manifests.length, spec, MANIFEST_CONTENT.data, entries));
  }
  return manifests;
}

/** A manifest's live entries, all of them marked as deleted by this snapshot. */
async function writeRemoved(
  storage: Storage,
  snapshot: SnapshotInProgress,
  index: number,
  table: TableMetadata,
  manifest: ManifestFile,
): Promise<{ files: readonly DataFile[]; manifests: readonly ManifestFile[] }> {
  const live = (await readManifest(storage, manifest)).filter((entry) => entry.status !== ENTRY_STATUS.deleted);
  if (live.length === 0) return { files: [], manifests: [] };
  const spec = ofId(table['partition-specs'], 'spec-id', manifest.partition_spec_id, table);
  const content = manifest.content === MANIFEST_CONTENT.data ? MANIFEST_CONTENT.data : MANIFEST_CONTENT.deletes;
  const entries: ManifestEntry[] = live.map((entry) => ({
    ...entry,
    status: ENTRY_STATUS.deleted,
    snapshot_id: snapshot.snapshotId,
    // Bounds hold values of rows; of a file that is gone nobody needs them.
    data_file: { ...entry.data_file, lower_bounds: null, upper_bounds: null },
  }));
  return {
    files: live.map((entry) => entry.data_file),
    manifests: [await writeManifest(snapshot, index, spec, content, entries)],
  };
}

function withSnapshot(metadata: TableMetadata, snapshot: Snapshot, base: TableVersion | undefined): TableMetadata {
  const [id, time] = [snapshot['snapshot-id'], snapshot['timestamp-ms']];
  const previous =
    base === undefined ? [] : [{ 'metadata-file': base.location, 'timestamp-ms': base.metadata['last-updated-ms'] }];
  return {
    ...metadata,
    'last-sequence-number': snapshot['sequence-number'],
    'last-updated-ms': time,
    'current-snapshot-id': id,
    snapshots: [...metadata.snapshots, snapshot],
    refs: { ...metadata.refs, main: { ...metadata.refs['main'], 'snapshot-id': id, type: 'branch' } },
    'snapshot-log': [...metadata['snapshot-log'], { 'snapshot-id': id, 'timestamp-ms': time }],
    'metadata-log': [...metadata['metadata-log'], ...previous].slice(-METADATA_LOG_KEPT),
  };
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
