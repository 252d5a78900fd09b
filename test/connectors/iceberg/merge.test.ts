import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MergeRule } from '../../../connectors/duckdb/merge-sql.ts';
import { literal } from '../../../connectors/duckdb/sql.ts';
import { IcebergReader } from '../../../connectors/iceberg/reader.ts';
import type { Merged } from '../../../connectors/sink.ts';
import type { StreamSchema } from '../../../contracts/schema.ts';
import { Judge } from '../../support/judge.ts';
import type { StagedMerge } from '../../support/lake.ts';
import { optionalColumn, TestLake } from '../../support/lake.ts';

const SCHEMA: StreamSchema = {
  columns: [
    { name: 'tenant', type: 'string', required: true },
    { name: 'id', type: 'long', required: true },
    optionalColumn('at', 'timestamp'),
    optionalColumn('note', 'string'),
  ],
  primaryKey: ['tenant', 'id'],
};
const RULE: MergeRule = { key: ['tenant', 'id'] };
const NEWEST: MergeRule = { ...RULE, latestBy: 'at' };

interface Row {
  readonly tenant: string;
  readonly id: number;
  /** Seconds since 1970. */
  readonly at: number | null;
  readonly note: string;
}

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

function select(rows: readonly Row[]): string {
  const values = rows.map(
    ({ tenant, id, at, note }) =>
      `(${literal(tenant)}, ${id}::BIGINT, make_timestamp(${at === null ? 'NULL' : `${at}000000`}), ${literal(note)})`,
  );
  return `SELECT * FROM (VALUES ${values.join(', ')}) t(tenant, id, "at", note)`;
}

function merge(lake: TestLake, rows: readonly Row[], rule: MergeRule): Promise<StagedMerge> {
  return lake.stageMerge('events', SCHEMA, select(rows), rule);
}

async function upsert(lake: TestLake, rows: readonly Row[], rule: MergeRule = RULE): Promise<Merged> {
  const { merged, change, runId } = await merge(lake, rows, rule);
  await lake.sink.commit(runId, [change]);
  return merged;
}

async function stored(lake: TestLake): Promise<Row[]> {
  const reader = await IcebergReader.open(lake.storage, lake.warehouse);
  try {
    const sql = await reader.select({ namespace: 'shop', table: 'events' }, lake.session);
    const rows = await lake.session.rows(
      `SELECT tenant, id::INT AS id, epoch("at")::INT AS "at", note FROM (${sql}) ORDER BY tenant, id, note`,
    );
    return rows.map(({ tenant, id, at, note }) => ({
      tenant: String(tenant),
      id: Number(id),
      at: at === null ? null : Number(at),
      note: String(note),
    }));
  } finally {
    reader.close();
  }
}

const keyOf = ({ tenant, id }: Row) => `${tenant}/${id}`;

