import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeParquet } from '../../../connectors/duckdb/parquet-file.ts';
import { TYPES } from '../../../connectors/mysql/type-rules.ts';
import { typeName } from '../../../contracts/schema.ts';
import { mariaDbTable } from '../../support/database-table.ts';
import { Judge } from '../../support/judge.ts';
import { TestLake } from '../../support/lake.ts';
import { useMariaDb } from '../../support/mariadb.ts';
import { runSource } from '../../support/run-source.ts';

const mariaDb = useMariaDb();
let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
});
afterAll(() => judge[Symbol.asyncDispose]());

/** A type with values of it, and SQL that gives them in the judges' canonical form. */
interface Case {
  readonly type: string;
  readonly becomes: string;
  readonly values: readonly string[];
  readonly canonical?: (column: string) => string;
  /** In place of the type in `TYPES`. */
  readonly name?: string;
}

const text = (column: string) => `CONVERT(${column} USING utf8mb4)`;
const plain = (column: string) => `CAST(${column} AS CHAR)`;
const hex = (column: string) => `LOWER(HEX(${column}))`;
const micros = (column: string) => `CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${column}) AS CHAR)`;
const days = (column: string) => `CAST(DATEDIFF(${column}, '1970-01-01') AS CHAR)`;
const floats = (column: string) => `CAST(CAST(${column} AS DOUBLE) AS CHAR)`;

const STRINGS = [
  `''`,
  `' two  spaces '`,
  `'quote " comma , tab \\t line \\n back \\\\ N \\\\N'`,
  `'NULL'`,
  `CONCAT('zero ', CHAR(0 USING utf8mb4), ' in the middle')`,
];
const WESTERN = [...STRINGS, `'é ß Ÿ €'`];
const ALL = [...STRINGS, `'žluťoučký 🐎'`];

