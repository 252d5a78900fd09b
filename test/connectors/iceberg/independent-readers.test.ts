import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamSchema } from '../../../contracts/schema.ts';
import { Judge } from '../../support/judge.ts';
import { optionalColumn, TestLake } from '../../support/lake.ts';

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

const PEOPLE: StreamSchema = {
  columns: [{ name: 'id', type: 'int', required: true }, optionalColumn('name', 'string')],
  primaryKey: ['id'],
};

const byId = (rows: readonly Readonly<Record<string, unknown>>[]) =>
  [...rows].sort((a, b) => Number(a['id']) - Number(b['id']));

describe('a table in the embedded lake', () => {
  test('has for PyIceberg the rows, types, key and bounds that were written', async () => {
    await using lake = await TestLake.create();
    await lake.write('people', PEOPLE, `SELECT * FROM (VALUES (1, 'a'), (2, NULL), (-3, '')) t(id, name)`);
    const judged = judge.of(lake.folder);

    expect(await judged.tables()).toEqual(['shop.people']);
    const table = await judged.describe('shop.people');
    expect(table.schema).toEqual([
      { id: 1, name: 'id', type: 'int', required: true },
      { id: 2, name: 'name', type: 'string', required: false },
    ]);
    expect(table.key).toEqual(['id']);
    expect(table.files).toMatchObject([
      { rows: 3, lower: { id: '-3', name: '' }, upper: { id: '2', name: 'a' }, nulls: { id: 0, name: 1 } },
    ]);
    expect(byId(await judged.rows('shop.people'))).toEqual([
      { id: '-3', name: '' },
      { id: '1', name: 'a' },
      { id: '2', name: null },
    ]);
  });

  test('takes turns with PyIceberg: append, its append and delete, append, and every reader agrees', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    const rows = (from: number, to: number) => `SELECT i AS id, 'row ' || i AS name FROM range(${from}, ${to}) t(i)`;
    await lake.write('people', PEOPLE, rows(0, 10));
    await judged.append('shop.people', `SELECT 100::INT AS id, 'theirs' AS name`);
    await judged.delete('shop.people', 'id < 5');
    await lake.write('people', PEOPLE, rows(200, 203));

    const expected = ['5', '6', '7', '8', '9', '100', '200', '201', '202'];
    expect(byId(await judged.rows('shop.people')).map((row) => row['id'])).toEqual(expected);
    expect(byId(await judged.rowsByDuckDb('shop.people')).map((row) => row['id'])).toEqual(expected);
    const { snapshots } = await judged.describe('shop.people');
    expect(snapshots.at(-1)?.summary).toMatchObject({ 'total-records': '9', 'added-records': '3' });
  });
});
