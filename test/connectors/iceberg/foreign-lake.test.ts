import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IcebergReader } from '../../../connectors/iceberg/reader.ts';
import { Judge } from '../../support/judge.ts';
import { TestLake } from '../../support/lake.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

function inCatalog(lake: TestLake, sql: string): void {
  const database = new DatabaseSync(path.join(lake.folder, 'catalog.db'));
  database.exec(sql);
  database.close();
}

describe('a lake that PyIceberg made', () => {
  test('is extended and read with its own 63-bit snapshot ids', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    await judged.create('shop.people');
    await judged.append('shop.people', `SELECT 1::INT AS id, 'a' AS name`);
    await judged.append('shop.people', `SELECT 2::INT AS id, 'b' AS name`);
    const opened = await lake.sink.open('shop', 'people');
    await lake.write('people', opened.schema ?? NUMBERS, `SELECT 3 AS id, 'c' AS name`, { evolve: false });

    expect((await judged.rows('shop.people')).map((row) => row['id']).toSorted()).toEqual(['1', '2', '3']);
    const reader = await IcebergReader.open(lake.storage, lake.warehouse);
    const lines = await reader.snapshots({ namespace: 'shop', table: 'people' });
    const rows = await lake.session.rows(await reader.select({ namespace: 'shop', table: 'people' }, lake.session));
    reader.close();
    expect(rows).toHaveLength(3);
    expect(lines.map(({ id }) => id)).toEqual((await judged.describe('shop.people')).snapshots.map(({ id }) => id));
    expect(lines.map(({ parent }) => parent)).toEqual([undefined, lines[0]?.id, lines[1]?.id]);
    expect(lines.map(({ operation, current }) => [operation, current])).toEqual([
      ['append', false],
      ['append', false],
      ['append', true],
    ]);
  });
});

describe('a table that is not ours to extend', () => {
  const refused = async (lake: TestLake, code: string, table = 'numbers') => {
    await expect(lake.sink.open('shop', table)).rejects.toMatchObject({ code });
  };

  test('is refused when its metadata file is missing, not JSON or not a table', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    for (const content of ['no json', '{}', '{"format-version": 2}', '{"format-version": 1}']) {
      await writeFile(path.join(lake.folder, 'odd.metadata.json'), content);
      inCatalog(lake, `UPDATE iceberg_tables SET metadata_location = 'file://${lake.folder}/odd.metadata.json'`);
      await refused(lake, 'TABLE_NOT_OURS');
    }
    inCatalog(lake, `UPDATE iceberg_tables SET metadata_location = 'file://${lake.folder}/none.metadata.json'`);
    await refused(lake, 'TABLE_NOT_OURS');
    inCatalog(lake, `UPDATE iceberg_tables SET iceberg_type = 'VIEW'`);
    await refused(lake, 'TABLE_NOT_OURS');
  });

  test('is refused by name when it is of format version 3', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    await writeFile(path.join(lake.folder, 'v3.metadata.json'), '{"format-version": 3}');
    inCatalog(lake, `UPDATE iceberg_tables SET metadata_location = 'file://${lake.folder}/v3.metadata.json'`);
    await refused(lake, 'TABLE_NEWER');
  });

  test('is refused when its folder holds files of somebody else', async () => {
    await using lake = await TestLake.create();
    await mkdir(path.join(lake.folder, 'shop/numbers'), { recursive: true });
    await writeFile(path.join(lake.folder, 'shop/numbers/notes.txt'), 'mine');
    await refused(lake, 'TABLE_NOT_OURS');
  });

  test('is refused when the lake is of a newer layout, or its mark is not one', async () => {
    await using lake = await TestLake.create();
    await mkdir(path.join(lake.folder, '_dativo'));
    await writeFile(path.join(lake.folder, '_dativo/lake.json'), '{"format": 2}');
    await refused(lake, 'TABLE_NEWER');
    await writeFile(path.join(lake.folder, '_dativo/lake.json'), 'format');
    await refused(lake, 'TABLE_NOT_OURS');
  });

  test('is refused when the catalog is not SQLite, or a database of something else', async () => {
    await using lake = await TestLake.create();
    await writeFile(path.join(lake.folder, 'catalog.db'), 'this is not a database, but long enough to be looked at');
    await refused(lake, 'TABLE_NOT_OURS');
    await using other = await TestLake.create();
    inCatalog(other, 'CREATE TABLE customers (id INTEGER)');
    await refused(other, 'TABLE_NOT_OURS');
  });
});

describe('a folder without a lake', () => {
  test('has no tables, and looking at it or planning for it writes nothing', async () => {
    await using lake = await TestLake.create();
    const opened = await lake.sink.open('shop', 'numbers');
    opened.prepare(NUMBERS, { evolve: true });
    const reader = await IcebergReader.open(lake.storage, lake.warehouse);
    expect(await reader.namespaces()).toEqual([]);
    await expect(reader.select({ namespace: 'shop', table: 'numbers' }, lake.session)).rejects.toMatchObject({
      code: 'TABLE_NOT_FOUND',
    });
    reader.close();
    expect(await lake.storage.list(lake.warehouse)).toEqual([]);
  });
});
