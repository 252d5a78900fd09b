import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commitCompaction } from '../../../../connectors/iceberg/maintenance/compact-commit.ts';
import { loadTable, moveTable } from '../../../../connectors/iceberg/maintenance/maintained-table.ts';
import { IcebergReader } from '../../../../connectors/iceberg/reader.ts';
import { deleteByPlace, deleteByValue } from '../../../support/delete-files.ts';
import { Judge } from '../../../support/judge.ts';
import { change, optionalColumn, TestLake } from '../../../support/lake.ts';
import { compact, maintained, rewriteSmall } from '../../../support/maintenance.ts';
import { NUMBERS, numbers } from '../../../support/numbers.ts';

const MB = 1_000_000;

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

/** A table of `files` files of ten numbers each, from 0. */
async function smallFiles(lake: TestLake, files: number): Promise<void> {
  for (let i = 0; i < files; i += 1) await lake.write('numbers', NUMBERS, numbers(10 * i, 10 * i + 10));
}

async function sortedNumbers(lake: TestLake): Promise<number[]> {
  const rows = await judge.of(lake.folder).rows('shop.numbers');
  return rows.map(({ n }) => Number(n)).toSorted((a, b) => a - b);
}

async function rowsWeRead(lake: TestLake): Promise<number> {
  const reader = await IcebergReader.open(lake.storage, lake.warehouse);
  const sql = await reader.select({ namespace: 'shop', table: 'numbers' }, lake.session);
  reader.close();
  const [row] = await lake.session.rows(`SELECT count(*)::INTEGER AS n FROM (${sql})`);
  return Number(row?.['n']);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('a compaction', () => {
  test('makes one file of many, and every reader finds the same rows', async () => {
    await using lake = await TestLake.create();
    await smallFiles(lake, 8);
    await using table = await maintained(lake, 'numbers');
    const done = await compact(table, MB);

    expect(done).toMatchObject({ committed: 1, stale: 0, removed: { files: 8 }, added: { files: 1 } });
    const { files, snapshots } = await judge.of(lake.folder).describe('shop.numbers');
    expect(files).toMatchObject([{ rows: 80, lower: { n: '0' }, upper: { n: '79' } }]);
    expect(snapshots.at(-1)).toMatchObject({
      operation: 'replace',
      sequence: 9,
      summary: { 'total-records': '80', 'total-data-files': '1', 'deleted-data-files': '8', 'added-data-files': '1' },
    });
    expect(await sortedNumbers(lake)).toEqual(range(0, 80));
    expect(await judge.of(lake.folder).rowsByDuckDb('shop.numbers')).toHaveLength(80);
    expect(await rowsWeRead(lake)).toBe(80);
  });

  test('leaves a table alone that has few small files', async () => {
    await using lake = await TestLake.create();
    await smallFiles(lake, 4);
    await using table = await maintained(lake, 'numbers');
    expect(await compact(table, MB)).toMatchObject({ committed: 0, removed: { files: 0 } });
    expect((await judge.of(lake.folder).describe('shop.numbers')).snapshots).toHaveLength(4);
  });

  test('lands beside rows that were appended in the meantime', async () => {
    await using lake = await TestLake.create();
    await smallFiles(lake, 6);
    await using table = await maintained(lake, 'numbers');
    const { plan, groups } = await rewriteSmall(table, MB);
    await lake.write('numbers', NUMBERS, numbers(60, 70));
    await judge.of(lake.folder).append('shop.numbers', 'SELECT 70::BIGINT AS n');

    expect(await commitCompaction(table, plan, groups)).toMatchObject({ committed: 1, stale: 0 });
    expect(await sortedNumbers(lake)).toEqual(range(0, 71));
  });

  test('leaves the files as they are of which another writer changed one', async () => {
    await using lake = await TestLake.create();
    await smallFiles(lake, 6);
    await using table = await maintained(lake, 'numbers');
    const { plan, groups } = await rewriteSmall(table, MB);
    await judge.of(lake.folder).delete('shop.numbers', 'n == 3');

    expect(await commitCompaction(table, plan, groups)).toMatchObject({ committed: 0, stale: 1 });
    expect(await sortedNumbers(lake)).toEqual(range(0, 60).filter((n) => n !== 3));
  });

  test('that is committed again changes nothing', async () => {
    await using lake = await TestLake.create();
    await smallFiles(lake, 6);
    await using table = await maintained(lake, 'numbers');
    const { plan, groups } = await rewriteSmall(table, MB);
    await commitCompaction(table, plan, groups);
    expect(await commitCompaction(table, plan, groups)).toMatchObject({ committed: 1, stale: 0, added: { files: 0 } });
    expect((await judge.of(lake.folder).describe('shop.numbers')).snapshots).toHaveLength(7);
    expect(await sortedNumbers(lake)).toEqual(range(0, 60));
  });

  test('of rows in older columns writes them in the columns of today, and one that came later is no hindrance', async () => {
    await using lake = await TestLake.create();
    const names = { ...NUMBERS, columns: [...NUMBERS.columns, optionalColumn('name', 'string')] };
    const more = { ...names, columns: [...names.columns, optionalColumn('more', 'string')] };
    await smallFiles(lake, 5);
    await lake.write('numbers', names, `SELECT 50 AS n, 'fifty' AS name`);
    await using table = await maintained(lake, 'numbers');
    const { plan, groups } = await rewriteSmall(table, MB);
    await lake.write('numbers', more, `SELECT 51 AS n, 'fiftyone' AS name, 'more' AS more`);
    expect(await commitCompaction(table, plan, groups)).toMatchObject({ committed: 1 });

    const rows = await judge.of(lake.folder).rows('shop.numbers', 'n >= 49');
    expect(rows.toSorted((a, b) => Number(a['n']) - Number(b['n']))).toEqual([
      { n: '49', name: null, more: null },
      { n: '50', name: 'fifty', more: null },
      { n: '51', name: 'fiftyone', more: 'more' },
    ]);
  });

  test('never makes one file of two partitions', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    await judged.createPartitioned('shop.people');
    for (let i = 0; i < 5; i += 1) {
      await judged.append(
        'shop.people',
        `SELECT i::INTEGER AS id, ['a', 'b', NULL][1 + i % 3] AS name FROM range(9) t(i)`,
      );
    }
    expect((await judged.describe('shop.people')).files).toHaveLength(15);
    await using table = await maintained(lake, 'people');

    expect(await compact(table, MB)).toMatchObject({ committed: 3, removed: { files: 15 }, added: { files: 3 } });
    expect(await judged.plannedFiles('shop.people', "name == 'a'")).toBe(1);
    expect(await judged.rows('shop.people', "name == 'b'")).toHaveLength(15);
    expect(await judged.rows('shop.people', 'name is null')).toHaveLength(15);
    expect(await judged.rowsByDuckDb('shop.people')).toHaveLength(45);
  });

  test('keeps the order that the table sorts its files by', async () => {
    await using lake = await TestLake.create();
    await smallFiles(lake, 6);
    await using table = await maintained(lake, 'numbers');
    const fields = [{ transform: 'identity', 'source-id': 1, direction: 'desc', 'null-order': 'nulls-last' } as const];
    await moveTable(table, async ({ metadata }) => ({
      result: undefined,
      next: { ...metadata, 'default-sort-order-id': 1, 'sort-orders': [{ 'order-id': 1, fields }] },
    }));
    await compact(table, MB);

    const [file] = (await judge.of(lake.folder).describe('shop.numbers')).files;
    const rows = await lake.session.rows(`SELECT n::INTEGER AS n FROM '${file?.path.replace('file://', '')}'`);
    expect(rows.map(({ n }) => n)).toEqual(range(0, 60).toReversed());
  });
});

