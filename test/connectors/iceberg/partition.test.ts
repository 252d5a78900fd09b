import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { typesWanted } from '../../../contracts/partition-by.ts';
import type { Column, PrimitiveType } from '../../../contracts/schema.ts';
import type { Canonical, CanonicalRow } from '../../support/judge.ts';
import { Judge } from '../../support/judge.ts';
import { optionalColumn, TestLake } from '../../support/lake.ts';
import type { TypedValue } from '../../support/typed-values.ts';
import { rowsOf, selectRows } from '../../support/typed-values.ts';

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

const TYPES: readonly PrimitiveType[] = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
  'decimal(9, 2)',
  'decimal(38, 10)',
];
const FIELDS = ['identity(v)', 'year(v)', 'month(v)', 'day(v)', 'hour(v)', 'bucket(4, v)', 'truncate(3, v)', 'void(v)'];
const transformOf = (field: string) => field.replace(/\((\d+), v\)/, '[$1]').replace('(v)', '');
const ALLOWED = TYPES.flatMap((type) =>
  FIELDS.filter((field) => typesWanted(transformOf(field), type) === undefined).map((field) => [field, type] as const),
);

/**
 * PyIceberg 0.12 reads a double in a partition as a float, and compares a UUID there with the bytes of a filter, so that
 * it leaves out files which it should open, its own too.
 */
const MISREAD: readonly PrimitiveType[] = ['double', 'uuid'];

/** Few rows: each may be a file, and every reader opens it. */
const ROWS = 12;
/** Of so many values the rows are read, not only the plan. */
const READ = 3;

describe('a table that is partitioned by', () => {
  test.each(ALLOWED)('%s of %s has its rows, and PyIceberg opens only the files of a value', async (field, type) => {
    await using lake = await TestLake.create();
    const columns: Column[] = [{ name: 'row', type: 'long', required: true }, optionalColumn('v', type)];
    const rows = sampleRows(columns, type, field);
    // Without bounds nothing but the partition can tell which files to open.
    const options = { partitionBy: [field], withoutBounds: ['v'] };
    await lake.write('divided', { columns, primaryKey: [] }, selectRows(columns, rows), options);

    const judged = judge.of(lake.folder);
    const expected = rows.map(([row, v]) => ({ row: row?.canonical ?? null, v: v?.canonical ?? null }));
    const byPyIceberg = inOrder(await judged.rows('shop.divided'));
    expect(byPyIceberg.map(({ row }) => row)).toEqual(expected.map(({ row }) => row));
    expect(inOrder(await judged.rowsByDuckDb('shop.divided'))).toEqual(byPyIceberg);

    if (field === 'identity(v)' && MISREAD.includes(type)) return;
    const { files } = await judged.layout('shop.divided');
    const same = type === 'float' || type === 'double' ? sameFloat : Object.is;
    // PyIceberg holds that no float is as high as infinity.
    const values = [...new Set(expected.map(({ v }) => v))].filter(
      (v) => type !== 'float' || !String(v).endsWith('inf'),
    );
    const answers = await judged.found('shop.divided', 'v', values, READ);
    const tuples = await tuplesOf(transformOf(field), type, values);
    for (const [index, value] of values.entries()) {
      const holding = expected.filter(({ v }) => same(v, value)).map(({ row }) => row);
      if (index < READ)
        expect(answers[index]?.rows.toSorted(), `rows with ${String(value)}`).toEqual(holding.toSorted());
      const wanted = files.filter(({ partition }) => field === 'void(v)' || same(partition[0], tuples[index]));
      expect(answers[index]?.files.toSorted()).toEqual(wanted.map(({ path }) => path).toSorted());
    }
  });
});

/** With one value twice, and one null. */
function sampleRows(columns: readonly Column[], type: PrimitiveType, field: string): (readonly TypedValue[])[] {
  const lowest =
    type === 'int' ? -(2n ** 31n) : type === 'long' && field.startsWith('truncate') ? -(2n ** 63n) : undefined;
  const [sampled = []] = fc.sample(
    rowsOf(columns, ROWS - 2).filter((rows) =>
      rows.every(([, v]) => lowest === undefined || v?.canonical === null || BigInt(String(v?.canonical)) !== lowest),
    ),
    1,
  );
  const again = sampled.find(([, v]) => v?.canonical !== null)?.[1] ?? { sql: 'NULL', canonical: null };
  const number = (row: number) => ({ sql: String(row), canonical: String(row) });
  return [...sampled, [number(ROWS - 2), again], [number(ROWS - 1), { sql: 'NULL', canonical: null }]];
}

/** The partition of each value; PyIceberg has no transforms of floats but the identity. */
async function tuplesOf(transform: string, type: PrimitiveType, values: readonly Canonical[]) {
  if (type === 'float' || type === 'double') return values.map((value) => (typeof value === 'string' ? value : null));
  return judge.transformed(transform, type, values);
}

/** Python and JavaScript write the same double differently. */
function sameFloat(a: Canonical | undefined, b: Canonical | undefined): boolean {
  const [x, y] = [a, b].map((value) => (typeof value === 'string' ? Number(value.replace('inf', 'Infinity')) : value));
  return x === y || (a === 'nan' && b === 'nan');
}

function inOrder(rows: readonly CanonicalRow[]): CanonicalRow[] {
  return [...rows].sort((a, b) => Number(a['row']) - Number(b['row']));
}
