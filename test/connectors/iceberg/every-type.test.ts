import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IcebergReader } from '../../../connectors/iceberg/reader.ts';
import type { Canonical, CanonicalRow } from '../../support/judge.ts';
import { Judge } from '../../support/judge.ts';
import { TestLake } from '../../support/lake.ts';
import type { TypedValue } from '../../support/typed-values.ts';
import { canonicalFloat, EVERY_TYPE, rowsOf, selectRows } from '../../support/typed-values.ts';

/** Many rows in few calls: what is slow is the call. */
const ROWS = 150;
const CALLS = 3;

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

const SCHEMA = { columns: EVERY_TYPE, primaryKey: [] };
const FLOATS = new Set(['float', 'double']);

function expectedRows(rows: readonly (readonly TypedValue[])[]): CanonicalRow[] {
  return rows.map((row) => Object.fromEntries(EVERY_TYPE.map((column, i) => [column.name, row[i]?.canonical ?? null])));
}

function inOrder(rows: readonly CanonicalRow[]): CanonicalRow[] {
  const sorted = [...rows].sort((a, b) => Number(a['row']) - Number(b['row']));
  return sorted.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, comparable(name, value)])),
  );
}

/** PyIceberg 0.12 takes a list of structs that is null for an empty one, in its own files too. */
function asPyIcebergReads(rows: readonly CanonicalRow[]): CanonicalRow[] {
  return rows.map((row) => ({ ...row, list_of_structs: row['list_of_structs'] ?? [] }));
}

/** DuckDB's dictionaries in Parquet take the two zeros for one value, see docs/architecture.md. */
function comparable(name: string, value: Canonical): Canonical {
  if (!FLOATS.has(name) || typeof value !== 'string') return value;
  const number = Number(value.replace('inf', 'Infinity'));
  return canonicalFloat(number === 0 ? 0 : number);
}

describe('a value of any Iceberg type', () => {
  test('is the same for PyIceberg, for DuckDB and for ourselves as it was when it was written', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    let table = 0;
    await fc.assert(
      fc.asyncProperty(rowsOf(EVERY_TYPE, ROWS), async (rows) => {
        table += 1;
        const name = `every_${table}`;
        await lake.write(name, SCHEMA, selectRows(EVERY_TYPE, rows));
        const expected = inOrder(expectedRows(rows));

        const byPyIceberg = inOrder(await judged.rows(`shop.${name}`));
        expect(byPyIceberg).toEqual(asPyIcebergReads(expected));
        expect(inOrder(await judged.rowsByDuckDb(`shop.${name}`))).toEqual(expected);
        expect(await differencesByOurselves(lake, name, selectRows(EVERY_TYPE, rows))).toBe(0);
      }),
      { numRuns: CALLS, endOnFailure: true },
    );
  }, 120_000);

  test('lies between the bounds of its column as PyIceberg reads them', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    const [rows = []] = fc.sample(rowsOf(EVERY_TYPE, ROWS), 1);
    await lake.write('bounded', SCHEMA, selectRows(EVERY_TYPE, rows));
    const { outside, bounded } = await judged.valuesOutsideBounds('shop.bounded');
    // DuckDB reports no bounds for some long texts beyond ASCII; then the file has none either, which is allowed.
    const certain = BOUNDED.filter((name) => !/text|string/.test(name));
    expect([outside, bounded]).toEqual([[], expect.arrayContaining(certain)]);
  }, 120_000);
});

/** Columns whose bounds are certain: those with a NaN and those inside of lists and maps have none. */
const BOUNDED = [
  'a "quoted", name',
  'binary',
  'boolean',
  'date',
  'decimal_large',
  'decimal_medium',
  'decimal_small',
  'int',
  'long',
  'row',
  'string',
  'struct.inner.n',
  'struct.text',
  'time',
  'timestamp',
  'timestamptz',
  'uuid',
];

async function differencesByOurselves(lake: TestLake, table: string, select: string): Promise<number> {
  const reader = await IcebergReader.open(lake.storage, lake.warehouse);
  try {
    const read = await reader.select({ namespace: 'shop', table }, lake.session);
    const rows = await lake.session.rows(
      `SELECT count(*)::INT AS n FROM ((${select}) EXCEPT ALL (${read}) UNION ALL ((${read}) EXCEPT ALL (${select})))`,
    );
    return Number(rows[0]?.['n']);
  } finally {
    reader.close();
  }
}
