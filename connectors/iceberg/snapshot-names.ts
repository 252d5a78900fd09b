import { fail } from '../../contracts/errors.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';
import { currentSnapshot, snapshotOfId } from './metadata.ts';

/** The branch that every reader reads and every run writes. */
export const MAIN = 'main';

export type ReferenceKind = 'tag' | 'branch';

/**
 * The snapshot that a user means by a snapshot id, the name of a tag or branch, or a moment in ISO 8601: what the table
 * held then. Throws SNAPSHOT_NOT_FOUND. `table` is `namespace.table`.
 */
export function snapshotAt(metadata: TableMetadata, wanted: string, table: string): Snapshot {
  const reference = metadata.refs[wanted];
  const found =
    reference !== undefined
      ? snapshotOfId(metadata, reference['snapshot-id'])
      : /^\d+$/.test(wanted)
        ? snapshotOfId(metadata, BigInt(wanted))
        : snapshotAtTime(metadata, wanted);
  if (found !== undefined) return found;
  const names = Object.keys(metadata.refs);
  const oldest = metadata.snapshots[0];
  const since = oldest === undefined ? '' : `, or a moment since ${new Date(oldest['timestamp-ms']).toISOString()}`;
  throw fail('SNAPSHOT_NOT_FOUND', {
    received: `table ${table} as of ${wanted}`,
    expected: `the id of one of its ${metadata.snapshots.length} snapshots, ${names.length === 0 ? 'no tag or branch' : `one of ${names.join(', ')}`}${since}`,
    next: `"dativo snapshots ${table}" lists them`,
  });
}

/** What main pointed to at a moment, which need not be the snapshot that was committed last before it. */
function snapshotAtTime(metadata: TableMetadata, text: string): Snapshot | undefined {
  const time = Date.parse(
    /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text) ? `${text.replace(' ', 'T')}Z` : text,
  );
  if (Number.isNaN(time)) return undefined;
  const entry = metadata['snapshot-log'].findLast((one) => one['timestamp-ms'] <= time);
  return entry === undefined ? undefined : snapshotOfId(metadata, entry['snapshot-id']);
}

/** With a new tag or branch. Throws REFERENCE_INVALID for a name that is taken. */
export function withReference(
  metadata: TableMetadata,
  name: string,
  kind: ReferenceKind,
  snapshot: Snapshot,
  maxAgeMs: number | undefined,
): TableMetadata {
  const taken = metadata.refs[name];
  if (taken !== undefined) {
    // Asked again for what is there already, it is done.
    if (taken.type === kind && taken['snapshot-id'] === snapshot['snapshot-id']) return metadata;
    throw invalid(`${kind} ${name}, a name that a ${taken.type} of the table has`, 'drop that one first');
  }
  if (/^\d+$/.test(name) || !/^[\w.:/-]{1,128}$/.test(name)) {
    throw invalid(
      `${kind} ${JSON.stringify(name)}`,
      'use letters, digits and _ . : / - and not digits alone, which would be a snapshot id',
    );
  }
  const age = maxAgeMs === undefined ? {} : { 'max-ref-age-ms': maxAgeMs };
  return {
    ...metadata,
    refs: { ...metadata.refs, [name]: { 'snapshot-id': snapshot['snapshot-id'], type: kind, ...age } },
  };
}

/** Without a tag or branch. Throws REFERENCE_INVALID for one that is not there, and for main. */
export function withoutReference(metadata: TableMetadata, name: string): TableMetadata {
  if (name === MAIN) throw invalid('the branch main to drop', 'name another one: main is the table itself');
  if (metadata.refs[name] === undefined) {
    throw invalid(`no tag or branch ${name}`, `name one of ${Object.keys(metadata.refs).join(', ') || 'none'}`);
  }
  const { [name]: _dropped, ...refs } = metadata.refs;
  return { ...metadata, refs };
}

/**
 * With main at an earlier snapshot. Nothing is removed: the snapshots in between stay until they expire, and a rollback
 * can be undone by another. The checkpoint goes back with the rows, so that the next run reads again what was undone.
 */
export function rolledBack(metadata: TableMetadata, snapshot: Snapshot, now: number): TableMetadata {
  const id = snapshot['snapshot-id'];
  if (currentSnapshot(metadata)?.['snapshot-id'] === id) return metadata;
  const time = Math.max(now, metadata['last-updated-ms']);
  return {
    ...metadata,
    'current-snapshot-id': id,
    refs: { ...metadata.refs, [MAIN]: { ...metadata.refs[MAIN], 'snapshot-id': id, type: 'branch' } },
    'snapshot-log': [...metadata['snapshot-log'], { 'snapshot-id': id, 'timestamp-ms': time }],
  };
}

function invalid(received: string, next: string) {
  return fail('REFERENCE_INVALID', { received, expected: 'a tag or branch that can be changed so', next });
}
