import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IcebergSink } from '../../connectors/iceberg/sink.ts';
import { ParquetSink } from '../../connectors/parquet/sink.ts';
import type { Sink } from '../../connectors/sink.ts';
import type { TableOwner } from '../../connectors/table-owner.ts';
import { Judge } from '../support/judge.ts';
import { change, TestLake } from '../support/lake.ts';
import { NUMBERS, numbers } from '../support/numbers.ts';

const SHOP: TableOwner = { job: 'acme/shop/csv', shared: false };
const ORDERS: TableOwner = { job: 'acme/orders/csv', shared: false };
const sharing = (owner: TableOwner): TableOwner => ({ ...owner, shared: true });

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

const KINDS = {
  Iceberg: (lake: TestLake, owner: TableOwner): Sink => new IcebergSink({ ...lakeOf(lake), owner }),
  'plain Parquet': (lake: TestLake, owner: TableOwner): Sink => new ParquetSink({ ...lakeOf(lake), owner }),
};
const lakeOf = ({ storage, warehouse }: TestLake) => ({ storage, warehouse });

/** Writes one number as a job, with a checkpoint that tells it. */
async function write(lake: TestLake, sink: Sink, n: number): Promise<void> {
  const staged = await lake.stage('orders', NUMBERS, numbers(n, n + 1), { sink });
  await sink.commit(staged.runId, [change(staged, { checkpoint: { seen: n } })]);
}

describe.each(Object.entries(KINDS))('a table of %s', (_, open) => {
  test('is filled by the job that began it, and by no other', async () => {
    await using lake = await TestLake.create();
    await write(lake, open(lake, SHOP), 1);
    await write(lake, open(lake, SHOP), 2);
    const refused = open(lake, ORDERS).open('shop', 'orders');
    await expect(refused).rejects.toMatchObject({ code: 'TABLE_OWNED' });
    await expect(refused).rejects.toThrow(
      'table shop.orders, which the job "shop" of tenant acme fills from csv; expected a table of this job\'s own',
    );
    const otherConnector = open(lake, { job: 'acme/shop/postgres', shared: false }).open('shop', 'orders');
    await expect(otherConnector).rejects.toMatchObject({ code: 'TABLE_OWNED' });
  });

  test('that another job began between plan and commit is left to it', async () => {
    await using lake = await TestLake.create();
    const late = open(lake, ORDERS);
    const staged = await lake.stage('orders', NUMBERS, numbers(9, 10), { sink: late });
    await write(lake, open(lake, SHOP), 1);
    await expect(late.commit(staged.runId, [change(staged)])).rejects.toMatchObject({ code: 'TABLE_CHANGED' });
    await expect(late.open('shop', 'orders')).rejects.toMatchObject({ code: 'TABLE_OWNED' });
  });
});

describe('a table of Iceberg that jobs share', () => {
  test('keeps a checkpoint for each, whoever wrote last', async () => {
    await using lake = await TestLake.create();
    const [shop, orders] = [KINDS.Iceberg(lake, sharing(SHOP)), KINDS.Iceberg(lake, sharing(ORDERS))];
    await write(lake, shop, 1);
    expect((await orders.open('shop', 'orders')).checkpoint).toBeUndefined();
    await write(lake, orders, 2);
    await write(lake, orders, 3);
    expect((await shop.open('shop', 'orders')).checkpoint).toEqual({ seen: 1 });
    expect((await orders.open('shop', 'orders')).checkpoint).toEqual({ seen: 3 });
    await write(lake, shop, 4);
    const rows = (await judge.of(lake.folder).rows('shop.orders')).map((row) => Number(row['n'])).toSorted();
    expect(rows).toEqual([1, 2, 3, 4]);
  });

  test('asks a job that filled it alone to say so too, and has not forgotten where it was', async () => {
    await using lake = await TestLake.create();
    await write(lake, KINDS.Iceberg(lake, SHOP), 1);
    await write(lake, KINDS.Iceberg(lake, sharing(ORDERS)), 2);
    await expect(KINDS.Iceberg(lake, SHOP).open('shop', 'orders')).rejects.toThrow(
      'table shop.orders, which several jobs fill',
    );
    const opened = await KINDS.Iceberg(lake, sharing(SHOP)).open('shop', 'orders');
    expect(opened.checkpoint).toEqual({ seen: 1 });
  });

  test('may have been made by another tool', async () => {
    await using lake = await TestLake.create();
    await judge.of(lake.folder).create('shop.orders');
    const sink = KINDS.Iceberg(lake, SHOP);
    const opened = await sink.open('shop', 'orders');
    const staged = await lake.stage('orders', opened.schema ?? NUMBERS, `SELECT 1::INT AS id, 'a' AS name`, { sink });
    await sink.commit(staged.runId, [change(staged)]);
    expect((await judge.of(lake.folder).describe('shop.orders')).properties).toMatchObject({
      'dativo.owner': 'acme/shop/csv',
    });
  });
});
