import { appendFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { assembleSelect } from '../../../connectors/duckdb/select.ts';
import { compileTransformations } from '../../../connectors/duckdb/transform.ts';
import type { StreamSchema } from '../../../contracts/schema.ts';
import { contextIn, csvSource, runCsv, writeFiles } from '../../support/csv.ts';
import { openSession, temporaryFolder } from '../../support/duckdb.ts';

type Files = Readonly<Record<string, string | Uint8Array>>;

async function read(files: Files, source: Readonly<Record<string, unknown>> = {}, contract?: StreamSchema) {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, files);
  const csv = csvSource(folder.path, { path: Object.keys(files)[0], ...source }, contract);
  const run = await runCsv(csv, folder.path);
  const rejected = run.rejected.map((row) => ({ ...row, sourceFile: path.basename(row.sourceFile) }));
  return { ...run, rejected };
}

const lines = (...rows: string[]) => `${rows.join('\n')}\n`;
const TYPES = { types: { id: 'long', name: 'string', amount: 'double' } };

const MALFORMED = lines(
  'id,name,amount',
  '1,x,1.5',
  '2,"two',
  'lines",2.5',
  'bad,y,3.5',
  '',
  '4,z',
  '5,z,1,extra',
  '6,"broken" q,7',
  '7,ok,abc',
  'x,ok,abc',
  '9,last,9.5',
);

const EXPECTED = [
  { line: 5, column: 'id', reason: 'CAST', raw: 'bad,y,3.5' },
  { line: 7, column: 'amount', reason: 'TOO_FEW_COLUMNS', raw: '4,z' },
  { line: 8, column: null, reason: 'TOO_MANY_COLUMNS', raw: '5,z,1,extra' },
  { line: 9, reason: 'BROKEN_QUOTE', raw: '6,"broken" q,7' },
  { line: 10, column: 'amount', reason: 'CAST', raw: '7,ok,abc' },
  { line: 11, column: 'id', reason: 'CAST', raw: 'x,ok,abc' },
];

