import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RetentionPolicy } from '../../../../connectors/iceberg/maintenance/retention.ts';
import { retention } from '../../../../connectors/iceberg/maintenance/retention.ts';
import type { Snapshot, TableMetadata } from '../../../../connectors/iceberg/metadata.ts';

const NOW = 1_000_000;

interface Given {
  /** Age of each snapshot, the oldest first; each is the parent of the next. */
  readonly ages: readonly number[];
  readonly refs?: TableMetadata['refs'];
  readonly properties?: Readonly<Record<string, string>>;
}

function snapshot(id: number, age: number, parent?: number): Snapshot {
  return {
    'snapshot-id': BigInt(id),
    ...(parent === undefined ? {} : { 'parent-snapshot-id': BigInt(parent) }),
    'sequence-number': BigInt(id),
    'timestamp-ms': NOW - age,
    'manifest-list': `file:///t/metadata/snap-${id}.avro`,
    summary: { operation: 'append' },
  };
}

/** Snapshots are numbered from 1. */
function table({ ages, refs, properties = {} }: Given): TableMetadata {
  const snapshots = ages.map((age, i) => snapshot(i + 1, age, i === 0 ? undefined : i));
  return {
    'format-version': 2,
    'table-uuid': 'u',
    location: 'file:///t',
    'last-sequence-number': BigInt(ages.length),
    'last-updated-ms': NOW,
    'last-column-id': 1,
    'current-schema-id': 0,
    schemas: [],
    'default-spec-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: [] }],
    'last-partition-id': 999,
    'default-sort-order-id': 0,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    properties,
    'current-snapshot-id': BigInt(ages.length),
    snapshots,
    refs: refs ?? { main: { 'snapshot-id': BigInt(ages.length), type: 'branch' } },
    'snapshot-log': [],
    'metadata-log': [],
  };
}

function kept(given: Given, policy: RetentionPolicy = {}): number[] {
  return retention(table(given), policy, NOW).kept.map((one) => Number(one['snapshot-id']));
}

const main = (id: number, rules = {}) => ({ main: { 'snapshot-id': BigInt(id), type: 'branch', ...rules } });
const POLICY = { maxSnapshotAgeMs: 100, minSnapshotsToKeep: 2 };

