import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeParquet } from '../../../connectors/duckdb/parquet-file.ts';
import { TYPES } from '../../../connectors/postgres/type-rules.ts';
import { createSource } from '../../../connectors/registry.ts';
import { sourceSchema } from '../../../contracts/job-source.ts';
import { typeName } from '../../../contracts/schema.ts';
import { Judge } from '../../support/judge.ts';
import { TestLake } from '../../support/lake.ts';
import { usePostgres } from '../../support/postgres.ts';
import { runSource } from '../../support/run-source.ts';

const postgres = usePostgres();
let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
});
afterAll(() => judge[Symbol.asyncDispose]());

/** A type with values of it, and how Postgres writes them in the judges' canonical form. */
interface Case {
  readonly type: string;
  readonly becomes: string;
  readonly values: readonly string[];
  readonly canonical?: (column: string) => string;
  /** Made before the table. */
  readonly setup?: string;
  /** In place of the name in `TYPES`. */
  readonly name?: string;
}

const micros = (column: string) => `(extract(epoch FROM ${column}) * 1000000)::numeric(30, 0)::text`;
const days = (column: string) => `(${column} - date '1970-01-01')::text`;
const floats = (column: string) =>
  `CASE WHEN ${column} = 'NaN' THEN 'nan' WHEN ${column} = 'Infinity' THEN 'inf' WHEN ${column} = '-Infinity' THEN '-inf' WHEN ${column}::text ~ '^-?[0-9]+$' THEN ${column}::text || '.0' ELSE ${column}::text END`;
const elements = (column: string, form: (element: string) => string) =>
  `CASE WHEN ${column} IS NOT NULL THEN (SELECT coalesce(jsonb_agg(${form('x')} ORDER BY n), '[]') FROM unnest(${column}) WITH ORDINALITY AS u (x, n)) END`;
const text = (column: string) => `${column}::text`;

const STRINGS = [
  `''`,
  `' two  spaces '`,
  `E'quote " comma , tab \\t line \\n back \\\\ N \\\\N'`,
  `'žluťoučký 🐎'`,
  `'NULL'`,
];
const TIMES = [`'00:00:00'`, `'23:59:59.999999'`, `'12:00:00.000001'`];