describe('a malformed row of a csv file', () => {
  it.each([
    ['with LF', 'a.csv', MALFORMED],
    ['with CRLF', 'a.csv', MALFORMED.replaceAll('\n', '\r\n')],
    ['with mixed line ends', 'a.csv', MALFORMED.replace('1.5\n', '1.5\r\n')],
    ['with CR', 'a.csv', MALFORMED.replaceAll('\n', '\r')],
    ['compressed by gzip', 'a.csv.gz', gzipSync(MALFORMED)],
    ['compressed by zstd', 'a.csv.zst', zstdCompressSync(MALFORMED)],
    ['with a byte order mark', 'a.csv', `\ufeff${MALFORMED}`],
    ['in UTF-16', 'a.csv', Buffer.from(`\ufeff${MALFORMED}`, 'utf16le')],
    ['without a last line end', 'a.csv', MALFORMED.trimEnd()],
  ])('is put aside with its file, line, text and reason: %s', async (_, name, content) => {
    const run = await read({ [name]: content }, TYPES);
    expect(run.rejected).toMatchObject(EXPECTED.map((row) => ({ sourceFile: name, ...row })));
    expect(run.rows.map((row) => [row['id'], row['amount']])).toEqual([
      ['1', 1.5],
      ['2', 2.5],
      ['9', 9.5],
    ]);
    expect(run.read).toBe(9);
  });

  it('with bytes that are not UTF-8 is put aside, and the others are read', async () => {
    const bytes = Buffer.concat([Buffer.from('id,name\n1,é\n2,'), Buffer.from([0xff, 0xfe]), Buffer.from('\n3,ü\n')]);
    const run = await read({ 'a.csv': bytes });
    expect(run.rows).toEqual([
      { id: '1', name: 'é' },
      { id: '3', name: 'ü' },
    ]);
    expect(run.rejected).toMatchObject([{ line: 3, column: 'name', reason: 'INVALID_ENCODING' }]);
  });

  it.each([
    ['in place', [0xff, 0xfe]],
    ['from a copy, beside a quote that is never closed', [0x22, 0xff, 0xfe]],
  ])(
    'with bytes that are not UTF-8 keeps all of its bytes, told apart from a text that looks so: %s',
    async (_, bad) => {
      const record = Buffer.concat([Buffer.from('2,C:\\xff é '), Buffer.from(bad), Buffer.from([0xc3])]);
      const quote = bad[0] === 0x22 ? Buffer.from('9,"x"y\n') : Buffer.alloc(0);
      const run = await read(
        { 'a.csv': Buffer.concat([Buffer.from('id,name\n'), quote, record, Buffer.from('\n3,C:\\xff\nx,?\n')]) },
        { types: { id: 'long' }, delimiter: ',', quote: '"' },
      );
      const broken = bad[0] === 0x22 ? '"' : '';
      expect(run.rejected.find(({ reason }) => reason === 'INVALID_ENCODING')?.raw).toBe(
        `2,C:\\\\xff é ${broken}\\xff\\xfe\\xc3`,
      );
      expect(run.rejected.find(({ reason }) => reason === 'CAST')?.raw).toBe('x,?');
      expect(run.rows).toEqual([{ id: '3', name: 'C:\\xff' }]);
    },
  );

  it('with too many columns and bytes that are not UTF-8 keeps its bytes, and the line breaks in it', async () => {
    const bytes = Buffer.concat([
      Buffer.from('id,name\n1,x\n2,"a\nb'),
      Buffer.from([0xc3]),
      Buffer.from('z",?\n3,y\n'),
    ]);
    const run = await read({ 'a.csv': bytes }, { types: { id: 'long' } });
    expect(run.rejected).toMatchObject([{ line: 3, reason: 'INVALID_ENCODING', raw: '2,"a\nb\\xc3z",?' }]);
    expect(run.rows).toHaveLength(2);
  });

  it.each([
    ['in place', 'a.csv', (text: string) => text],
    ['from gzip', 'a.csv.gz', gzipSync],
    ['from a copy', 'a.csv', (text: string) => text.replace('first\n', 'first\r\n')],
  ])(
    'with a zero byte costs itself alone where no value can hold it, and nothing where one can: %s',
    async (_, name, of) => {
      const text = lines('id,note', '1,first', '2,a\0b', '3\0,c', '4,"\0"', '5,last');
      const run = await read({ [name]: of(text) }, { types: { id: 'long' } });
      expect(run.rows.map(({ id, note }) => [id, note])).toEqual([
        ['1', 'first'],
        ['2', 'a\0b'],
        ['4', '\0'],
        ['5', 'last'],
      ]);
      expect(run.rejected).toMatchObject([{ line: 4, column: 'id', reason: 'CAST', raw: '3\0,c' }]);
    },
  );

  it('with a quote that is never closed takes no other row with it', async () => {
    const rows = Array.from({ length: 2000 }, (_, i) => `${i},name ${i}`);
    const run = await read({ 'a.csv': lines('id,name', '1,"never closed', ...rows) }, { types: { id: 'long' } });
    expect(run.rows).toHaveLength(2000);
    expect(run.rejected).toMatchObject([{ line: 2, reason: 'BROKEN_QUOTE', raw: '1,"never closed' }]);
  });

  it('that is longer than can be read is put aside with its beginning', async () => {
    const run = await read({ 'a.csv': lines('id,name', '1,x', `2,${'y'.repeat(2_100_000)}`, '3,z') });
    expect(run.rows.map((row) => row['id'])).toEqual(['1', '3']);
    expect(run.rejected).toMatchObject([{ line: 3, reason: 'LINE_TOO_LONG' }]);
    expect(run.rejected[0]?.raw).toMatch(/^2,y{100,20000}$/);
  });

  it('is counted once, however many of its values are wrong', async () => {
    const run = await read(
      { 'a.csv': lines('a,b,c', 'x,y,z', '1,2,3') },
      { types: { a: 'long', b: 'long', c: 'long' } },
    );
    expect(run.rejected).toMatchObject([{ line: 2, column: 'a', reason: 'CAST', raw: 'x,y,z' }]);
  });

  it('that stands in a file twice is put aside twice, each with its line', async () => {
    const run = await read({ 'a.csv': lines('a,b', 'x,y', '1,2', 'x,y', 'x,z') }, { types: { a: 'long' } });
    expect(run.rejected.map(({ line, raw }) => [line, raw])).toEqual([
      [2, 'x,y'],
      [4, 'x,y'],
      [5, 'x,z'],
    ]);
  });

  it('is borne up to max_bad_rows, and no further', async () => {
    const bad = (count: number) => lines('a,b', '1,2', ...Array.from({ length: count }, () => '1'));
    const types = { types: { a: 'long', b: 'long' }, max_bad_rows: 5 };
    expect((await read({ 'a.csv': bad(5) }, { ...types, delimiter: ',' })).rejected).toHaveLength(5);
    await expect(read({ 'a.csv': bad(6) }, { ...types, delimiter: ',' })).rejects.toMatchObject({
      code: 'TOO_MANY_BAD_ROWS',
    });
    const quotes = lines('a,b', '1,2', ...Array.from({ length: 6 }, () => '1,"x" y'));
    await expect(read({ 'a.csv': quotes }, { ...types, delimiter: ',' })).rejects.toMatchObject({
      code: 'TOO_MANY_BAD_ROWS',
    });
  });
});

