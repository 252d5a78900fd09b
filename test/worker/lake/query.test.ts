import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DativoError } from '../../../contracts/errors.ts';
import type { LakeAddress, QueryResult } from '../../../contracts/lake-view.ts';
import { queryLake } from '../../../worker/lake/query.ts';
import { listSnapshots } from '../../../worker/lake/snapshots.ts';
import { optionalColumn, TestLake } from '../../support/lake.ts';

const SCHEMA = { columns: [optionalColumn('id', 'int'), optionalColumn('name', 'string')], primaryKey: [] };

let lake: TestLake;
beforeAll(async () => {
  lake = await TestLake.create();
  await lake.write('orders', SCHEMA, `SELECT 1 AS id, 'Ann' AS name UNION ALL SELECT 2, 'Bo'`);
  await lake.write('customers', SCHEMA, `SELECT 7 AS id, 'Cy' AS name`);
  await lake.write('orders', SCHEMA, `SELECT 3 AS id, 'Di' AS name`, { namespace: 'bank' });
  await lake.write('runs', SCHEMA, `SELECT 4 AS id, 'Ed' AS name`, { namespace: '_dativo' });
});
afterAll(() => lake[Symbol.asyncDispose]());

function ask(sql: string, given: Partial<LakeAddress> = {}): Promise<QueryResult> {
  return queryLake({ warehouse: lake.folder, ...given }, sql, { limit: 100 });
}

async function rows(sql: string, given?: Partial<LakeAddress>) {
  return (await ask(sql, given)).rows;
}

async function refusal(sql: string): Promise<DativoError> {
  const error: unknown = await ask(sql).catch((caught: unknown) => caught);
  if (error instanceof DativoError) return error;
  throw new Error(`"${sql}" is not refused`);
}

describe('a query finds the tables of the lake', () => {
  test('show tables lists every table with its namespace, those of Dativo last', async () => {
    const { columns, rows: listed } = await ask('SHOW TABLES;');
    expect(columns.map(({ name }) => name)).toEqual(['namespace', 'name']);
    expect(listed).toEqual([
      ['bank', 'orders'],
      ['shop', 'customers'],
      ['shop', 'orders'],
      ['_dativo', 'runs'],
    ]);
  });

  test('show tables keeps to the limit and says that it did', async () => {
    const result = await queryLake({ warehouse: lake.folder }, 'show tables', { limit: 2 });
    expect(result).toMatchObject({ truncated: true, rows: [['bank', 'orders'], { length: 2 }] });
  });

  test.each([
    ['show all tables', 4],
    ['show tables from shop', 2],
    ["select * from information_schema.tables where table_schema = 'shop'", 2],
    ["select * from duckdb_columns() where table_name = 'customers'", 2],
  ])('%s knows what the lake has', async (sql, count) => {
    expect(await rows(sql)).toHaveLength(count);
  });

  test('describe tells the columns of a table, with its data files gone too', async () => {
    await using other = await TestLake.create();
    await other.write('orders', SCHEMA, `SELECT 1 AS id, 'Ann' AS name`);
    await rm(path.join(other.folder, 'shop', 'orders', 'data'), { recursive: true });
    const described = await rows('describe orders', { warehouse: other.folder });
    expect(described.map(([name, type]) => [name, type])).toEqual([
      ['id', 'INTEGER'],
      ['name', 'VARCHAR'],
    ]);
  });

  test('summarize tells the figures of a table', async () => {
    const { columns, rows: summary } = await ask('summarize shop.orders');
    const max = columns.findIndex(({ name }) => name === 'max');
    expect(summary.map((row) => [row[0], row[max]])).toEqual([
      ['id', '2'],
      ['name', 'Bo'],
    ]);
  });

  test.each([
    'select name from shop.orders o join shop.customers c using (name) right join bank.orders b using (name)',
    'with orders as (select * from bank.orders) select name from orders',
    'select name from (select * from bank.orders) where name in (select name from bank.orders)',
    'from bank.orders select name',
    'select name from bank.orders intersect select name from bank.orders',
  ])('a table is found wherever the query names it: %s', async (sql) => {
    expect(await rows(sql)).toEqual([['Di']]);
  });

  test('a table without a namespace is the one of the job, else the only one of that name', async () => {
    expect(await rows('select name from orders', { namespace: 'bank' })).toEqual([['Di']]);
    expect(await rows('select name from customers')).toEqual([['Cy']]);
  });

  test('explain says how a query would be run', async () => {
    const [[, plan] = []] = await rows('explain select count(*) from customers');
    expect(plan).toContain('READ_PARQUET');
  });
});