const CASES: readonly Case[] = [
  { type: 'bool', becomes: 'boolean', values: ['true', 'false'], canonical: (column) => `to_jsonb(${column})` },
  { type: 'int2', becomes: 'int', values: ['-32768', '0', '32767'] },
  { type: 'int4', becomes: 'int', values: ['-2147483648', '0', '2147483647'] },
  {
    type: 'int8',
    becomes: 'long',
    values: [`'-9223372036854775808'`, '9007199254740993', '9223372036854775807', '-1'],
  },
  { type: 'oid', becomes: 'long', values: ['0', '4294967295'] },
  {
    type: 'float4',
    becomes: 'float',
    values: [`'0.5'`, `'-1024'`, `'NaN'`, `'Infinity'`, `'-Infinity'`],
    canonical: floats,
  },
  {
    type: 'float8',
    becomes: 'double',
    values: [`'0.1'`, `'1.7976931348623157e308'`, `'5e-324'`, `'NaN'`, `'Infinity'`, `'-Infinity'`, `'-2.5'`],
    canonical: floats,
  },
  {
    type: 'numeric(5, 2)',
    name: 'numeric',
    becomes: 'decimal(5, 2)',
    values: ['0', '-999.99', '0.01', '-0.01', '100', '12.30'],
  },
  {
    type: 'numeric(15, 4)',
    name: 'numeric',
    becomes: 'decimal(15, 4)',
    values: ['99999999999.9999', '-0.0001', '10000', '10000.0001'],
  },
  {
    type: 'numeric(18, 9)',
    name: 'numeric',
    becomes: 'decimal(18, 9)',
    values: ['999999999.999999999', '-0.000000001', '1'],
  },
  {
    type: 'numeric(38, 10)',
    name: 'numeric',
    becomes: 'decimal(38, 10)',
    values: [
      '9999999999999999999999999999.9999999999',
      '-9999999999999999999999999999.9999999999',
      '0',
      '0.0000000001',
      '-1',
    ],
  },
  {
    type: 'numeric(38)',
    name: 'numeric',
    becomes: 'decimal(38, 0)',
    values: ['99999999999999999999999999999999999999', '-1', '10000000000000000'],
  },
  { type: 'numeric(3, -2)', name: 'numeric', becomes: 'decimal(5, 0)', values: ['12300', '-99900'] },
  { type: 'numeric(2, 4)', name: 'numeric', becomes: 'decimal(4, 4)', values: ['0.0012', '-0.0099'] },
  {
    type: 'date',
    becomes: 'date',
    values: [`'0001-01-01'`, `'1970-01-01'`, `'1969-12-31'`, `'2000-02-29'`, `'9999-12-31'`],
    canonical: days,
  },
  { type: 'time', becomes: 'time', values: TIMES, canonical: micros },
  { type: 'time(0)', name: 'time', becomes: 'time', values: [`'23:59:59'`], canonical: micros },
  {
    type: 'timestamp',
    becomes: 'timestamp',
    values: [
      `'0001-01-01'`,
      `'1999-12-31 23:59:59.999999'`,
      `'1969-12-31 23:59:59.999999'`,
      `'9999-12-31 23:59:59.999999'`,
    ],
    canonical: micros,
  },
  {
    type: 'timestamptz',
    becomes: 'timestamptz',
    values: [
      `'0001-01-01 00:00+00'`,
      `'2024-03-31 02:30:00.000001+02'`,
      `'9999-12-31 23:59:59.999999+00'`,
      `'2000-01-01 00:00:00+14'`,
    ],
    canonical: micros,
  },
  {
    type: 'uuid',
    becomes: 'uuid',
    values: [
      `'00000000-0000-0000-0000-000000000000'`,
      `'ffffffff-ffff-ffff-ffff-fffffffffffe'`,
      `'c4ca4238-a0b9-2382-0dcc-509a6f75849b'`,
    ],
  },
  {
    type: 'bytea',
    becomes: 'binary',
    values: [`'\\x'`, `'\\x00ff5c0a22'`],
    canonical: (column) => `encode(${column}, 'hex')`,
  },
  { type: 'text', becomes: 'string', values: [...STRINGS, `repeat('long', 100000)`] },
  { type: 'varchar(40)', name: 'varchar', becomes: 'string', values: STRINGS },
  {
    type: 'char(5)',
    name: 'bpchar',
    becomes: 'string',
    values: [`'ab'`, `'abcde'`],
    canonical: (column) => `rpad(${column}, 5)`,
  },
  { type: 'name', becomes: 'string', values: [`'a name'`] },
  { type: 'json', becomes: 'string', values: [`'{"b" : 1,  "a": [1.0, null]}'`, `'null'`] },
  { type: 'jsonb', becomes: 'string', values: [`'{"b" : 1,  "a": [1.0, null, 12345678901234567890.123]}'`] },
  { type: 'xml', becomes: 'string', values: [`'<a b="1">text</a>'`] },
  { type: 'citext', becomes: 'string', values: [`'MiXed'`], setup: 'CREATE EXTENSION citext' },
  { type: 'inet', becomes: 'string', values: [`'192.168.0.1/24'`, `'::1'`] },
  { type: 'cidr', becomes: 'string', values: [`'192.168.0.0/24'`] },
  { type: 'macaddr', becomes: 'string', values: [`'08:00:2b:01:02:03'`] },
  { type: 'macaddr8', becomes: 'string', values: [`'08:00:2b:01:02:03:04:05'`] },
  {
    type: 'mood',
    name: 'enum',
    becomes: 'string',
    values: [`'sad'`, `'it''s fine'`],
    setup: `CREATE TYPE mood AS ENUM ('sad', 'it''s fine')`,
  },
  {
    type: 'money_of',
    name: 'domain',
    becomes: 'decimal(10, 3)',
    values: ['1.5', '-9999999.999'],
    setup: 'CREATE DOMAIN cents AS numeric(10, 3); CREATE DOMAIN money_of AS cents CHECK (VALUE < 1e9)',
  },
  {
    type: 'int8[]',
    name: 'array',
    becomes: 'list<long>',
    values: [`'{}'`, `'{9223372036854775807,NULL,-1}'`],
    canonical: (column) => elements(column, text),
  },
  {
    type: 'text[]',
    name: 'array',
    becomes: 'list<string>',
    values: [`ARRAY['a', '', 'with "quotes", commas', NULL, E'line\\n']`],
    canonical: (column) => elements(column, text),
  },
  {
    type: 'numeric(12, 3)[]',
    name: 'array',
    becomes: 'list<decimal(12, 3)>',
    values: [`'{1.500,-999999999.999}'`],
    canonical: (column) => elements(column, text),
  },
  {
    type: 'timestamptz[]',
    name: 'array',
    becomes: 'list<timestamptz>',
    values: [`'{2024-03-31 02:30:00.000001+02,NULL}'`],
    canonical: (column) => elements(column, micros),
  },
  {
    type: 'date[]',
    name: 'array',
    becomes: 'list<date>',
    values: [`'{2024-02-29,0001-01-01}'`],
    canonical: (column) => elements(column, days),
  },
  {
    type: 'float8[]',
    name: 'array',
    becomes: 'list<double>',
    values: [`'{0.1,-2.5,NaN,Infinity}'`],
    canonical: (column) => elements(column, floats),
  },
  {
    type: 'bool[]',
    name: 'array',
    becomes: 'list<boolean>',
    values: [`'{true,false,NULL}'`],
    canonical: (column) => elements(column, (x) => `to_jsonb(${x})`),
  },
  {
    type: 'uuid[]',
    name: 'array',
    becomes: 'list<uuid>',
    values: [`'{c4ca4238-a0b9-2382-0dcc-509a6f75849b}'`],
    canonical: (column) => elements(column, text),
  },
  {
    type: 'mood[]',
    name: 'array',
    becomes: 'list<string>',
    values: [`'{sad,"it''s fine"}'`],
    canonical: (column) => elements(column, text),
  },
];