const CASES: readonly Case[] = [
  { type: 'tinyint', becomes: 'int', values: ['-128', '0', '127'] },
  { type: 'tinyint(1)', name: 'tinyint', becomes: 'int', values: ['0', '1', '-5'] },
  { type: 'tinyint unsigned', becomes: 'int', values: ['0', '255'] },
  { type: 'smallint', becomes: 'int', values: ['-32768', '32767'] },
  { type: 'smallint unsigned', becomes: 'int', values: ['0', '65535'] },
  { type: 'mediumint', becomes: 'int', values: ['-8388608', '8388607', '-1'] },
  { type: 'mediumint unsigned', becomes: 'int', values: ['16777215'] },
  { type: 'int', becomes: 'int', values: ['-2147483648', '0', '2147483647'] },
  { type: 'int unsigned', becomes: 'long', values: ['0', '4294967295', '2147483648'] },
  {
    type: 'int(5) unsigned zerofill',
    name: 'int unsigned',
    becomes: 'long',
    values: ['7'],
    canonical: (c) => plain(`${c} + 0`),
  },
  {
    type: 'bigint',
    becomes: 'long',
    values: ['-9223372036854775808', '9007199254740993', '9223372036854775807', '-1'],
  },
  {
    type: 'bigint unsigned',
    becomes: 'decimal(20, 0)',
    values: ['0', '18446744073709551615', '9223372036854775808', '9007199254740993'],
  },
  { type: 'year', becomes: 'int', values: ['1901', '2155', '0'], canonical: (c) => plain(`${c} + 0`) },
  {
    type: 'float',
    becomes: 'float',
    values: ['0.1', '-1024', '3.4028234e38', '1.4e-45', '16777217'],
    canonical: floats,
  },
  { type: 'float(7,3)', name: 'float', becomes: 'float', values: ['1234.567'], canonical: floats },
  {
    type: 'double',
    becomes: 'double',
    values: ['0.1', '1.7976931348623157e308', '5e-324', '-2.5', '0.1 + 0.2'],
    canonical: floats,
  },
  {
    type: 'decimal(5,2)',
    name: 'decimal',
    becomes: 'decimal(5, 2)',
    values: ['0', '-999.99', '0.01', '-0.01', '100', '12.30'],
  },
  {
    type: 'decimal(10,2) unsigned',
    name: 'decimal',
    becomes: 'decimal(10, 2)',
    values: ['0', '99999999.99'],
  },
  {
    type: 'decimal(15,4)',
    name: 'decimal',
    becomes: 'decimal(15, 4)',
    values: ['99999999999.9999', '-99999999999.9999', '-0.0001', '10000.0001'],
  },
  {
    type: 'decimal(18,9)',
    name: 'decimal',
    becomes: 'decimal(18, 9)',
    values: ['999999999.999999999', '-0.000000001', '1'],
  },
  {
    type: 'decimal(15,15)',
    name: 'decimal',
    becomes: 'decimal(15, 15)',
    values: ['0.123456789012345', '-0.000000000000001', '0'],
  },
  {
    type: 'decimal(38,10)',
    name: 'decimal',
    becomes: 'decimal(38, 10)',
    values: [
      '9999999999999999999999999999.9999999999',
      '-9999999999999999999999999999.9999999999',
      '0.0000000001',
      '-1',
    ],
  },
  {
    type: 'decimal(38,0)',
    name: 'decimal',
    becomes: 'decimal(38, 0)',
    values: ['99999999999999999999999999999999999999', '-1', '10000000000000000'],
  },
  {
    type: 'bit(1)',
    becomes: 'boolean',
    values: [`b'0'`, `b'1'`],
    canonical: (c) => `CASE ${c} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END`,
  },
  {
    type: 'bit(63)',
    name: 'bit(2) to bit(63)',
    becomes: 'long',
    values: [`b'0'`, `b'101'`, '9223372036854775807'],
    canonical: (c) => `CAST(${c} + 0 AS CHAR)`,
  },
  {
    type: 'bit(64)',
    becomes: 'decimal(20, 0)',
    values: [`b'0'`, '18446744073709551615', '256'],
    canonical: (c) => `CAST(${c} + 0 AS CHAR)`,
  },
  {
    type: 'date',
    becomes: 'date',
    values: [`'0001-01-01'`, `'1970-01-01'`, `'1969-12-31'`, `'2000-02-29'`, `'9999-12-31'`, `'1900-03-01'`],
    canonical: days,
  },
  {
    type: 'datetime(6)',
    name: 'datetime',
    becomes: 'timestamp',
    values: [
      `'0001-01-01'`,
      `'1969-12-31 23:59:59.999999'`,
      `'9999-12-31 23:59:59.999999'`,
      `'2024-02-29 12:00:00.000001'`,
    ],
    canonical: micros,
  },
  { type: 'datetime', becomes: 'timestamp', values: [`'2024-03-31 02:30:00'`], canonical: micros },
  {
    type: 'timestamp(6)',
    name: 'timestamp',
    becomes: 'timestamptz',
    values: [`'1970-01-01 00:00:01.000001'`, `'2024-03-31 01:30:00.5'`, `'2038-01-19 03:14:07.999999'`],
    canonical: micros,
  },
  { type: 'varchar(60) character set utf8mb4', name: 'char, varchar', becomes: 'string', values: ALL, canonical: text },
  {
    type: 'varchar(60) character set latin1',
    name: 'char, varchar',
    becomes: 'string',
    values: WESTERN,
    canonical: text,
  },
  {
    type: 'varchar(60) character set cp1250',
    name: 'char, varchar',
    becomes: 'string',
    values: [`'žluťoučký kůň'`],
    canonical: text,
  },
  { type: 'varchar(60) character set utf16', name: 'char, varchar', becomes: 'string', values: ALL, canonical: text },
  {
    type: 'varchar(60) character set sjis',
    name: 'char, varchar',
    becomes: 'string',
    values: [`'日本'`],
    canonical: text,
  },
  {
    type: 'char(5) character set utf8mb4',
    name: 'char, varchar',
    becomes: 'string',
    values: [`'ab'`, `'abcde'`, `'🐎'`],
    canonical: text,
  },
  { type: 'tinytext character set utf8mb4', name: 'text', becomes: 'string', values: ALL, canonical: text },
  { type: 'text', becomes: 'string', values: WESTERN, canonical: text },
  {
    type: 'longtext character set utf8mb4',
    name: 'text',
    becomes: 'string',
    values: [`REPEAT('long ', 5000)`, `REPEAT('x', 251)`, `REPEAT('x', 250)`, `REPEAT('ä', 40000)`],
    canonical: text,
  },
  {
    type: `enum('sad', 'it''s fine')`,
    name: 'enum',
    becomes: 'string',
    values: [`'sad'`, `'it''s fine'`, '0'],
    canonical: text,
  },
  { type: `set('a', 'b', 'c')`, name: 'set', becomes: 'string', values: [`'a,c'`, `''`, `'b'`], canonical: text },
  {
    type: 'json',
    becomes: 'string',
    values: [`'{"b" : 1,  "a": [1.0, null, 12345678901234567890.123]}'`, `'null'`],
    canonical: text,
  },
  { type: 'inet4', becomes: 'string', values: [`'192.168.0.1'`], canonical: plain },
  { type: 'inet6', becomes: 'string', values: [`'::1'`, `'2001:db8::ff00:42:8329'`], canonical: plain },
  {
    type: 'uuid',
    becomes: 'uuid',
    values: [
      `'00000000-0000-0000-0000-000000000000'`,
      `'ffffffff-ffff-ffff-ffff-fffffffffffe'`,
      `'c4ca4238-a0b9-2382-0dcc-509a6f75849b'`,
    ],
    canonical: plain,
  },
  { type: 'binary(4)', name: 'binary, varbinary', becomes: 'binary', values: [`x'00ff'`, `'abcd'`], canonical: hex },
  {
    type: 'varbinary(60)',
    name: 'binary, varbinary',
    becomes: 'binary',
    values: [`x'00ff5c0a22'`, `''`],
    canonical: hex,
  },
  { type: 'blob', becomes: 'binary', values: [`x'00ff5c0a22'`, `REPEAT(x'00ff', 200)`], canonical: hex },
  {
    type: 'geometry',
    becomes: 'binary',
    values: [`ST_GeomFromText('POINT(1.5 -2)', 4326)`, `ST_GeomFromText('LINESTRING(0 0, 1 1)')`],
    canonical: hex,
  },
];

