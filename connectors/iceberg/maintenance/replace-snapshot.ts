import type { CommitFiles } from '../commit-files.ts';
import type { DataFile, SnapshotInProgress } from '../manifest.ts';
import { writeManifestList } from '../manifest.ts';
import { ManifestWriter } from '../manifest-writer.ts';
import type { TableMetadata, TableVersion } from '../metadata.ts';
import { currentSchema, currentSnapshot } from '../metadata.ts';
import { newSnapshotId, withSnapshot } from '../new-snapshot.ts';
import type { Summary } from '../summary.ts';
import { summaryCounts } from '../summary.ts';

/** A snapshot with the same rows as its parent, in other files (spec, operation `replace`), while it is written. */
export interface ReplaceSnapshot {
  readonly inProgress: SnapshotInProgress;
  readonly manifests: ManifestWriter;
}

export function beginReplace(metadata: TableMetadata, files: CommitFiles): ReplaceSnapshot {
  const inProgress: SnapshotInProgress = {
    files,
    snapshotId: newSnapshotId(),
    sequenceNumber: metadata['last-sequence-number'] + 1n,
    schema: currentSchema(metadata),
    schemas: metadata.schemas,
  };
  return { inProgress, manifests: new ManifestWriter(inProgress, metadata) };
}

/** Writes the manifest list, and returns the table with the snapshot as its current one. */
export async function finishReplace(
  base: TableVersion,
  { inProgress, manifests }: ReplaceSnapshot,
  changed: { readonly added: readonly DataFile[]; readonly removed: readonly DataFile[] },
  now: number,
  properties: Summary,
): Promise<TableMetadata> {
  const { metadata } = base;
  const parent = currentSnapshot(metadata);
  const { snapshotId, sequenceNumber, schema } = inProgress;
  const record = {
    'snapshot-id': snapshotId,
    ...(parent === undefined ? {} : { 'parent-snapshot-id': parent['snapshot-id'] }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': Math.max(now, metadata['last-updated-ms']),
    'manifest-list': await writeManifestList(inProgress, parent?.['snapshot-id'], await manifests.finish()),
    summary: { ...properties, ...summaryCounts(parent, changed.added, changed.removed), operation: 'replace' },
    'schema-id': schema['schema-id'],
  };
  return withSnapshot(metadata, record, base);
}