/** Types without a counterpart: kept as the text that Postgres writes. */
const UNSUPPORTED: readonly (readonly [type: string, value: string])[] = [
  ['numeric', `'12345678901234567890123456789012345678901234567890.123456789'`],
  ['numeric', `'NaN'`],
  ['numeric(50, 10)', `1e39`],
  ['interval', `'1 year -2 mons 3 days 04:05:06.789012'`],
  ['timetz', `'12:00:00.000001+02'`],
  ['money', `12.34`],
  ['bit(5)', `'10101'`],
  ['varbit', `'1'`],
  ['int4range', `'[1,10)'`],
  ['tstzmultirange', `'{[2024-01-01 00:00+00,2024-01-02 00:00+00)}'`],
  ['point', `'(1.1,2.2)'`],
  ['pair', `ROW(1, 'a "b"')`],
  ['bytea[]', `ARRAY['\\x00'::bytea]`],
  ['pair[]', `ARRAY[ROW(1, 'a')::pair]`],
  ['tsvector', `'a b c'`],
  ['pg_lsn', `'16/B374D848'`],
];

async function databaseWith(statements: readonly string[]) {
  const url = await postgres().database();
  const run = (sql: string) => postgres().run(sql, new URL(url).pathname.slice(1));
  // What the source's own settings have to prevail over.
  await run(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET TIME ZONE 'Asia/Kathmandu'`);
  await run(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET datestyle = 'German'`);
  await run(`SET TIME ZONE 'UTC'; SET datestyle = 'ISO'; ${statements.join(';\n')}`);
  return { url, run };
}

const sourceOf = (connection: string, more: object = {}) =>
  createSource('postgres', { source: sourceSchema.parse({ connection, ...more }), asset: 'orders' });

