import { z } from 'zod';
import type { Snapshot, TableMetadata } from '../metadata.ts';
import { currentSnapshot } from '../metadata.ts';

/** How long snapshots and references are kept; what is left out is the table's properties' to say, else the default's. */
export interface RetentionPolicy {
  /** Milliseconds; younger snapshots are kept. */
  readonly maxSnapshotAgeMs?: number | undefined;
  /** So many of the latest of each branch are kept, however old they are; at least 1. */
  readonly minSnapshotsToKeep?: number | undefined;
}

export const DEFAULT_MAX_SNAPSHOT_AGE_MS = 7 * 86_400_000;
export const DEFAULT_MIN_SNAPSHOTS_TO_KEEP = 10;

export interface Retention {
  readonly expired: readonly Snapshot[];
  readonly kept: readonly Snapshot[];
  /** Names of tags and branches that have had their time. */
  readonly expiredRefs: readonly string[];
}

/** Nothing that is said, or nothing that can be read: the default holds. */
const number = z.preprocess(
  (value) => (value === null || value === '' ? undefined : value),
  z.coerce.number().int().nonnegative().optional().catch(undefined),
);
const reference = z.object({
  'snapshot-id': z.bigint(),
  type: z.string(),
  'max-ref-age-ms': number,
  'max-snapshot-age-ms': number,
  'min-snapshots-to-keep': number,
});
type Reference = z.infer<typeof reference>;

const MAIN = 'main';
/** Whoever began to read a snapshot while it was current has so much time, unless snapshots are to go sooner. */
const GRACE_MS = 3_600_000;

/**
 * Which snapshots of a table may go (spec, "Snapshot Retention Policy"): those that no tag and no branch keeps, each
 * branch by its own rules, and those that belong to none once they are old enough.
 */
export function retention(metadata: TableMetadata, policy: RetentionPolicy, now: number): Retention {
  const defaults = defaultsOf(metadata, policy);
  const refs = referencesOf(metadata);
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot['snapshot-id'], snapshot]));
  const expiredRefs = [...refs].filter(([name, ref]) => name !== MAIN && hasExpired(ref)).map(([name]) => name);

  const kept = new Set<Snapshot>();
  const referenced = new Set<Snapshot>();
  for (const [name, ref] of refs) {
    if (expiredRefs.includes(name)) continue;
    const head = byId.get(ref['snapshot-id']);
    if (head === undefined) continue;
    kept.add(head);
    if (ref.type !== 'branch') continue;
    const age = ref['max-snapshot-age-ms'] ?? defaults.maxSnapshotAgeMs;
    const grace = age < GRACE_MS ? 0 : GRACE_MS;
    const least = Math.max(1, ref['min-snapshots-to-keep'] ?? defaults.minSnapshotsToKeep);
    let isWithin = true;
    let replacedAt = now;
    for (const [index, snapshot] of ancestors(head, byId).entries()) {
      const madeAt = snapshot['timestamp-ms'];
      referenced.add(snapshot);
      isWithin &&= index < least || madeAt >= now - age || replacedAt >= now - grace;
      if (isWithin) kept.add(snapshot);
      replacedAt = madeAt;
    }
  }
  // What a rollback left behind, or another writer has not published yet.
  for (const snapshot of metadata.snapshots) {
    if (!referenced.has(snapshot) && snapshot['timestamp-ms'] >= now - defaults.maxSnapshotAgeMs) kept.add(snapshot);
  }
  return {
    expired: metadata.snapshots.filter((snapshot) => !kept.has(snapshot)),
    kept: metadata.snapshots.filter((snapshot) => kept.has(snapshot)),
    expiredRefs,
  };

  function hasExpired(ref: Reference): boolean {
    const head = byId.get(ref['snapshot-id']);
    const longest = ref['max-ref-age-ms'] ?? defaults.maxRefAgeMs;
    return head === undefined || (longest !== undefined && now - head['timestamp-ms'] > longest);
  }
}

function defaultsOf({ properties }: TableMetadata, policy: RetentionPolicy) {
  const property = (name: string) => number.parse(properties[`history.expire.${name}`]);
  return {
    maxSnapshotAgeMs: policy.maxSnapshotAgeMs ?? property('max-snapshot-age-ms') ?? DEFAULT_MAX_SNAPSHOT_AGE_MS,
    minSnapshotsToKeep: policy.minSnapshotsToKeep ?? property('min-snapshots-to-keep') ?? DEFAULT_MIN_SNAPSHOTS_TO_KEEP,
    maxRefAgeMs: property('max-ref-age-ms'),
  };
}

/** With the main branch of a writer that keeps no references. */
function referencesOf(metadata: TableMetadata): Map<string, Reference> {
  const refs = Object.entries(metadata.refs).map(([name, ref]) => [name, reference.parse(ref)] as const);
  const current = currentSnapshot(metadata);
  if (current === undefined || metadata.refs[MAIN] !== undefined) return new Map(refs);
  return new Map([[MAIN, reference.parse({ 'snapshot-id': current['snapshot-id'], type: 'branch' })], ...refs]);
}

/** A snapshot and those that it came from, the latest first. */
function ancestors(head: Snapshot, byId: ReadonlyMap<bigint, Snapshot>): Snapshot[] {
  const line = new Set<Snapshot>();
  let snapshot: Snapshot | undefined = head;
  while (snapshot !== undefined && !line.has(snapshot)) {
    line.add(snapshot);
    snapshot = byId.get(snapshot['parent-snapshot-id'] ?? -1n);
  }
  return [...line];
}
