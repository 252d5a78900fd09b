import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LakeAddress } from '../../../contracts/lake-view.ts';
import { queryLake } from '../../../worker/lake/query.ts';
import {
  diffSnapshots,
  dropReference,
  listReferences,
  makeReference,
  rollBack,
} from '../../../worker/lake/table-history.ts';
import { Judge } from '../../support/judge.ts';
import { TestLake } from '../../support/lake.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

/** Three commits of ten numbers each, and the ids of their snapshots. */
async function threeSnapshots(lake: TestLake): Promise<string[]> {
  const ids = [];
  for (const from of [0, 10, 20]) {
    ids.push((await lake.write('numbers', NUMBERS, numbers(from, from + 10))).snapshotId ?? '');
  }
  return ids;
}

const addressOf = (lake: TestLake): LakeAddress => ({ warehouse: lake.folder });

async function count(lake: TestLake, from: string, asOf?: string): Promise<number> {
  const options = { limit: 10, ...(asOf === undefined ? {} : { asOf }) };
  const { rows } = await queryLake(addressOf(lake), `select count(*) from ${from}`, options);
  return Number(rows[0]?.[0]);
}

describe('a tag', () => {
  test('keeps a name for a snapshot, which others see, and can be read by it', async () => {
    await using lake = await TestLake.create();
    const [first = '', second = ''] = await threeSnapshots(lake);
    expect(await makeReference(addressOf(lake), 'numbers', 'tag', 'v1', { at: first })).toEqual({
      name: 'v1',
      kind: 'tag',
      snapshotId: first,
    });
    await makeReference(addressOf(lake), 'numbers', 'branch', 'try', { at: second, maxAgeMs: 1000 });
    expect(await listReferences(addressOf(lake), 'shop.numbers')).toMatchObject([
      { name: 'main', kind: 'branch' },
      { name: 'try', kind: 'branch', snapshotId: second },
      { name: 'v1', kind: 'tag', snapshotId: first },
    ]);
    expect(await judge.of(lake.folder).references('shop.numbers')).toEqual({
      main: 'branch',
      try: 'branch',
      v1: 'tag',
    });
    expect([await count(lake, "numbers as of 'v1'"), await count(lake, 'numbers', 'try')]).toEqual([10, 20]);
  });

  test('is made once, never over another name, and dropped for good', async () => {
    await using lake = await TestLake.create();
    const [first = '', second = ''] = await threeSnapshots(lake);
    const address = addressOf(lake);
    await makeReference(address, 'numbers', 'tag', 'v1', { at: first });
    await makeReference(address, 'numbers', 'tag', 'v1', { at: first });
    const taken = { code: 'REFERENCE_INVALID' };
    await expect(makeReference(address, 'numbers', 'tag', 'v1', { at: second })).rejects.toMatchObject(taken);
    await expect(makeReference(address, 'numbers', 'tag', '123')).rejects.toMatchObject(taken);
    await expect(dropReference(address, 'numbers', 'main')).rejects.toMatchObject(taken);
    await dropReference(address, 'numbers', 'v1');
    await expect(dropReference(address, 'numbers', 'v1')).rejects.toMatchObject(taken);
    await expect(count(lake, 'numbers', 'v1')).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
  });
});

describe('a query as of another time', () => {
  test('reads each table as it was, beside the same table as it is', async () => {
    await using lake = await TestLake.create();
    const [first = '', second = ''] = await threeSnapshots(lake);
    expect(await count(lake, `numbers as of ${first}`)).toBe(10);
    expect(await count(lake, `shop.numbers AS OF '${second}' n where n.n >= 15`)).toBe(5);
    expect(await count(lake, `numbers now left join numbers as of ${first} using (n) where numbers.n is null`)).toBe(
      20,
    );
    const text = "select 'numbers as of 1' as t, count(*) from numbers -- as of 2\n";
    expect((await queryLake(addressOf(lake), text, { limit: 1 })).rows).toEqual([['numbers as of 1', '30']]);
  });

  test('at a moment reads what was current then', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 10));
    await new Promise((resolve) => setTimeout(resolve, 5));
    const between = new Date().toISOString();
    await lake.write('numbers', NUMBERS, numbers(10, 20));
    expect(await count(lake, `numbers as of timestamp '${between}'`)).toBe(10);
    await expect(count(lake, "numbers as of '1999-01-01'")).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
    await expect(count(lake, "strangers as of '1999-01-01'")).rejects.toMatchObject({ code: 'TABLE_NOT_FOUND' });
  });
});

describe('a rollback', () => {
  test('makes an earlier snapshot the current one, loses nothing, and can be undone', async () => {
    await using lake = await TestLake.create();
    const [first = '', , third = ''] = await threeSnapshots(lake);
    expect(await rollBack(addressOf(lake), 'numbers', first)).toEqual({ from: third, to: first, totalRows: 10 });
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(10);
    expect(await rollBack(addressOf(lake), 'numbers', first)).toMatchObject({ from: first, to: first });
    await lake.write('numbers', NUMBERS, numbers(100, 105));
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(15);
    await rollBack(addressOf(lake), 'numbers', third);
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(30);
  });

  test('takes the checkpoint back with the rows', async () => {
    await using lake = await TestLake.create();
    const { snapshotId = '' } = await lake.write('numbers', NUMBERS, numbers(0, 1), { checkpoint: { at: 1 } });
    await lake.write('numbers', NUMBERS, numbers(1, 2), { checkpoint: { at: 2 } });
    await rollBack(addressOf(lake), 'numbers', snapshotId);
    expect((await lake.sink.open('shop', 'numbers')).checkpoint).toEqual({ at: 1 });
  });
});

test('a difference of two snapshots counts rows and files, and names columns', async () => {
  await using lake = await TestLake.create();
  const [first = '', second = ''] = await threeSnapshots(lake);
  const wider = { ...NUMBERS, columns: [...NUMBERS.columns, { name: 'm', type: 'int' as const, required: false }] };
  await lake.write('numbers', wider, `SELECT n, 1 AS m FROM (${numbers(0, 5)})`, { mode: 'replace' });
  const address = addressOf(lake);
  expect(await diffSnapshots(address, 'numbers', first, second)).toMatchObject({
    rowsAdded: 10,
    rowsRemoved: 0,
    filesAdded: 1,
    filesRemoved: 0,
    columnsAdded: [],
  });
  expect(await diffSnapshots(address, 'numbers', second, 'main')).toMatchObject({
    rowsAdded: 5,
    rowsRemoved: 20,
    filesAdded: 1,
    filesRemoved: 2,
    columnsAdded: ['m int'],
    columnsRemoved: [],
  });
});
