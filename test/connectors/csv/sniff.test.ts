import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inferType, NULL_TOKENS } from '../../../connectors/csv/infer-type.ts';
import { castTo } from '../../../connectors/duckdb/cast.ts';
import { literal } from '../../../connectors/duckdb/sql.ts';
import type { StreamSchema } from '../../../contracts/schema.ts';
import { typeName } from '../../../contracts/schema.ts';
import { contextIn, csvSource, writeFiles } from '../../support/csv.ts';
import { openSession, temporaryFolder } from '../../support/duckdb.ts';

async function described(
  files: Readonly<Record<string, string | Uint8Array>>,
  source: Readonly<Record<string, unknown>> = {},
  contract?: StreamSchema,
) {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, files);
  const path = source['path'] ?? Object.keys(files)[0];
  const csv = csvSource(folder.path, { ...source, path }, contract);
  const { schema, notes } = await csv.describe('orders', contextIn(folder.path));
  const types = Object.fromEntries(schema.columns.map(({ name, type }) => [name, typeName(type)]));
  return { types, notes: notes.map((note) => note.replaceAll(folder.path, '')), columns: schema.columns };
}

const lines = (...rows: string[]) => `${rows.join('\n')}\n`;

describe('the sample of a csv source', () => {
  it.each([
    [',', lines('a,b,c', '1,2,3', '4,5,6')],
    [';', lines('a;b;c', '1,5;2;3', '4;5,25;6')],
    ['\t', lines('a\tb\tc', '1\tx, y\t3', '4\tz\t6')],
    ['|', lines('a|b|c', '1|2|3', '4|5|6')],
  ])('shows the delimiter %j', async (delimiter, text) => {
    const { notes, types } = await described({ 'a.csv': text });
    expect(notes).toContain(`delimiter: ${JSON.stringify(delimiter)}`);
    expect(Object.keys(types)).toEqual(['a', 'b', 'c']);
  });

  it('shows the quote and escape that are used', async () => {
    expect((await described({ 'a.csv': lines('a,b', "'x, y',1", "'z',2") })).notes).toContain(`quote: "'"`);
    const escaped = await described({ 'a.csv': lines('a,b', '"x \\", y",1', '"z",2', '"\\"",3') });
    expect(escaped.notes).toContain('escape: "\\\\"');
  });

  it.each([
    ['long', ['1', '-20', '+3', '0']],
    ['double', ['1', '2.5', '-.5', '1e5']],
    ['boolean', ['true', 'FALSE', 'True']],
    ['date', ['2024-02-29', '0001-01-01', '9999-12-31']],
    ['time', ['23:59:59', '00:00:00.123456']],
    ['timestamp', ['2024-02-29 12:00:00', '2024-02-29T12:00:00.5', '2024-01-01']],
    ['timestamptz', ['2024-02-29T12:00:00Z', '2024-02-29 12:00:00+02', '2024-02-29 12:00:00.123-05:30']],
    ['uuid', ['6ba7b810-9dad-11d1-80b4-00c04fd430c8', '6BA7B811-9DAD-11D1-80B4-00C04FD430C8']],
    ['string', ['02134', '10115']],
    ['string', ['2024-02-30', '2024-01-01']],
    ['string', ['12345678901234567890123', '1']],
    ['string', ['1', '2', 'three']],
  ])('finds the type %s', async (type, texts) => {
    const { types } = await described({ 'a.csv': lines('v,w', ...texts.map((text) => `${text},x`)) });
    expect(types['v']).toBe(type);
  });

  it('believes no type whose values DuckDB does not take', async () => {
    await using session = await openSession();
    const number = fc
      .tuple(
        fc.constantFrom('', '+', '-'),
        fc.integer({ min: 0 }),
        fc.constantFrom('', '.', '.5', 'e3', 'e-3', '.25e1'),
      )
      .map((parts) => parts.join(''));
    const date = fc
      .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
      .map((d) => d.toISOString().slice(0, 10));
    const time = fc
      .tuple(
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        fc.constantFrom('', ':07', ':59.5', ':00.123456'),
      )
      .map(([h, m, s]) => `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}${s}`);
    const moment = fc
      .tuple(date, fc.constantFrom(' ', 'T'), time, fc.constantFrom('', 'Z', '+02', '-0530', '+05:30'))
      .map((parts) => parts.join(''));
    const text = fc
      .tuple(
        fc.constantFrom('', ' '),
        fc.oneof(number, date, time, moment, fc.uuid(), fc.boolean().map(String)),
        fc.constantFrom('', ' '),
      )
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 20, maxLength: 20 }), async (texts) => {
        const casts = texts.flatMap((one, index) => {
          const { type } = inferType([one], []);
          return type === 'string' ? [] : [`${castTo(literal(one), 'string', type).sql} IS NULL AS "${index}"`];
        });
        if (casts.length === 0) return;
        const [row] = await session.rows(`SELECT ${casts.join(', ')}`);
        const refused = Object.entries(row ?? {}).filter(([, isNull]) => isNull === true);
        expect(refused.map(([index]) => texts[Number(index)])).toEqual([]);
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  it('takes a token for null where a column would be text without it', async () => {
    const { types, notes } = await described({ 'a.csv': lines('n,name', '1,x', 'NA,y', '3,z') });
    expect(types).toEqual({ n: 'long', name: 'string' });
    expect(notes).toContain('null strings: "", "NA"');
    for (const token of NULL_TOKENS) expect(inferType(['1', token], NULL_TOKENS).type).toBe('long');
  });

  it('leaves a token alone where no column is the better for it', async () => {
    const { notes } = await described({ 'a.csv': lines('country,name', 'NA,Namibia', 'DE,Germany') });
    expect(notes).toContain('null strings: ""');
  });

  it('keeps the type of a column in spite of one malformed value in two hundred, and says so', async () => {
    const values = Array.from({ length: 400 }, (_, i) => `${i},x`);
    const one = await described({ 'a.csv': lines('n,s', ...values, 'oops,x') });
    expect(one.types['n']).toBe('long');
    expect(one.notes.at(-1)).toBe('column n: 1 of 401 sampled values are no long and go to quarantine');
    const many = await described({ 'a.csv': lines('n,s', ...values, 'A1,x', 'A2,x', 'A3,x') });
    expect(many.types['n']).toBe('string');
  });

  it('says which column became text by some of its values, how many fit what, and what to write', async () => {
    const values = Array.from({ length: 97 }, (_, i) => `${i}.5,free text ${i}`);
    const text = lines('amount,note', ...values, 'unknown,x', 'n.n.,y', '?!,z');
    const note =
      'column amount: read as string, though 97 % of 100 sampled values are double; ' +
      'write source.types: { amount: double } to force it, which puts rows with other values into quarantine';
    const { types, notes } = await described({ 'a.csv': text });
    expect([types['amount'], notes]).toEqual(['string', expect.arrayContaining([note])]);
    expect(notes.filter((one) => one.startsWith('column'))).toEqual([note]);
    for (const type of ['string', 'double']) {
      expect((await described({ 'a.csv': text }, { types: { amount: type } })).notes.join()).not.toContain('amount');
    }
  });

  it('says when the first line could be names or values, until the job says which', async () => {
    const text = lines('john,berlin', 'mary,paris', 'anna,rome');
    const note = 'first line taken as header, though it may be data; set source.header to be sure';
    expect((await described({ 'a.csv': text })).notes).toContain(note);
    for (const header of [true, false]) {
      expect((await described({ 'a.csv': text }, { header })).notes.join()).not.toContain('first line');
    }
  });

  it('lets the job decide, and the contract before it', async () => {
    const contract: StreamSchema = { columns: [{ name: 'a', type: 'decimal(10, 2)', required: true }], primaryKey: [] };
    const { types } = await described(
      { 'a.csv': lines('a,b,c', '1,2,3') },
      { types: { a: 'string', b: 'string' }, null_strings: ['-'] },
      contract,
    );
    expect(types).toEqual({ a: 'decimal(10, 2)', b: 'string', c: 'long' });
  });

  it('knows a header from a first row', async () => {
    expect((await described({ 'a.csv': lines('1,x', '2,y') })).types).toEqual({ column_1: 'long', column_2: 'string' });
    expect((await described({ 'a.csv': lines('2023,2024', '1,2') }, { header: true })).types).toEqual({
      2023: 'long',
      2024: 'long',
    });
    const contract: StreamSchema = {
      columns: [
        { name: 'id', type: 'int', required: false },
        { name: 'name', type: 'string', required: false },
      ],
      primaryKey: [],
    };
    expect((await described({ 'a.csv': lines('1,x') }, { header: false }, contract)).types).toEqual({
      id: 'int',
      name: 'string',
    });
  });

  it('gives a column without a name its place as name', async () => {
    expect((await described({ 'a.csv': lines(',a', '1,2') })).types).toEqual({ column_1: 'long', a: 'long' });
  });

  it.each([
    ['utf-8', Buffer.from('\ufeffname,n\nJosé,1\n')],
    ['utf-16le', Buffer.from('\ufeffname,n\nJosé,1\n', 'utf16le')],
    ['utf-16be', Buffer.from('\ufeffname,n\nJosé,1\n', 'utf16le').swap16()],
    ['utf-16le', Buffer.from('name,n\nJose,1\n', 'utf16le')],
    ['latin-1', Buffer.from('name,n\nJosé,1\nZoë,2\nRené,3\n', 'latin1')],
  ])('shows the encoding %s', async (encoding, bytes) => {
    const { notes, types } = await described({ 'a.csv': bytes });
    expect(notes).toContain(`encoding: ${encoding}`);
    expect(types).toEqual({ name: 'string', n: 'long' });
  });

  it('does not take a few malformed lines for another encoding', async () => {
    const rows = Array.from({ length: 300 }, (_, i) => `${i},é`);
    const bytes = Buffer.concat([Buffer.from(lines('n,s', ...rows)), Buffer.from([0x31, 0x2c, 0xff, 0x0a])]);
    expect((await described({ 'a.csv': bytes })).notes).toContain('encoding: utf-8');
  });

  it('knows gzip and zstd by their bytes, whatever the name', async () => {
    const text = lines('a,b', '1,2');
    expect((await described({ 'a.csv': gzipSync(text) })).notes).toContain('compression: gzip');
    expect((await described({ 'a.csv.gz': zstdCompressSync(text) })).notes).toContain('compression: zstd');
  });

  it('looks at several files and gives the columns of all of them', async () => {
    const { types, notes } = await described(
      {
        '1.csv': lines('a,b', '1,2'),
        '2.csv': lines('b,a', '2.5,1'),
        '3.csv': lines('a,c', '1,x'),
      },
      { path: '*.csv' },
    );
    expect(types).toEqual({ a: 'long', b: 'double', c: 'string' });
    expect(notes).toContain('header of /2.csv: has its columns in another order');
    expect(notes).toContain('header of /3.csv: lacks b; adds c');
  });
});

describe('a csv source refuses, in one sentence that says what to do,', () => {
  const cases: [string, string, Record<string, string | Uint8Array>, Record<string, unknown>][] = [
    ['a missing file', 'SOURCE_NOT_FOUND', { 'a.csv': 'a,b\n1,2\n' }, { path: 'b.csv' }],
    ['a glob without a match', 'SOURCE_NOT_FOUND', { 'a.csv': 'a,b\n1,2\n' }, { path: '*.tsv' }],
    ['an empty file', 'SOURCE_EMPTY', { 'a.csv': '' }, {}],
    ['a file of blank lines', 'SOURCE_EMPTY', { 'a.csv': '\n\n  \n' }, {}],
    ['a header only', 'SOURCE_EMPTY', { 'a.csv': 'a,b\n' }, {}],
    ['two columns of one name', 'DUPLICATE_COLUMN', { 'a.csv': 'a,b,a\n1,2,3\n' }, {}],
    ['two columns that differ in case', 'DUPLICATE_COLUMN', { 'a.csv': 'ID,b,id\n1,2,3\n' }, {}],
    [
      'two files that differ in case',
      'DUPLICATE_COLUMN',
      { '1.csv': 'ID,b\n1,2\n', '2.csv': 'id,b\n1,2\n' },
      { path: '*.csv' },
    ],
    ['a binary file', 'SOURCE_NOT_CSV', { 'a.csv': Buffer.from('a,b\n1,\0\0\0\0,2\n\x01\x02') }, {}],
    ['JSON', 'SOURCE_NOT_CSV', { 'a.csv': '{"a": 1}\n{"a": 2}\n' }, {}],
    ['HTML', 'SOURCE_NOT_CSV', { 'a.csv': '<!doctype html>\n<html>\n<body>not found</body>\n' }, {}],
    [
      'prose',
      'SOURCE_NOT_CSV',
      { 'a.csv': 'Dear all,\nthis, I think, is no table, but a letter.\nRegards\nA, B, C and D, E\nPS: one, two\n' },
      {},
    ],
    ['a damaged gzip file', 'SOURCE_UNREADABLE', { 'a.csv.gz': gzipSync('a,b\n'.repeat(1000)).subarray(0, 20) }, {}],
  ];
  it.each(cases)('%s', async (_, code, files, source) => {
    const work = described(files, source);
    await expect(work).rejects.toMatchObject({ code });
    await expect(work).rejects.toThrow(/; expected .+; .+\.$/);
  });

  it.each([
    ['a zip archive', Buffer.from('504b0304140000000800', 'hex'), {}, 'unpack it'],
    ['an Excel workbook', Buffer.from('PK\x03\x04\x14\0\x06\0\x08\0[Content_Types].xml'), {}, 'save the sheet as CSV'],
    ['a Parquet file', Buffer.from('PAR1\x15\x04\x15'), {}, 'convert this one'],
    ['an ORC file', Buffer.from('ORC\x15\x04\x15'), {}, 'convert this one'],
    ['a bzip2 archive', Buffer.from('425a68393141592653590000', 'hex'), {}, 'unpack it'],
    [
      'a tar archive',
      Buffer.concat([Buffer.from('a.csv'.padEnd(257, '\0')), Buffer.from('ustar\x0000')]),
      {},
      'unpack it',
    ],
    ['compressed by gzip', gzipSync('a,b\n1,2\n'), { compression: 'none' }, 'source.compression: gzip'],
    ['compressed by zstd', zstdCompressSync('a,b\n1,2\n'), { compression: 'none' }, 'source.compression: zstd'],
    ['compressed twice', gzipSync(gzipSync('a,b\n1,2\n')), {}, 'compress it once'],
    ['UTF-16', Buffer.from(lines('名前,市', '太郎,東京', '花子,大阪'), 'utf16le'), {}, 'source.encoding: utf-16'],
    [
      'UTF-16',
      Buffer.from(lines('名前,市', '太郎,東京', '花子,大阪'), 'utf16le').swap16(),
      {},
      'source.encoding: utf-16',
    ],
    [
      'binary file',
      Buffer.from(Array.from({ length: 3000 }, (_, at) => (at * 7919 + (at >> 3) * 31) % 256)),
      {},
      'convert',
    ],
    ['zero byte in the names', Buffer.from('a\0,b\n1,2\n3,4\n'), { delimiter: ',', header: true }, 'name a CSV file'],
  ])('%s, and names it', async (kind, bytes, source, advice) => {
    const work = described({ 'data.csv': bytes }, source);
    await expect(work).rejects.toMatchObject({ code: 'SOURCE_NOT_CSV' });
    await expect(work).rejects.toThrow(kind);
    await expect(work).rejects.toThrow(advice);
  });

  it('no text that begins with the letters of another kind, and no UTF-16 that it is told of', async () => {
    expect((await described({ 'a.csv': lines('ORCID,n', 'x,1', 'y,2') })).types).toEqual({
      ORCID: 'string',
      n: 'long',
    });
    const utf16 = Buffer.from(lines('名前,n', '太郎,1', '花子,2'), 'utf16le');
    expect((await described({ 'a.csv': utf16 }, { encoding: 'utf-16' })).types).toEqual({ 名前: 'string', n: 'long' });
  });

  it('a source without a path', async () => {
    await expect(csvSource('/', {}).check(contextIn('/'))).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });

  it('accepts a header only when the contract or the job types every column', async () => {
    const contract: StreamSchema = { columns: [{ name: 'a', type: 'int', required: false }], primaryKey: [] };
    const { types } = await described({ 'a.csv': 'a,b\n' }, { types: { b: 'date' } }, contract);
    expect(types).toEqual({ a: 'int', b: 'date' });
  });
});
