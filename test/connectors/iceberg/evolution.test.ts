import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evolve } from '../../../connectors/iceberg/evolve.ts';
import { IcebergReader } from '../../../connectors/iceberg/reader.ts';
import { assignIds, FieldIds } from '../../../connectors/iceberg/schema.ts';
import type { Column, ColumnType, StreamSchema } from '../../../contracts/schema.ts';
import { Judge } from '../../support/judge.ts';
import { optionalColumn, TestLake } from '../../support/lake.ts';

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

const schema = (...columns: Column[]): StreamSchema => ({ columns, primaryKey: [] });
const struct = (...fields: [string, ColumnType][]): ColumnType => ({
  type: 'struct',
  fields: fields.map(([name, type]) => optionalColumn(name, type)),
});

const BEFORE = schema(
  { name: 'id', type: 'int', required: true },
  optionalColumn('price', 'decimal(5, 2)'),
  optionalColumn('ratio', 'float'),
  optionalColumn('place', struct(['city', 'string'])),
  optionalColumn('stops', { type: 'list', element: struct(['n', 'int']), elementRequired: false }),
);
const AFTER = schema(
  { name: 'id', type: 'long', required: false },
  optionalColumn('price', 'decimal(12, 2)'),
  optionalColumn('ratio', 'double'),
  optionalColumn('place', struct(['city', 'string'], ['zip', 'string'])),
  optionalColumn('stops', { type: 'list', element: struct(['n', 'long'], ['name', 'string']), elementRequired: false }),
  optionalColumn('tags', { type: 'map', key: 'string', value: 'string', valueRequired: false }),
);

describe('an evolved table', () => {
  test('reads whole for every reader: old rows in the new columns and types', async () => {
    await using lake = await TestLake.create();
    await lake.write(
      'trips',
      BEFORE,
      `SELECT 1 AS id, 1.25 AS price, 0.5 AS ratio, {'city': 'Oslo'} AS place, [{'n': 7}] AS stops`,
    );
    const { plan, files, runId } = await lake.stage(
      'trips',
      AFTER,
      `SELECT 3000000000 AS id, 1234567890.12 AS price, 0.1::DOUBLE AS ratio, {'city': 'Rome', 'zip': '00100'} AS place,
              [{'n': 5000000000, 'name': 'x'}] AS stops, MAP {'k': 'v'} AS tags`,
    );
    expect(plan.changes).toEqual(
      [
        'column id from int to long',
        'column id becomes optional',
        'column price from decimal(5, 2) to decimal(12, 2)',
        'column ratio from float to double',
        'add column place.zip (string)',
        'column stops.element.n from int to long',
        'add column stops.element.name (string)',
        'add column tags (map<string, string>)',
      ].toSorted((a, b) => plan.changes.indexOf(a) - plan.changes.indexOf(b)),
    );
    await lake.sink.commit(runId, [{ plan, files, mode: 'append' }]);

    const expected = [
      {
        id: '1',
        price: '1.25',
        ratio: '0.5',
        place: { city: 'Oslo', zip: null },
        stops: [{ n: '7', name: null }],
        tags: null,
      },
      {
        id: '3000000000',
        price: '1234567890.12',
        ratio: '0.1',
        place: { city: 'Rome', zip: '00100' },
        stops: [{ n: '5000000000', name: 'x' }],
        tags: { k: 'v' },
      },
    ];
    const inOrder = (rows: readonly Readonly<Record<string, unknown>>[]) =>
      [...rows].sort((a, b) => Number(a['id']) - Number(b['id']));
    expect(inOrder(await judge.of(lake.folder).rows('shop.trips'))).toEqual(expected);
    expect(inOrder(await judge.of(lake.folder).rowsByDuckDb('shop.trips'))).toEqual(expected);

    const reader = await IcebergReader.open(lake.storage, lake.warehouse);
    const select = await reader.select({ namespace: 'shop', table: 'trips' }, lake.session);
    reader.close();
    const rows = await lake.session.rows(
      `SELECT id, price::VARCHAR AS price, place, stops, tags FROM (${select}) ORDER BY id`,
    );
    expect(rows[0]).toEqual({
      id: '1',
      price: '1.25',
      place: { city: 'Oslo', zip: null },
      stops: [{ n: '7', name: null }],
      tags: null,
    });
  });

  test('takes rows of a narrower source without another change', async () => {
    await using lake = await TestLake.create();
    await lake.write(
      'trips',
      AFTER,
      `SELECT 3000000000 AS id, 1.5 AS price, 0.1 AS ratio, NULL AS place, NULL AS stops, NULL AS tags`,
    );
    const { plan } = await lake.stage(
      'trips',
      { ...BEFORE, columns: BEFORE.columns.slice(0, 3) },
      `SELECT 2 AS id, 1 AS price, 1 AS ratio`,
      {
        evolve: false,
      },
    );
    expect(plan.changes).toEqual([]);
    expect(plan.fileSchema.fields.map(({ id, name, type }) => [id, name, type])).toEqual([
      [1, 'id', 'long'],
      [2, 'price', 'decimal(12, 2)'],
      [3, 'ratio', 'double'],
    ]);
  });
});

describe('a schema that cannot evolve', () => {
  const table = assignIds(BEFORE, new FieldIds(0));
  const attempt = (wanted: StreamSchema, allowed = true) =>
    evolve(table, wanted, new FieldIds(20), 1, { allowed, name: 'shop.trips' });

  test('is refused with every difference in one message', () => {
    const wanted = schema(
      optionalColumn('id', 'string'),
      optionalColumn('price', 'decimal(9, 3)'),
      optionalColumn('ratio', 'int'),
      optionalColumn('place', struct(['city', 'long'])),
      optionalColumn('stops', 'string'),
    );
    for (const part of [
      'column id is string, the table has int',
      'column price is decimal(9, 3), the table has decimal(5, 2)',
      'column ratio is int, the table has float',
      'column place.city is long, the table has string',
      'column stops is string, the table has list<struct<n: int>>',
    ]) {
      expect(() => attempt(wanted)).toThrow(part);
    }
    expect(() => attempt(wanted)).toThrow(expect.objectContaining({ code: 'SCHEMA_MISMATCH' }));
  });

  test('is refused for any change when none is allowed', () => {
    expect(() => attempt(AFTER, false)).toThrow('add column tags (map<string, string>)');
  });

  test('is refused when the primary key would lose a column', () => {
    const keyed = assignIds({ ...BEFORE, primaryKey: ['id'] }, new FieldIds(0));
    expect(keyed['identifier-field-ids']).toEqual([1]);
    const without = schema(...BEFORE.columns.slice(1));
    expect(() => evolve(keyed, without, new FieldIds(20), 1, { allowed: true, name: 't' })).toThrow(
      'column id of the primary key is not required any more',
    );
  });

  test('is refused before anything is written when Parquet files could not hold it', async () => {
    await using lake = await TestLake.create();
    const opened = await lake.sink.open('shop', 'fixed');
    const wanted = schema(optionalColumn('list', { type: 'list', element: 'fixed[4]', elementRequired: false }));
    expect(() => opened.prepare(wanted, { evolve: true })).toThrow('column list with fixed[4]');
  });
});