/** Types without a counterpart: kept as the text that the server writes. */
const UNSUPPORTED: readonly (readonly [type: string, value: string, written: string])[] = [
  ['time', `'-838:59:59'`, '-838:59:59'],
  ['time(6)', `'30:00:00.000001'`, '30:00:00.000001'],
  ['decimal(65,30)', `'-1.000000000000000000000000000001'`, '-1.000000000000000000000000000001'],
  ['decimal(39,0)', `'999999999999999999999999999999999999999'`, '999999999999999999999999999999999999999'],
];

describe('a value of any type of MySQL or MariaDB', () => {
  test('is the same for PyIceberg as it is for the server', async () => {
    const columns = CASES.map(({ type }, index) => `c${index} ${type} NULL`);
    const rows = Math.max(...CASES.map(({ values }) => values.length));
    const inserts = Array.from({ length: rows }, (_, row) => {
      const values = CASES.map(({ values: all }) => all[row] ?? 'NULL');
      return `INSERT INTO orders VALUES (${row}, ${values.join(', ')})`;
    });
    const { run, source } = await mariaDbTable(
      mariaDb(),
      [
        `SET time_zone = '+00:00'`,
        `CREATE TABLE orders (id int, ${columns.join(', ')}) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
        ...inserts,
        `INSERT INTO orders (id) VALUES (${rows})`,
      ].join(';\n'),
    );

    await using lake = await TestLake.create();
    const { schema, rejected } = await runSource(source(), {
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

    const expected = CASES.map(({ canonical = plain }, index) => `${canonical(`c${index}`)} AS c${index}`);
    const byServer = await run(`SET time_zone = '+00:00'; SELECT id, ${expected.join(', ')} FROM orders ORDER BY id`);
    const judged = (await judge.of(lake.folder).rows('shop.orders')).toSorted(
      (a, b) => Number(a['id']) - Number(b['id']),
    );
    expect(judged).toHaveLength(rows + 1);
    for (const [index, row] of judged.entries()) {
      const told = byServer[index] ?? {};
      for (const [column, { type, canonical }] of CASES.entries()) {
        const [read, kept] = [row[`c${column}`], told[`c${column}`]];
        const form = canonical === floats ? (value: unknown) => value && Number(value) : (value: unknown) => value;
        const shown = typeof read === 'boolean' ? String(read) : read;
        expect([type, form(shown)]).toEqual([type, form(kept)]);
      }
    }
  }, 60_000);

  test('has a case here for each line of the table of types', () => {
    const tried = new Set(CASES.map(({ type, name }) => name ?? type));
    expect(Object.keys(TYPES).filter((name) => !tried.has(name))).toEqual([]);
  });

  test('is the text that the server writes where the lake has no type for it', async () => {
    const { source } = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE orders (${UNSUPPORTED.map(([type], index) => `c${index} ${type}`).join(', ')});
       INSERT INTO orders VALUES (${UNSUPPORTED.map(([, value]) => value).join(', ')})`,
    );
    const { schema, rows, notes } = await runSource(source());
    expect(new Set(schema.columns.map(({ type }) => type))).toEqual(new Set(['string']));
    expect(rows).toEqual([Object.fromEntries(UNSUPPORTED.map(([, , written], index) => [`c${index}`, written]))]);
    expect(notes.filter((note) => note.includes('is kept as text'))).toHaveLength(UNSUPPORTED.length);
  });

  test('keeps times of a day as such where the job says so, and puts others aside', async () => {
    const { source } = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE orders (id int, at time(6)); INSERT INTO orders VALUES (1, '23:59:59.999999'), (2, '24:00:00'), (3, '-01:00:00')`,
    );
    const { rows, rejected } = await runSource(source({ types: { at: 'time' } }));
    expect(rows).toEqual([{ id: 1, at: '23:59:59.999999' }]);
    expect(rejected.map(({ column, reason }) => [column, reason])).toEqual([
      ['at', 'CAST'],
      ['at', 'CAST'],
    ]);
  });
});

describe('a date that no calendar has', () => {
  const SETUP = `SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00';
    CREATE TABLE orders (id int PRIMARY KEY, name varchar(20), day date, at datetime(3), seen timestamp(3) NULL);
    INSERT INTO orders VALUES (1, 'good', '2024-02-29', '2024-02-29 01:02:03.004', '2024-02-29 01:02:03.004'),
      (2, 'zero', '0000-00-00', '2024-01-01', '2024-01-01 00:00:01'), (3, 'zero', '2024-01-01', '0000-00-00', '2024-01-01 00:00:01'),
      (4, 'zero', '2024-01-01', '2024-01-01', 0), (5, 'part', '2024-05-00', '2024-01-01', NULL),
      (6, 'none', '2023-02-29', '2024-01-01', NULL), (7, 'year', '0000-01-01', NULL, NULL), (8, 'good', NULL, NULL, NULL)`;

  test('keeps its row aside, with all its values, if the job says nothing', async () => {
    const { source, database } = await mariaDbTable(mariaDb(), SETUP);
    const { rows, rejected, read } = await runSource(source());
    expect([rows.map(({ id }) => id), read]).toEqual([[1, 8], 8]);
    expect(rows[0]).toEqual({
      id: 1,
      name: 'good',
      day: '2024-02-29',
      at: '2024-02-29 01:02:03.004',
      seen: '2024-02-29 01:02:03.004+00',
    });
    expect(rejected.map(({ column, reason, sourceFile }) => [column, reason, sourceFile])).toEqual(
      ['day', 'at', 'seen', 'day', 'day', 'day'].map((column) => [column, 'CAST', `${database}.orders`]),
    );
    expect(JSON.parse(rejected[0]?.raw ?? '')).toEqual({
      id: '2',
      name: 'zero',
      day: '0000-00-00',
      at: '2024-01-01 00:00:00',
      seen: '2024-01-01 00:00:01',
    });
  });

  test('becomes no value, or text in all its columns, where the job says so', async () => {
    const { source } = await mariaDbTable(mariaDb(), SETUP);
    const nulled = await runSource(source({ zero_dates: 'null' }));
    expect(nulled.rows.map(({ day }) => day)).toEqual([
      '2024-02-29',
      null,
      '2024-01-01',
      '2024-01-01',
      null,
      null,
      null,
      null,
    ]);
    expect([nulled.rows[2]?.['at'], nulled.rows[3]?.['seen']]).toEqual([null, null]);
    const texts = await runSource(source({ zero_dates: 'text' }));
    expect(texts.rows.map(({ day }) => day)).toEqual([
      '2024-02-29',
      '0000-00-00',
      '2024-01-01',
      '2024-01-01',
      '2024-05-00',
      '2023-02-29',
      '0000-01-01',
      null,
    ]);
    expect(texts.rows[3]).toMatchObject({ at: '2024-01-01 00:00:00.000', seen: '0000-00-00 00:00:00.000' });
  });

  test('stops the object when there are more of them than it may put aside', async () => {
    const { source } = await mariaDbTable(mariaDb(), SETUP);
    await expect(runSource(source({ max_bad_rows: 3 }))).rejects.toThrow(/more than 3 rows that cannot be used/);
  });
});

test('the guide shows the table of types as it is', async () => {
  const guide = await readFile(path.resolve(import.meta.dirname, '../../../docs/guides/mysql.md'), 'utf8');
  const shown = [...guide.matchAll(/^\| `([^|]+)` \| `([^|]+)` \|/gm)].map(([, name, type]) => [name, type]);
  const table = Object.entries(TYPES).map(([name, { type }]) => [name, type]);
  expect(shown).toEqual(table);
});