describe('a value of any type of Postgres', () => {
  test('is the same for PyIceberg as it is for Postgres', async () => {
    const columns = CASES.map(({ type }, index) => `c${index} ${type}`);
    const rows = Math.max(...CASES.map(({ values }) => values.length));
    const inserts = Array.from({ length: rows }, (_, row) => {
      const values = CASES.map(({ values: all }) => all[row] ?? 'NULL');
      return `INSERT INTO orders VALUES (${row}, ${values.join(', ')})`;
    });
    const setups = CASES.flatMap(({ setup }) => setup ?? []);
    const { url, run } = await databaseWith([
      ...setups,
      `CREATE TABLE orders (id int, ${columns.join(', ')})`,
      ...inserts,
      `INSERT INTO orders (id) VALUES (${rows})`,
    ]);

    await using lake = await TestLake.create();
    const { schema, rejected } = await runSource(sourceOf(url), {
      consume: async (select, session, schema) => {
        const plan = (await lake.sink.open('shop', 'orders')).prepare(schema, { evolve: true });
        const folder = (await lake.sink.open('shop', 'orders')).dataFolder('run', 'c00000', 1);
        const files = await writeParquet(session, select, plan.fileSchema, folder, {
          storage: lake.storage,
          fileSizeBytes: 1e8,
        });
        await lake.sink.commit('run', [{ plan, mode: 'append', files }]);
      },
    });
    expect(rejected).toEqual([]);
    expect(schema.columns.slice(1).map(({ type }) => typeName(type))).toEqual(CASES.map(({ becomes }) => becomes));

    const expected = CASES.map(({ canonical = text }, index) => `'c${index}', ${canonical(`c${index}`)}`);
    const objects = expected.map((pair) => `jsonb_build_object(${pair})`).join(' || ');
    const byPostgres = await run(
      `SET TIME ZONE 'UTC'; SET datestyle = 'ISO'; SELECT id, ${objects} AS row FROM orders ORDER BY id`,
    );
    const judged = (await judge.of(lake.folder).rows('shop.orders')).toSorted(
      (a, b) => Number(a['id']) - Number(b['id']),
    );
    expect(judged).toHaveLength(rows + 1);
    for (const [index, row] of judged.entries()) {
      const { id: _, ...values } = row;
      expect(normalised(values)).toEqual(normalised(byPostgres[index]?.['row']));
    }
  }, 60_000);

  test('has a case here for each line of the table of types', () => {
    const tried = new Set(CASES.map(({ type, name }) => name ?? type));
    expect(Object.keys(TYPES).filter((name) => !tried.has(name))).toEqual([]);
  });

  test('is the text that Postgres writes where the lake has no type for it', async () => {
    const { url, run } = await databaseWith([
      `CREATE TYPE pair AS (a int, b text)`,
      `CREATE TABLE orders (${UNSUPPORTED.map(([type], index) => `c${index} ${type}`).join(', ')})`,
      `INSERT INTO orders VALUES (${UNSUPPORTED.map(([, value]) => value).join(', ')})`,
    ]);
    const { schema, rows, notes } = await runSource(sourceOf(url));
    expect(new Set(schema.columns.map(({ type }) => type))).toEqual(new Set(['string']));
    const texts = UNSUPPORTED.map((_, index) => `c${index}::text`).join(', ');
    const expected = await run(
      `SET TIME ZONE 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'iso_8601'; SELECT ${texts} FROM orders`,
    );
    expect(rows).toEqual(expected);
    expect(notes.filter((note) => note.includes('is kept as text'))).toHaveLength(UNSUPPORTED.length);
  });
});

/** Floats as numbers, since each side writes them in its own shortest form. */
function normalised(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalised);
  if (typeof value === 'string' && /^-?\d+(\.\d+)?e[+-]?\d+$/i.test(value)) return `float ${Number(value)}`;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, normalised(inner)]));
}

test('the guide shows the table of types as it is', async () => {
  const guide = await readFile(path.resolve(import.meta.dirname, '../../../docs/guides/postgres.md'), 'utf8');
  const shown = [...guide.matchAll(/^\| `([^|]+)` \| `([^|]+)` \|/gm)].map(([, name, type]) => [name, type]);
  expect(shown).toEqual(Object.entries(TYPES).map(([name, { type }]) => [name, type]));
});