describe('rows that another engine marked as deleted', () => {
  async function placesOf(lake: TestLake, ...wanted: number[]) {
    const { files } = await judge.of(lake.folder).describe('shop.numbers');
    return wanted.map((n) => {
      const file = files.find(({ lower, upper }) => Number(lower['n']) <= n && n <= Number(upper['n']));
      return { uri: file?.path ?? '', pos: n - Number(file?.lower['n']) };
    });
  }

  test('are gone from the files after it, and with them the marks, so that we can read the table again', async () => {
    await using lake = await TestLake.create();
    await smallFiles(lake, 3);
    await deleteByPlace(lake, 'numbers', await placesOf(lake, 0, 9, 25));
    await deleteByPlace(lake, 'numbers', await placesOf(lake, 25, 26));
    await expect(rowsWeRead(lake)).rejects.toMatchObject({ code: 'NOT_AVAILABLE_YET' });
    await using table = await maintained(lake, 'numbers');
    await compact(table, MB);

    const left = range(0, 30).filter((n) => ![0, 9, 25, 26].includes(n));
    expect(await sortedNumbers(lake)).toEqual(left);
    expect(await judge.of(lake.folder).rowsByDuckDb('shop.numbers')).toHaveLength(left.length);
    expect(await rowsWeRead(lake)).toBe(left.length);
    const { snapshots } = await judge.of(lake.folder).describe('shop.numbers');
    expect(snapshots.at(-1)?.summary).toMatchObject({ 'removed-delete-files': '2', 'total-delete-files': '0' });
  });

  test('while it was at work stay deleted: it leaves the table as it is', async () => {
    await using lake = await TestLake.create();
    await smallFiles(lake, 6);
    await using table = await maintained(lake, 'numbers');
    const { plan, groups } = await rewriteSmall(table, MB);
    await deleteByPlace(lake, 'numbers', await placesOf(lake, 7));
    expect(await commitCompaction(table, plan, groups)).toMatchObject({ committed: 0, stale: 1 });
    expect(await sortedNumbers(lake)).toEqual(range(0, 60).filter((n) => n !== 7));
  });

  test('by their values are refused by name', async () => {
    await using lake = await TestLake.create();
    await smallFiles(lake, 6);
    await deleteByValue(lake, 'numbers', [7]);
    await using table = await maintained(lake, 'numbers');
    await expect(compact(table, MB)).rejects.toMatchObject({
      code: 'MAINTENANCE_REFUSED',
      message: expect.stringContaining('shop.numbers'),
    });
  });
});

