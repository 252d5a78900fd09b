import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeParquet } from '../../../connectors/duckdb/parquet-file.ts';
import { IcebergReader } from '../../../connectors/iceberg/reader.ts';
import { assignIds, FieldIds } from '../../../connectors/iceberg/schema.ts';
import { LocalStorage, localPath, localUri } from '../../../connectors/storage/local.ts';
import type { StreamSchema } from '../../../contracts/schema.ts';
import { openSession, temporaryFolder } from '../../support/duckdb.ts';
import { Judge } from '../../support/judge.ts';
import { change, optionalColumn, TestLake } from '../../support/lake.ts';

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

const ORDERS: StreamSchema = {
  columns: [
    { name: 'id', type: 'long', required: true },
    optionalColumn('placed', 'timestamp'),
    optionalColumn('country', 'string'),
    optionalColumn('amount', 'double'),
  ],
  primaryKey: [],
};

/** An order a day from the first of January 2024 on. */
const orders = (from: number, to: number, country = `'NL'`) =>
  `SELECT i AS id, TIMESTAMP '2024-01-01' + INTERVAL (i) DAY AS placed, ${country} AS country, i::DOUBLE AS amount FROM range(${from}, ${to}) t(i)`;

const ids = (rows: readonly Readonly<Record<string, unknown>>[]) =>
  rows.map(({ id }) => Number(id)).toSorted((a, b) => a - b);
const count = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('a partitioned table', () => {
  test('has a folder for each partition, encoded, whose name nobody has to read', async () => {
    await using lake = await TestLake.create();
    const odd = [
      `'a/b=c'`,
      `'50 % off'`,
      `''`,
      `'null'`,
      `NULL`,
      `'x\u{1f9ca}*?[]'`,
      `'..'`,
      `repeat('é', 400)`,
      `repeat('é', 400) || '!'`,
    ];
    const rows = odd.map((country, id) => `(${id}, TIMESTAMP '1969-12-31 23:00:00', ${country}, 1.0)`).join(', ');
    const { files } = await lake.stage(
      'orders',
      ORDERS,
      `SELECT * FROM (VALUES ${rows}) t(id, placed, country, amount)`,
      {
        partitionBy: ['hour(placed)', 'country'],
      },
    );
    const folders = files.map(({ uri }) => /\/(placed_hour=.*)\/data_0\.parquet$/.exec(uri)?.[1] ?? '');
    expect(new Set(folders.map((folder) => folder.toLowerCase())).size).toBe(odd.length);
    expect(folders.every((folder) => /^placed_hour=1969-12-31-23\/country=[\w%+.~-]*$/.test(folder))).toBe(true);
    expect(folders).toContain('placed_hour=1969-12-31-23/country=a%2Fb%3Dc');
    expect(folders.every((folder) => folder.length < 200)).toBe(true);
  });

  test('takes turns with PyIceberg, which finds what it appends and what we append in the same partitions', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    const partitionBy = ['country', 'truncate(3, id)'];
    await lake.write('orders', ORDERS, orders(0, 6), { partitionBy });
    await judged.append('shop.orders', orders(6, 9, `'BE'`));
    await lake.write('orders', ORDERS, orders(9, 12, 'NULL'));

    expect(ids(await judged.rows('shop.orders'))).toEqual(count(0, 12));
    expect(ids(await judged.rowsByDuckDb('shop.orders'))).toEqual(count(0, 12));
    expect(ids(await readByOurselves(lake))).toEqual(count(0, 12));
    expect(await judged.plannedFiles('shop.orders', `country = 'BE'`)).toBe(1);
    expect(await judged.plannedFiles('shop.orders', 'country is null')).toBe(1);
    expect(await judged.plannedFiles('shop.orders', `country = 'NL' and id = 4`)).toBe(1);
    const { files, specs } = await judged.layout('shop.orders');
    expect(specs).toEqual({
      0: [
        { id: 1000, source: 3, name: 'country', transform: 'identity' },
        { id: 1001, source: 1, name: 'id_trunc_3', transform: 'truncate[3]' },
      ],
    });
    expect(files.map(({ partition }) => partition.join()).toSorted()).toEqual([',9', 'BE,6', 'NL,0', 'NL,3']);
  });

  test('keeps its partitions when a job does not name any, and is read in them', async () => {
    await using lake = await TestLake.create();
    await lake.write('orders', ORDERS, orders(0, 2), { partitionBy: ['month(placed)'], sortBy: ['id desc'] });
    const { plan } = await lake.stage('orders', ORDERS, orders(40, 42));
    expect(plan.changes).toEqual([]);
    expect(plan.layout).toEqual({
      partition: [{ sourceId: 2, transform: 'month', name: 'placed_month' }],
      sort: [{ sourceId: 1, direction: 'desc', nulls: 'last' }],
    });
  });

  test('has one file for each partition, unless one grows beyond the size of a file', async () => {
    await using lake = await TestLake.create();
    const rows = `SELECT i AS id, TIMESTAMP '2024-01-01' AS placed, CASE WHEN i % 10 = 0 THEN 'rare' ELSE 'common' END AS country, random() AS amount FROM range(400000) t(i)`;
    const { files } = await lake.stage('orders', ORDERS, rows, { partitionBy: ['country'], fileSizeBytes: 1_000_000 });
    const of = (country: string) => files.filter(({ uri }) => uri.includes(`country=${country}/`));
    expect(of('rare')).toHaveLength(1);
    expect(of('common').length).toBeGreaterThan(1);
    expect(files.reduce((sum, file) => sum + file.rows, 0)).toBe(400_000);
  });

  test('is written in bounded memory, however many partitions the rows are scattered over', async () => {
    await using folder = await temporaryFolder();
    await using session = await openSession(undefined, { threads: 2, memoryBytes: 128 * 1_048_576 });
    const storage = new LocalStorage();
    const rows = `SELECT i AS id, (i * 7919) % 1000 AS v, 'text of some length ' || i AS t FROM range(1000000) t(i)`;
    const schema = assignIds(
      { columns: ['id', 'v'].map((name) => optionalColumn(name, 'long')), primaryKey: [] },
      new FieldIds(0),
    );
    const layout = { partition: [{ sourceId: 2, transform: 'identity', name: 'v' }] };
    const files = await writeParquet(session, rows, schema, localUri(folder.path), {
      storage,
      fileSizeBytes: 1e8,
      layout,
    });
    expect(files).toHaveLength(1000);
    expect(files.every((file) => file.rows === 1000)).toBe(true);
  }, 60_000);
});