describe('values of a csv file', () => {
  it('are exactly what they say: nothing is rounded, cut off or made null', async () => {
    const texts: Record<string, [type: string, good: string[], bad: string[]]> = {
      long: [
        'long',
        ['9223372036854775807', '-1', '1.0', ' 7 ', '+5', '007', '1e3', '15E1', '-150e-1'],
        ['1.5', '9223372036854775808', 'x', '1e-3', '15E-1', '1e-30', '1e-400', '0x10', '0B11', ' 0x1f', '1_000'],
      ],
      int: ['int', ['2147483647', '-2147483648'], ['2147483648', '0.1', '5E-1', '1_0']],
      decimal: [
        'decimal(6, 2)',
        ['1234.50', '1.500', '-0.01', '5', '.5', '1.', '5E-2', ' +1.5 '],
        ['1.005', '12345.6', 'x', '1e-9', '5E-3', '1e-30', '1_000', '1.5_5', '0x10'],
      ],
      date: [
        'date',
        ['2024-02-29', '2024-02-29 00:00:00'],
        ['2024-02-30', '2024-02-29 10:00:00', '2024-01-01x', 'infinity', '10000-01-01'],
      ],
      time: [
        'time',
        ['23:59:59.999999', '1:02:03', '10:00:00.1234560'],
        ['25:00:00', '24:00:00', '24:00:00.0', '99999-01-01', '10:00:00+02', '10:00:00.1234567'],
      ],
      timestamp: [
        'timestamp',
        ['2024-02-29T12:00:00', '2024-01-01', '2024-1-1 1:02:03', '2024-02-29 12:00:00.1234560'],
        [
          '2024-02-29 12:00:00+02',
          '2024-02-29 12:00:00+02:00:00',
          '2024-2-9 1:2:3+02',
          '2024-02-29T12:00:00Z',
          '2024-02-29 12:00:00 UTC',
          '2024-02-29 12:00:00 Europe/Berlin',
          '2024-02-29 12:00:00.1234567',
          'now?',
          'infinity',
        ],
      ],
      timestamptz: [
        'timestamptz',
        ['2024-02-29T12:00:00+02', '2024-02-29 10:00:00Z', '2024-02-29 10:00:00.1234560Z'],
        ['garbage', '2024-02-30 00:00:00Z', '2024-02-29 10:00:00.1234567Z', '2024-2-9 1:2:3.0000001'],
      ],
      uuid: ['uuid', ['6ba7b810-9dad-11d1-80b4-00c04fd430c8'], ['6ba7b810']],
      boolean: ['boolean', ['true', 'FALSE'], ['maybe', '2']],
      double: ['double', ['1.5', 'NaN', 'inf', '-Infinity', '-1e300'], ['1.5.5', 'x', '1e400', '-1e400', '1_000']],
      float: ['float', ['1.5', 'INF', '3.4e38'], ['3.5e38', '0x10']],
    };
    for (const [type, good, bad] of Object.values(texts)) {
      const content = lines('v,w', ...[...good, ...bad].map((text) => `${text},x`));
      const run = await read({ 'a.csv': content }, { types: { v: type }, null_strings: [''] });
      expect([type, run.rejected.map(({ raw }) => raw.slice(0, -2))]).toEqual([type, bad]);
      expect(run.rows.filter((row) => row['v'] === null)).toEqual([]);
      expect(run.rows).toHaveLength(good.length);
    }
  });

  it('tell an empty text from none, and null texts by their quotes', async () => {
    const content = lines('n,s', '1,""', '2,', 'NA,NA', '"NA","NA"', '"",x', '"5",""""');
    const run = await read({ 'a.csv': content });
    expect(run.rows).toEqual([
      { n: '1', s: '' },
      { n: '2', s: null },
      // A token that a column of numbers needs is somebody's country in a column of text.
      { n: null, s: 'NA' },
      { n: null, s: 'NA' },
      { n: null, s: 'x' },
      { n: '5', s: '"' },
    ]);
    expect(run.rejected).toEqual([]);
  });

  it('mean null where the job says so, and nowhere else', async () => {
    const run = await read({ 'a.csv': lines('a,b', '-,', 'x,y') }, { null_strings: ['-'] });
    expect(run.rows).toEqual([
      { a: null, b: '' },
      { a: 'x', b: 'y' },
    ]);
    expect((await read({ 'a.csv': lines('a,b', ',x') }, { null_strings: [] })).rows).toEqual([{ a: '', b: 'x' }]);
  });

  it('are read from JSON and from bytes where the contract has nested and binary columns', async () => {
    const contract: StreamSchema = {
      columns: [
        { name: 'tags', type: { type: 'map', key: 'string', value: 'string', valueRequired: false }, required: false },
        {
          name: 'point',
          type: { type: 'struct', fields: [{ name: 'x', type: 'int', required: false }] },
          required: false,
        },
        { name: 'days', type: { type: 'list', element: 'date', elementRequired: false }, required: false },
        { name: 'data', type: 'binary', required: false },
      ],
      primaryKey: [],
    };
    const run = await read(
      { 'a.csv': lines('tags;point;days;data', `{"a":"b"};{"x":1};["2024-01-01"];0xff00`, ';;;/w8=', '{;;;', ';;;%%') },
      { delimiter: ';' },
      contract,
    );
    expect(run.rows).toEqual([
      { tags: [{ key: 'a', value: 'b' }], point: { x: 1 }, days: ['2024-01-01'], data: '\\xFF\\x00' },
      { tags: null, point: null, days: null, data: '\\xFF\\x0F' },
    ]);
    expect(run.rejected).toMatchObject([
      { line: 4, column: 'tags', raw: '{;;;' },
      { line: 5, column: 'data', raw: ';;;%%' },
    ]);
  });

  it('are found by name in files whose columns differ', async () => {
    const run = await read(
      {
        '1.csv': lines('a,b', '1,x'),
        '2.csv': lines('b,a', 'y,2'),
        '3.csv.gz': gzipSync(lines('a,c', '3,z', 'bad,w')),
      },
      { path: '*.csv*', types: { a: 'long' } },
    );
    expect(run.chunks).toBe(1);
    expect(run.rows.toSorted((one, two) => Number(one['a']) - Number(two['a']))).toEqual([
      { a: '1', b: 'x', c: null },
      { a: '2', b: 'y', c: null },
      { a: '3', b: null, c: 'z' },
    ]);
    expect(run.rejected).toMatchObject([{ sourceFile: '3.csv.gz', line: 3, column: 'a', raw: 'bad,w' }]);
  });

  it('are read from files whose names look like globs, and folders that look like partitions', async () => {
    const content = lines('a,key', '1,x', 'bad,y');
    const run = await read(
      { 'key=value/a[1]*{b}?.csv': content, 'key=value/b.csv': content },
      { path: 'key=value/*.csv', types: { a: 'long' } },
    );
    expect(run.rows).toEqual([
      { a: '1', key: 'x' },
      { a: '1', key: 'x' },
    ]);
    expect(run.rejected.map(({ sourceFile, line }) => [sourceFile, line]).sort()).toEqual([
      ['a[1]*{b}?.csv', 3],
      ['b.csv', 3],
    ]);
  });

  it('of one column may be blank lines, which are nulls', async () => {
    const run = await read({ 'a.csv': 'v\n1\n\n3\n' });
    expect(run.rows).toEqual([{ v: '1' }, { v: null }, { v: '3' }]);
  });

  it('may be divided by several characters', async () => {
    const run = await read({ 'a.csv': lines('a||b', '1||"x||y"', '2||z') }, { delimiter: '||' });
    expect(run.rows).toEqual([
      { a: '1', b: 'x||y' },
      { a: '2', b: 'z' },
    ]);
  });

  it('may be quoted and escaped by other characters', async () => {
    const run = await read({
      'a.csv': String.raw`a,b
1,"x \" y, z"
2,"\""
3,plain
`,
    });
    expect(run.rows.map((row) => row['b'])).toEqual(['x " y, z', '"', 'plain']);
  });
});