describe('a run that was planned before a compaction', () => {
  test('replaces the table after it: the rows are those that it has seen', async () => {
    await using lake = await TestLake.create();
    await smallFiles(lake, 6);
    const staged = await lake.stage('numbers', NUMBERS, numbers(0, 3));
    await using table = await maintained(lake, 'numbers');
    await compact(table, MB);
    await lake.sink.commit(staged.runId, [change(staged, { mode: 'replace' })]);
    expect(await sortedNumbers(lake)).toEqual([0, 1, 2]);
  });

  test('does not replace it when rows came too', async () => {
    await using lake = await TestLake.create();
    await smallFiles(lake, 6);
    const staged = await lake.stage('numbers', NUMBERS, numbers(0, 3));
    await using table = await maintained(lake, 'numbers');
    await lake.write('numbers', NUMBERS, numbers(60, 61));
    await compact(table, MB);
    const work = lake.sink.commit(staged.runId, [change(staged, { mode: 'replace' })]);
    await expect(work).rejects.toMatchObject({ code: 'TABLE_CHANGED' });
  });

  test('finds its own commit, and its checkpoint, behind it', async () => {
    await using lake = await TestLake.create();
    await smallFiles(lake, 5);
    const { runId, plan, files } = await lake.stage('numbers', NUMBERS, numbers(50, 60));
    const mine = change({ plan, files }, { checkpoint: { at: 1 } });
    await lake.sink.commit(runId, [mine]);
    await using table = await maintained(lake, 'numbers');
    await compact(table, MB);
    expect(await lake.sink.commit(runId, [mine])).toMatchObject([{ alreadyCommitted: true }]);
    expect((await lake.sink.open('shop', 'numbers')).checkpoint).toEqual({ at: 1 });
    expect(await sortedNumbers(lake)).toEqual(range(0, 60));
  });
});

test('what a compaction staged and never committed is swept like any run', async () => {
  await using lake = await TestLake.create();
  await smallFiles(lake, 6);
  const runId = randomUUID();
  await using table = await maintained(lake, 'numbers', { runId });
  const { plan, groups } = await rewriteSmall(table, MB);
  const swept = await lake.sink.sweep(runId, [{ namespace: 'shop', table: 'numbers' }]);
  expect(swept.files).toBe(1);
  await expect(commitCompaction(table, plan, groups)).rejects.toMatchObject({ code: 'TABLE_CHANGED' });
  expect(await lake.storage.list(`${(await loadTable(table)).metadata.location}/data/${runId}`)).toEqual([]);
  expect(await sortedNumbers(lake)).toEqual(range(0, 60));
});