describe('another partition_by', () => {
  test('is for new files alone, and old ones are still found', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    await lake.write('orders', ORDERS, orders(0, 40));
    await lake.write('orders', ORDERS, orders(40, 80), { partitionBy: ['month(placed)'] });
    const staged = await lake.stage('orders', ORDERS, orders(80, 83), {
      partitionBy: ['day(placed)', 'bucket(2, id)'],
    });
    expect(staged.plan.changes).toEqual([
      'partition by day(placed), bucket(2, id) instead of month(placed); files written before stay as they are',
    ]);
    await lake.sink.commit(staged.runId, [change(staged)]);
    await lake.write('orders', ORDERS, orders(83, 100), { partitionBy: ['month(placed)'] });

    const { specs, current, lastPartitionId, files } = await judged.layout('shop.orders');
    expect(specs).toEqual({
      0: [],
      1: [{ id: 1000, source: 2, name: 'placed_month', transform: 'month' }],
      2: [
        { id: 1001, source: 2, name: 'placed_day', transform: 'day' },
        { id: 1002, source: 1, name: 'id_bucket_2', transform: 'bucket[2]' },
      ],
    });
    expect([current, lastPartitionId]).toEqual([1, 1002]);
    expect(files.map(({ spec }) => spec).toSorted()).toEqual([0, 1, 1, 1, 1, 2, 2, 2]);
    expect(ids(await judged.rows('shop.orders', `placed >= '2024-03-20T00:00:00'`))).toEqual(count(79, 100));
    expect(ids(await judged.rowsByDuckDb('shop.orders'))).toEqual(count(0, 100));
    // The month and the day of it, and no other.
    expect(await judged.plannedFiles('shop.orders', `placed = '2024-03-22T00:00:00'`)).toBe(1);
  });

  test('is refused where columns may not change either', async () => {
    await using lake = await TestLake.create();
    await lake.write('orders', ORDERS, orders(0, 4), { partitionBy: ['country'] });
    await expect(
      lake.stage('orders', ORDERS, orders(4, 5), { partitionBy: ['day(placed)'], evolve: false }),
    ).rejects.toMatchObject({ code: 'LAYOUT_INVALID', parts: { received: expect.stringContaining('by country') } });
    await lake.write('orders', ORDERS, orders(4, 5), { partitionBy: ['country'], evolve: false });
  });

  test('must name columns that are there and that can be divided so', async () => {
    await using lake = await TestLake.create();
    const refused = async (partitionBy: string, received: string) => {
      const staged = lake.stage('orders', ORDERS, orders(0, 1), { partitionBy: [partitionBy] });
      await expect(staged).rejects.toMatchObject({
        code: 'LAYOUT_INVALID',
        parts: { received: expect.stringContaining(received) },
      });
    };
    await refused('countri', 'brings no column of that name');
    await refused('day(country)', 'column country of table shop.orders is string');
    await refused('bucket(4, amount)', 'is double');
  });

  test('that another writer set while a run was on its way makes the run plan again', async () => {
    await using lake = await TestLake.create();
    await lake.write('orders', ORDERS, orders(0, 4));
    const staged = await lake.stage('orders', ORDERS, orders(4, 5));
    await lake.write('orders', ORDERS, orders(5, 6), { partitionBy: ['country'] });
    await expect(lake.sink.commit(staged.runId, [change(staged)])).rejects.toMatchObject({ code: 'TABLE_CHANGED' });
  });

  test('may follow a column that was widened', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    const of = (type: 'int' | 'long') => ({ columns: [optionalColumn('id', type)], primaryKey: [] });
    const rows = (n: string) => `SELECT ${n} AS id`;
    await lake.write('numbers', of('int'), rows('7'), { partitionBy: ['id'] });
    await lake.write('numbers', of('long'), rows('9007199254740991'), { partitionBy: ['id'] });
    await lake.write('numbers', of('long'), rows('7'), { partitionBy: ['id'], mode: 'replace-partitions' });
    expect(ids(await judged.rows('shop.numbers'))).toEqual([7, Number.MAX_SAFE_INTEGER]);
    expect(await judged.plannedFiles('shop.numbers', 'id = 7')).toBe(1);
  });
});