describe('a snapshot', () => {
  test('stays while it is young or among the last of its branch', () => {
    expect(kept({ ages: [500, 400, 300, 200] }, POLICY)).toEqual([3, 4]);
    expect(kept({ ages: [500, 400, 100, 99, 1] }, POLICY)).toEqual([3, 4, 5]);
  });

  test('that was current a moment ago stays for an hour, however old it is, unless all are to go sooner', () => {
    const [hour, day] = [3_600_000, 86_400_000];
    const policy = { maxSnapshotAgeMs: 2 * day, minSnapshotsToKeep: 1 };
    expect(kept({ ages: [9 * day, 8 * day, hour - 1] }, policy)).toEqual([2, 3]);
    expect(kept({ ages: [9 * day, 8 * day, 3 * day] }, policy)).toEqual([3]);
    expect(kept({ ages: [9 * day, 8 * day, 1000] }, { ...policy, maxSnapshotAgeMs: 10 })).toEqual([3]);
  });

  test('that is current stays, however old and whatever the policy', () => {
    expect(kept({ ages: [500] }, { maxSnapshotAgeMs: 0, minSnapshotsToKeep: 0 })).toEqual([1]);
    expect(kept({ ages: [500, 400], refs: {} }, { maxSnapshotAgeMs: 0, minSnapshotsToKeep: 1 })).toEqual([2]);
  });

  test('that a tag names stays, those before it do not', () => {
    const refs = { ...main(5), v1: { 'snapshot-id': 2n, type: 'tag' } };
    expect(kept({ ages: [500, 400, 300, 200, 150], refs }, POLICY)).toEqual([2, 4, 5]);
  });

  test('of another branch stays by the rules of that branch', () => {
    const refs = { ...main(5), dev: { 'snapshot-id': 3n, type: 'branch', 'min-snapshots-to-keep': 3 } };
    expect(kept({ ages: [500, 400, 300, 200, 150], refs }, { ...POLICY, minSnapshotsToKeep: 1 })).toEqual([1, 2, 3, 5]);
    const brief = { ...main(5), dev: { 'snapshot-id': 3n, type: 'branch', 'max-snapshot-age-ms': 350 } };
    expect(kept({ ages: [500, 340, 300, 200, 150], refs: brief }, { ...POLICY, minSnapshotsToKeep: 1 })).toEqual([
      2, 3, 5,
    ]);
  });

  test('that no branch leads to stays as long as it is young', () => {
    expect(kept({ ages: [500, 400, 50, 200], refs: main(2) }, POLICY)).toEqual([1, 2, 3]);
  });

  test("is kept by the table's own properties, unless the caller says otherwise, and by ours where neither does", () => {
    const properties = { 'history.expire.max-snapshot-age-ms': '100', 'history.expire.min-snapshots-to-keep': '1' };
    expect(kept({ ages: [500, 400, 300], properties })).toEqual([3]);
    expect(kept({ ages: [500, 400, 300], properties }, { minSnapshotsToKeep: 2 })).toEqual([2, 3]);
    expect(kept({ ages: [500, 400, 300] })).toEqual([1, 2, 3]);
    const weeks = Array.from({ length: 12 }, (_, i) => (12 - i) * 7 * 86_400_001);
    expect(kept({ ages: weeks })).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  test('is not given up for a rule that is empty or no number', () => {
    const properties = { 'history.expire.max-snapshot-age-ms': '', 'history.expire.min-snapshots-to-keep': 'ten' };
    expect(kept({ ages: [500, 400, 300], properties })).toEqual([1, 2, 3]);
  });
});

describe('a tag or branch', () => {
  test('goes when its time is over, and what it kept with it; the main branch never does', () => {
    const old = { 'snapshot-id': 1n, type: 'tag', 'max-ref-age-ms': 450 };
    const refs = {
      ...main(3, { 'max-ref-age-ms': 1 }),
      old,
      new: { ...old, 'snapshot-id': 2n },
      ever: { ...old, 'max-ref-age-ms': null },
    };
    const found = retention(
      table({ ages: [500, 400, 300], refs }),
      { maxSnapshotAgeMs: 0, minSnapshotsToKeep: 1 },
      NOW,
    );
    expect(found.expiredRefs).toEqual(['old']);
    expect(found.kept.map((one) => one['snapshot-id'])).toEqual([1n, 2n, 3n]);
  });

  test('whose snapshot is gone goes too', () => {
    const refs = { ...main(1), lost: { 'snapshot-id': 77n, type: 'tag' } };
    expect(retention(table({ ages: [1], refs }), POLICY, NOW).expiredRefs).toEqual(['lost']);
  });
});

test('every snapshot stays or expires, and the heads of all references stay, whatever the history', () => {
  const history = fc.record({
    ages: fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 12 }),
    tags: fc.array(fc.nat(11), { maxLength: 3 }),
    policy: fc.record({ maxSnapshotAgeMs: fc.nat(1000), minSnapshotsToKeep: fc.nat(5) }),
  });
  fc.assert(
    fc.property(history, ({ ages, tags, policy }) => {
      const sorted = ages.toSorted((a, b) => b - a);
      const named = tags.filter((tag) => tag < sorted.length).map((tag) => BigInt(tag + 1));
      const entries = named.map((id, i) => [`t${i}`, { 'snapshot-id': id, type: 'tag' }] as const);
      const refs = { ...main(sorted.length), ...Object.fromEntries(entries) };
      const found = retention(table({ ages: sorted, refs }), policy, NOW);
      expect(found.kept.length + found.expired.length).toBe(sorted.length);
      const ids = found.kept.map((one) => one['snapshot-id']);
      for (const id of [...named, BigInt(sorted.length)]) expect(ids).toContain(id);
      for (const one of found.expired) expect(NOW - one['timestamp-ms']).toBeGreaterThan(policy.maxSnapshotAgeMs);
    }),
  );
});
