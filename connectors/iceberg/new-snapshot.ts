import { randomBytes } from 'node:crypto';
import type { Snapshot, TableMetadata, TableVersion } from './metadata.ts';

const PREVIOUS_VERSIONS_KEPT = 100;

/** Positive, and small enough for readers that keep numbers as doubles. */
export function newSnapshotId(): bigint {
  return randomBytes(8).readBigUInt64BE() & ((1n << 53n) - 1n) || newSnapshotId();
}

/** The table with one more snapshot, which is the current one of its main branch. */
export function withSnapshot(
  metadata: TableMetadata,
  snapshot: Snapshot,
  base: TableVersion | undefined,
): TableMetadata {
  const [id, time] = [snapshot['snapshot-id'], snapshot['timestamp-ms']];
  return {
    ...metadata,
    'last-sequence-number': snapshot['sequence-number'],
    'last-updated-ms': time,
    'current-snapshot-id': id,
    snapshots: [...metadata.snapshots, snapshot],
    refs: { ...metadata.refs, main: { ...metadata.refs['main'], 'snapshot-id': id, type: 'branch' } },
    'snapshot-log': [...metadata['snapshot-log'], { 'snapshot-id': id, 'timestamp-ms': time }],
    'metadata-log': metadataLog(metadata, base),
  };
}

/** The log of earlier metadata files once `base` is one of them, as long as the table's properties want it. */
export function metadataLog(metadata: TableMetadata, base: TableVersion | undefined): TableMetadata['metadata-log'] {
  const log = metadata['metadata-log'];
  if (base === undefined) return log;
  const previous = { 'metadata-file': base.location, 'timestamp-ms': base.metadata['last-updated-ms'] };
  return [...log, previous].slice(-previousVersionsKept(metadata));
}

/** `write.metadata.previous-versions-max`; at least one, as the reference implementation has it. */
export function previousVersionsKept({ properties }: TableMetadata): number {
  const kept = Number(properties['write.metadata.previous-versions-max'] ?? PREVIOUS_VERSIONS_KEPT);
  return Number.isInteger(kept) ? Math.max(1, kept) : PREVIOUS_VERSIONS_KEPT;
}