describe('an overwrite of partitions', () => {
  const options = { partitionBy: ['month(placed)'], mode: 'replace-partitions' } as const;

  test('replaces those that it brings rows of, and no other', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    await lake.write('orders', ORDERS, orders(0, 91), options);
    await lake.write('orders', ORDERS, orders(31, 33), options);
    expect(ids(await judged.rows('shop.orders'))).toEqual([...count(0, 31), 31, 32, ...count(60, 91)]);
    await lake.write(
      'orders',
      ORDERS,
      `SELECT 1000 AS id, NULL::TIMESTAMP AS placed, 'NL' AS country, 1.0 AS amount`,
      options,
    );
    await lake.write(
      'orders',
      ORDERS,
      `SELECT 1001 AS id, NULL::TIMESTAMP AS placed, 'NL' AS country, 1.0 AS amount`,
      options,
    );
    expect(ids(await judged.rowsByDuckDb('shop.orders'))).toEqual([...count(0, 31), 31, 32, ...count(60, 91), 1001]);

    const { snapshots } = await judged.describe('shop.orders');
    expect(snapshots.map(({ operation }) => operation)).toEqual(Array(4).fill('overwrite'));
    expect(snapshots[1]?.summary).toMatchObject({
      'replace-partitions': 'true',
      'added-records': '2',
      'deleted-records': '29',
      'total-records': '64',
      'total-data-files': '3',
    });
  });

  test('without a row replaces nothing', async () => {
    await using lake = await TestLake.create();
    await lake.write('orders', ORDERS, orders(0, 3), options);
    const receipt = await lake.write('orders', ORDERS, orders(0, 0), options);
    expect(receipt).toMatchObject({ files: 0, rows: 0 });
    expect(ids(await readByOurselves(lake))).toEqual([0, 1, 2]);
  });

  test('is done again when a row came into one of them, and goes through when it came into another', async () => {
    await using lake = await TestLake.create();
    await lake.write('orders', ORDERS, orders(0, 60), options);
    const january = await lake.stage('orders', ORDERS, orders(0, 1), options);
    const february = await lake.stage('orders', ORDERS, orders(31, 32), options);
    await lake.write('orders', ORDERS, orders(40, 41, `'BE'`));
    await lake.sink.commit(january.runId, [change(january, options)]);
    await expect(lake.sink.commit(february.runId, [change(february, options)])).rejects.toMatchObject({
      code: 'TABLE_CHANGED',
    });
  });

  test('is refused while files of an earlier partitioning may hold their rows, and only then', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    await lake.write('orders', ORDERS, orders(0, 40));
    await expect(lake.write('orders', ORDERS, orders(35, 36), options)).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
      parts: { next: expect.stringContaining('--full-refresh') },
    });
    await lake.write('orders', ORDERS, orders(70, 80), options);
    await lake.write('orders', ORDERS, orders(75, 76), options);
    expect(ids(await judged.rows('shop.orders'))).toEqual([...count(0, 40), 75]);
    // In another unit of time, with the files of the former one in between.
    const daily = { ...options, partitionBy: ['day(placed)'] };
    await expect(lake.write('orders', ORDERS, orders(75, 76), daily)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
    await lake.write('orders', ORDERS, orders(76, 77), daily);
    await lake.write('orders', ORDERS, orders(0, 2), { ...daily, mode: 'replace' });
    await lake.write('orders', ORDERS, orders(1, 2, `'BE'`), daily);
    expect(ids(await judged.rows('shop.orders'))).toEqual([0, 1]);
  });

  test('takes what others marked as deleted in these partitions with it, and leaves it in others', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    await lake.write('orders', ORDERS, orders(0, 60), options);
    await judged.delete('shop.orders', 'id = 3 or id = 33');
    await lake.write('orders', ORDERS, orders(0, 5), options);
    expect(ids(await judged.rows('shop.orders'))).toEqual([...count(0, 5), 31, 32, ...count(34, 60)]);
  });
});

