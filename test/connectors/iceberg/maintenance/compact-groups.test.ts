import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Candidate } from '../../../../connectors/iceberg/maintenance/compact-groups.ts';
import { compactionGroups } from '../../../../connectors/iceberg/maintenance/compact-groups.ts';

const TARGET = 1000;

const candidates = fc
  .array(
    fc.record({
      bytes: fc.integer({ min: 1, max: 5 * TARGET }),
      partition: fc.constantFrom('a', 'b', 'c'),
      lowest: fc.option(fc.bigInt(-5n, 5n), { nil: undefined }),
      hasDeletes: fc.boolean(),
    }),
    { maxLength: 60 },
  )
  .map((files) => files.map((file, i): Candidate => ({ ...file, uri: `f${i}`, rows: 1, sequence: BigInt(i % 7) })));

describe('files that are to be written anew', () => {
  test('are in one group each at most, of their own partition, and no group is larger than three files ought to be', () => {
    fc.assert(
      fc.property(candidates, (files) => {
        const groups = compactionGroups(files, TARGET);
        const named = groups.map((group) => group.files.map(({ uri }) => files.find((file) => file.uri === uri)));
        const uris = groups.flatMap((group) => group.files.map(({ uri }) => uri));
        expect(new Set(uris).size).toBe(uris.length);
        for (const [index, group] of named.entries()) {
          expect(new Set(group.map((file) => file?.partition)).size).toBe(1);
          const bytes = group.reduce((sum, file) => sum + (file?.bytes ?? 0), 0);
          expect(bytes <= 3 * TARGET || group.length === 1).toBe(true);
          expect(groups[index]?.fileSizeBytes).toBeLessThan(2.5 * TARGET);
        }
      }),
    );
  });

  test('with deleted rows are all in a group', () => {
    fc.assert(
      fc.property(candidates, (files) => {
        const uris = compactionGroups(files, TARGET).flatMap((group) => group.files.map(({ uri }) => uri));
        for (const file of files) if (file.hasDeletes) expect(uris).toContain(file.uri);
      }),
    );
  });

  test('stay beside their neighbours in the order of the table', () => {
    const at = (lowest: bigint | undefined, i: number): Candidate => ({
      uri: `f${i}`,
      rows: 1,
      bytes: 900,
      partition: '',
      sequence: BigInt(i),
      lowest,
      hasDeletes: false,
    });
    const groups = compactionGroups([at(5n, 0), at(undefined, 1), at(1n, 2), at(9n, 3), at(2n, 4), at(7n, 5)], TARGET);
    expect(groups.map((group) => group.files.map(({ uri }) => uri))).toEqual([
      ['f2', 'f4', 'f0'],
      ['f5', 'f3', 'f1'],
    ]);
  });

  test('are left when they are few and would still be small together', () => {
    const small = (i: number): Candidate => ({
      uri: `f${i}`,
      rows: 1,
      bytes: 10,
      partition: '',
      sequence: BigInt(i),
      lowest: undefined,
      hasDeletes: false,
    });
    expect(compactionGroups([0, 1, 2, 3].map(small), TARGET)).toEqual([]);
    expect(compactionGroups([0, 1, 2, 3, 4].map(small), TARGET)).toHaveLength(1);
    expect(
      compactionGroups(
        [0, 1].map((i) => ({ ...small(i), bytes: 600 })),
        TARGET,
      ),
    ).toHaveLength(1);
  });
});
