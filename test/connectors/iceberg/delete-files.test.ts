import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IcebergReader } from '../../../connectors/iceberg/reader.ts';
import { deleteByPlace } from '../../support/delete-files.ts';
import { Judge } from '../../support/judge.ts';
import { TestLake } from '../../support/lake.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

const NAME = { namespace: 'shop', table: 'numbers' };

/** Marks the first row of the table's only data file as deleted. */
async function deleteFirstRow(lake: TestLake): Promise<void> {
  const [data] = (await judge.of(lake.folder).describe('shop.numbers')).files;
  await deleteByPlace(lake, 'numbers', [{ uri: data?.path ?? '', pos: 0 }]);
}

describe('rows that another engine deleted in files of their own', () => {
  test('stay deleted when we append, and our own reader refuses to show them', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 10));
    await deleteFirstRow(lake);
    await lake.write('numbers', NUMBERS, numbers(10, 12));

    const sorted = (await judge.of(lake.folder).rows('shop.numbers'))
      .map((row) => Number(row['n']))
      .toSorted((a, b) => a - b);
    expect(sorted).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    const reader = await IcebergReader.open(lake.storage, lake.warehouse);
    await expect(reader.select(NAME, lake.session)).rejects.toMatchObject({ code: 'NOT_AVAILABLE_YET' });
    reader.close();
  });

  test('are gone with the rest when we replace the table', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 10));
    await deleteFirstRow(lake);
    await lake.write('numbers', NUMBERS, numbers(0, 3), { mode: 'replace' });

    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(3);
    expect(await judge.of(lake.folder).rowsByDuckDb('shop.numbers')).toHaveLength(3);
    expect((await judge.of(lake.folder).describe('shop.numbers')).snapshots.at(-1)?.summary).toMatchObject({
      'removed-delete-files': '1',
      'removed-position-deletes': '1',
      'total-delete-files': '0',
      'total-records': '3',
    });
  });
});