describe('a sorted table', () => {
  test('has its rows in order in each file, and says so', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    const rows = `SELECT i AS id, TIMESTAMP '2024-01-01' AS placed, CASE WHEN i % 3 = 0 THEN NULL ELSE 'c' || (i % 7) END AS country,
      CASE WHEN i % 11 = 0 THEN 'nan' WHEN i % 13 = 0 THEN '-0.0' WHEN i % 17 = 0 THEN '0.0' ELSE (hash(i) % 1000)::VARCHAR END::DOUBLE AS amount
      FROM range(600000) t(i)`;
    const sortBy = ['country desc nulls last', 'amount'];
    const staged = await lake.stage('orders', ORDERS, rows, {
      sortBy,
      partitionBy: ['bucket(2, id)'],
      fileSizeBytes: 500_000,
    });
    expect(staged.files.length).toBeGreaterThan(3);
    await lake.sink.commit(staged.runId, [change(staged)]);
    for (const { uri } of staged.files) expect(await unordered(lake, uri)).toBe(0);

    const { order, files } = await judged.layout('shop.orders');
    expect(order).toEqual([
      { source: 3, transform: 'identity', direction: 'DESC', nulls: 'NULLS_LAST' },
      { source: 4, transform: 'identity', direction: 'ASC', nulls: 'NULLS_FIRST' },
    ]);
    expect(files.every((file) => file.order === 1)).toBe(true);
  }, 60_000);

  test('may be sorted in another way, and not at all, from then on', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    await lake.write('orders', ORDERS, orders(0, 2), { sortBy: ['id'] });
    const staged = await lake.stage('orders', ORDERS, orders(2, 4), { sortBy: ['amount desc'], evolve: false });
    expect(staged.plan.changes).toEqual(['sort new files by amount desc nulls last']);
    await lake.sink.commit(staged.runId, [change(staged)]);
    await lake.write('orders', ORDERS, orders(4, 6), { sortBy: [] });
    await lake.write('orders', ORDERS, orders(6, 8), { sortBy: ['id'] });
    const { order, files } = await judged.layout('shop.orders');
    expect(files.map((file) => file.order)).toEqual([1, 0, 2, 1]);
    expect(order).toMatchObject([{ source: 1 }]);
    expect(ids(await judged.rows('shop.orders'))).toEqual(count(0, 8));
  });
});

/** Rows that come after one that belongs behind them. */
async function unordered(lake: TestLake, uri: string): Promise<number> {
  const key = `(country IS NULL, CASE WHEN country IS NULL THEN 0 ELSE -ascii(country[2]) END, amount, NOT signbit(amount))`;
  const [row] = await lake.session.rows(
    `SELECT count(*) FILTER (WHERE k < before)::INTEGER AS n FROM
      (SELECT k, lag(k) OVER (ORDER BY file_row_number) AS before FROM
        (SELECT ${key} AS k, file_row_number FROM read_parquet('${localPath(uri)}', file_row_number = true)))`,
  );
  return Number(row?.['n']);
}

async function readByOurselves(lake: TestLake) {
  const reader = await IcebergReader.open(lake.storage, lake.warehouse);
  try {
    return await lake.session.rows(await reader.select({ namespace: 'shop', table: 'orders' }, lake.session));
  } finally {
    reader.close();
  }
}