describe('reading a chunk', () => {
  it('fails when a file changed after the plan, before or while it is read', async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, { 'a.csv': lines('a,b', '1,2') });
    const source = csvSource(folder.path, { path: 'a.csv' });
    const context = contextIn(folder.path);
    const { schema } = await source.describe('orders', context);
    const plan = await source.plan(
      { object: 'orders', schema, checkpoint: undefined, options: { mode: 'incremental' } },
      context,
    );
    const [chunk] = plan.chunks;
    if (!chunk) throw new Error('no chunk');
    await using session = await openSession();
    const relation = await source.read('orders', schema, chunk, session, context);
    const transformations = await compileTransformations([], schema.columns, session);
    const select = assembleSelect({ relation, schema, transformations, target: schema.columns, maxBadRows: 0 });
    using gate = select.gate;
    gate.register(session);
    await session.rows(select.sql);
    await appendFile(path.join(folder.path, 'a.csv'), '3,4\n');
    await expect(relation.finish(10, gate.counts().read)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    await expect(source.read('orders', schema, chunk, session, context)).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
    });
  });

  it('fails, to be tried again another way, when the rows are not as many as the file holds', async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, { 'a.csv': lines('a,b', '1,2', '3,4') });
    const source = csvSource(folder.path, { path: 'a.csv' });
    const context = contextIn(folder.path);
    const { schema } = await source.describe('orders', context);
    const plan = await source.plan(
      { object: 'orders', schema, checkpoint: undefined, options: { mode: 'incremental' } },
      context,
    );
    const [chunk] = plan.chunks;
    if (!chunk) throw new Error('no chunk');
    await using session = await openSession();
    const relation = await source.read('orders', schema, chunk, session, context);
    await session.rows(relation.sql);
    await expect(relation.finish(10, 1)).rejects.toMatchObject({ code: 'SOURCE_MISCOUNTED', kind: 'transient' });
  });

  it('gives the same rows at every attempt', async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, { 'a.csv': MALFORMED });
    const source = csvSource(folder.path, { path: 'a.csv', ...TYPES });
    const first = await runCsv(source, folder.path);
    expect(await runCsv(source, folder.path, { attempt: 2 })).toEqual(first);
    expect(await runCsv(source, folder.path, { attempt: 3, threads: 1 })).toEqual(first);
  });

  it('touches no file: a time that changed by itself changes nothing', async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, { 'a.csv': lines('a,b', '1,2') });
    const source = csvSource(folder.path, { path: 'a.csv' });
    const { checkpoint } = await runCsv(source, folder.path);
    await utimes(path.join(folder.path, 'a.csv'), new Date(), new Date(0));
    const again = await runCsv(source, folder.path, { checkpoint });
    expect([again.chunks, again.unchanged]).toEqual([0, 1]);
    await writeFile(path.join(folder.path, 'a.csv'), lines('a,b', '1,3'));
    expect((await runCsv(source, folder.path, { checkpoint })).rows).toEqual([{ a: '1', b: '3' }]);
  });
});