describe('an upsert', () => {
  const row = fc.record({
    tenant: fc.constantFrom('a', 'b', 'ä long name that is cut in its bounds', ''),
    id: fc.integer({ min: -20, max: 20 }),
    at: fc.option(fc.integer({ min: 0, max: 5 })),
    note: fc.string({ maxLength: 3 }),
  });

  test('leaves each key once, with the newest row, whatever came before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(row, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 5 }),
        async (batches) => {
          await using lake = await TestLake.create();
          const expected = new Map<string, Row>();
          for (const batch of batches) {
            const { rows, superseded } = await upsert(lake, batch, NEWEST);
            expect(rows + superseded).toBe(batch.length);
            for (const one of batch) {
              const known = expected.get(keyOf(one));
              if (known === undefined || known.at === null || (one.at !== null && one.at >= known.at)) {
                expected.set(keyOf(one), one);
              }
            }
          }
          const rows = await stored(lake);
          const order = (a: Row, b: Row) => Buffer.compare(Buffer.from(a.tenant), Buffer.from(b.tenant)) || a.id - b.id;
          expect(rows).toEqual([...expected.values()].toSorted(order));
          expect(await judge.of(lake.folder).count('shop.events')).toBe(expected.size);
        },
      ),
      { numRuns: 12 },
    );
  }, 120_000);

  const rows = (tenant: string, from: number, to: number, note = 'old'): Row[] =>
    Array.from({ length: to - from }, (_, i) => ({ tenant, id: from + i, at: 1, note }));

  test('rewrites only the files that hold its keys', async () => {
    await using lake = await TestLake.create();
    await upsert(lake, rows('a', 0, 10));
    await upsert(lake, rows('a', 10, 20));
    await upsert(lake, rows('b', 0, 10));
    const before = await judge.of(lake.folder).describe('shop.events');
    const merged = await upsert(lake, [...rows('a', 12, 13, 'new'), ...rows('c', 0, 1)]);

    expect([merged.updated, merged.rows, merged.removed.length]).toEqual([1, 2, 1]);
    const after = await judge.of(lake.folder).describe('shop.events');
    const kept = after.files.filter(({ path }) => before.files.some((file) => file.path === path));
    expect([kept.length, after.files.length]).toEqual([2, 3]);
    expect(after.snapshots.at(-1)).toMatchObject({ operation: 'overwrite', summary: { 'total-records': '31' } });
    expect((await stored(lake)).filter(({ note }) => note === 'new')).toHaveLength(1);
  });

  test('of rows that are all new adds the staged files as they are', async () => {
    await using lake = await TestLake.create();
    await upsert(lake, rows('a', 0, 5));
    const { change, merged, runId } = await merge(lake, rows('a', 5, 9), RULE);
    expect([merged.removed, merged.updated]).toEqual([[], 0]);
    await lake.sink.commit(runId, [change]);
    const { snapshots } = await judge.of(lake.folder).describe('shop.events');
    expect(snapshots.at(-1)?.operation).toBe('append');
  });

  test('over rows that are there twice leaves one of them', async () => {
    await using lake = await TestLake.create();
    await lake.write('events', SCHEMA, select(rows('a', 0, 5)));
    await lake.write('events', SCHEMA, select(rows('a', 3, 8)));
    await upsert(lake, rows('a', 4, 5, 'new'));
    expect((await stored(lake)).map(({ id, note }) => `${id} ${note}`)).toEqual([
      '0 old',
      '1 old',
      '2 old',
      '3 old',
      '3 old',
      '4 new',
      '5 old',
      '6 old',
      '7 old',
    ]);
  });

  test('with two rows of one key and nothing to order them by is refused, without their values', async () => {
    await using lake = await TestLake.create();
    const work = upsert(lake, [...rows('secret', 1, 2), ...rows('secret', 1, 2)]);
    await expect(work).rejects.toMatchObject({ code: 'DUPLICATE_KEY' });
    await expect(work).rejects.not.toThrow(/secret/);
  });

  test('that was merged before another writer committed is refused, and right when it is merged again', async () => {
    await using lake = await TestLake.create();
    await upsert(lake, rows('a', 0, 5));
    const late = await merge(lake, rows('a', 1, 2, 'late'), RULE);
    await upsert(lake, rows('a', 1, 3, 'first'));
    await expect(lake.sink.commit(late.runId, [late.change])).rejects.toMatchObject({ code: 'TABLE_CHANGED' });
    await upsert(lake, rows('a', 1, 2, 'late'));
    expect((await stored(lake)).map(({ note }) => note)).toEqual(['old', 'late', 'first', 'old', 'old']);
  });

  test('that is committed twice changes nothing the second time', async () => {
    await using lake = await TestLake.create();
    await upsert(lake, rows('a', 0, 5));
    const { change, runId } = await merge(lake, rows('a', 1, 7, 'new'), RULE);
    await lake.sink.commit(runId, [change]);
    const [again] = await lake.sink.commit(runId, [change]);
    expect(again).toMatchObject({ alreadyCommitted: true });
    expect(await stored(lake)).toHaveLength(7);
  });

  test('finds the rows that another writer appended, and is found by it', async () => {
    await using lake = await TestLake.create();
    await upsert(lake, rows('a', 0, 5));
    await judge.of(lake.folder).append('shop.events', select(rows('b', 0, 5, 'theirs')));
    expect(await upsert(lake, rows('b', 2, 6, 'ours'))).toMatchObject({ updated: 3, rows: 4 });
    await judge.of(lake.folder).delete('shop.events', "tenant == 'a' and id < 4");
    expect((await stored(lake)).map(({ tenant, id, note }) => `${tenant}${id} ${note}`)).toEqual([
      'a4 old',
      'b0 theirs',
      'b1 theirs',
      'b2 ours',
      'b3 ours',
      'b4 ours',
      'b5 ours',
    ]);
  });
});