describe('a query that cannot be answered is refused with what to do', () => {
  test.each([
    ['delete from shop.orders', 'a DELETE statement'],
    ["insert into orders values (1, 'x')", 'an INSERT statement'],
    ['update nowhere set id = 1', 'an UPDATE statement'],
    ['/* all of it */ DROP TABLE shop.orders', 'a DROP statement'],
    ['truncate shop.orders', 'a TRUNCATE statement'],
    ['create table t as select 1', 'a CREATE statement'],
    ['explain delete from shop.orders', 'a DELETE statement'],
    ['with o as (select 1) delete from shop.orders', 'a WITH statement'],
  ])('%s is told to be no query, because queries only read', async (sql, received) => {
    const { code, parts } = await refusal(sql);
    expect(code).toBe('QUERY_INVALID');
    expect(parts.received).toBe(`${received}, which would change the lake`);
    expect(parts.expected).toContain('queries only read');
  });

  test('a copy is refused with how to write a result to a file', async () => {
    const { parts } = await refusal(`copy shop.orders to '${path.join(lake.folder, 'out.csv')}'`);
    expect(parts.next).toContain('--csv');
  });

  test.each(["attach 'x.db'", 'set threads = 1', 'install httpfs', 'begin'])('%s is not run', async (sql) => {
    expect((await refusal(sql)).parts.expected).toContain('queries only read');
  });

  test.each([
    ['select 1; select 2', '2 statements'],
    ['select 1; delete from shop.orders', 'several statements'],
  ])('of several statements none is answered: %s', async (sql, received) => {
    expect((await refusal(sql)).parts).toMatchObject({ received, expected: 'one statement' });
  });

  test.each(['', ' ; ', '-- nothing'])('a text without a statement (%j) is refused', async (sql) => {
    expect((await refusal(sql)).parts.received).toBe('no statement');
  });

  test.each([
    ['select * from shop.ordres', 'shop.orders, bank.orders, shop.customers, _dativo.runs', 'shop.orders'],
    ['select * from custmers', 'shop.customers, bank.orders, shop.orders, _dativo.runs', 'shop.customers'],
    ['select * from crm.customers', 'shop.customers, bank.orders, shop.orders, _dativo.runs', 'shop.customers'],
    ['select * from runs', '_dativo.runs, bank.orders, shop.orders, shop.customers', '_dativo.runs'],
    ['select o.id from orderz o join customers c using (id)', 'bank.orders, shop.orders', 'bank.orders'],
  ])('an unknown table lists those that there are, the nearest first: %s', async (sql, known, meant) => {
    const { code, parts } = await refusal(sql);
    expect(code).toBe('TABLE_NOT_FOUND');
    expect(parts.expected).toContain(`one of ${known}`);
    expect(parts.next).toContain(`did you mean ${meant}?`);
  });

  test('a name that two namespaces have is not guessed', async () => {
    const { parts } = await refusal('select * from orders');
    expect(parts.expected).toBe('one of bank.orders, shop.orders');
    await expect(listSnapshots({ warehouse: lake.folder }, 'orders')).rejects.toMatchObject({ parts });
  });

  test('an empty lake has no tables to name', async () => {
    await using empty = await TestLake.create();
    const error: unknown = await ask('select * from orders', { warehouse: empty.folder }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'TABLE_NOT_FOUND', parts: { expected: 'a lake with tables' } });
  });

  test.each([
    ['selct 1', 'cannot parse at "selct", character 1', 'double quotes'],
    ['select * from default.orders', 'cannot parse at "default", character 15', 'put double quotes around it'],
    ["select * from 'nowhere.csv'", 'a file that cannot be opened', 'check the paths'],
    ['show tables from nowhere', 'an unknown namespace', 'show tables'],
    ['select idd from shop.orders', 'the unknown column "idd"', 'correct the name'],
    ["select 'a'::int", 'a conversion error', 'TRY_CAST'],
    ['pivot shop.orders on id using count(*)', 'a PIVOT', 'name them'],
  ])('%s says what is wrong', async (sql, received, next) => {
    const { code, parts } = await refusal(sql);
    expect(code).toBe('QUERY_INVALID');
    expect(parts.received).toContain(received);
    expect(parts.next).toContain(next);
  });
});
