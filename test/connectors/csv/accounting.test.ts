import { open } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assembleSelect } from '../../../connectors/duckdb/select.ts';
import { compileTransformations } from '../../../connectors/duckdb/transform.ts';
import { contextIn, csvSource, runCsv, writeFiles } from '../../support/csv.ts';
import { openSession, temporaryFolder } from '../../support/duckdb.ts';

/** One row as it is written into a file, and what has to become of it. */
interface PlantedRow {
  readonly text: string;
  readonly expected: { readonly name: string | null; readonly n: string | null } | string;
}

const SAFE = fc.string({ unit: fc.constantFrom('a', 'é', ' ', "'", '\\', 'x', '€', '😀', '#', '-'), maxLength: 8 });
const NAMES = fc.oneof(
  SAFE.map((text) => ({ text: text.trim() === '' ? 'v' : text, value: text.trim() === '' ? 'v' : text })),
  fc.constant({ text: '', value: null }),
  fc
    .string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', '1,2,3\n', 'é'), maxLength: 10 })
    .map((value) => ({ text: `"${value.replaceAll('"', '""')}"`, value })),
);

const good = fc.tuple(NAMES, fc.option(fc.integer())).map(
  ([name, n]): PlantedRow => ({
    text: `${name.text},${n ?? ''},end`,
    expected: { name: name.value, n: n === null ? null : String(n) },
  }),
);
const bad = fc.tuple(NAMES, fc.integer({ min: 0, max: 5 })).map(([{ text }, kind]): PlantedRow => {
  switch (kind) {
    case 0:
      return { text: `${text},1`, expected: 'TOO_FEW_COLUMNS' };
    case 1:
      return { text: `${text},1,end,more`, expected: 'TOO_MANY_COLUMNS' };
    case 2:
      return { text: `${text},one,end`, expected: 'CAST' };
    case 3:
      return { text: `"x"y,1,end`, expected: 'BROKEN_QUOTE' };
    case 4:
      return { text: `${text},1.5,end`, expected: 'CAST' };
    default:
      return { text: `"never closed,1,end`, expected: 'BROKEN_QUOTE' };
  }
});

/** The last row of a file may not be an unclosed quote that a later quote would close. */
function plausible(rows: readonly PlantedRow[]): boolean {
  const unclosed = rows.findIndex(({ text }) => text === '"never closed,1,end');
  return unclosed < 0 || !rows.slice(unclosed + 1).some(({ text }) => text.includes('"'));
}

describe('every record of a csv file', () => {
  it('is read or put aside once, with its line, whatever the file looks like', async () => {
    const file = fc.record({
      rows: fc
        .array(fc.oneof({ weight: 4, arbitrary: good }, { weight: 1, arbitrary: bad }), { maxLength: 60 })
        .filter(plausible),
      lineEnd: fc.constantFrom('\n', '\r\n'),
      blankLines: fc.boolean(),
      mark: fc.boolean(),
      storage: fc.constantFrom('plain', 'gzip', 'zstd', 'utf-16'),
      lastLineEnd: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(file, fc.integer({ min: 1, max: 3 }), async (form, attempt) => {
        await using folder = await temporaryFolder();
        const planted: { line: number; reason: string }[] = [];
        let text = `name,n,end${form.lineEnd}`;
        form.rows.forEach(({ text: row, expected }, index) => {
          if (form.blankLines && index % 3 === 0) text += form.lineEnd;
          if (typeof expected === 'string') planted.push({ line: text.split('\n').length, reason: expected });
          text += row + (index + 1 < form.rows.length || form.lastLineEnd ? form.lineEnd : '');
        });
        const marked = `${form.mark || form.storage === 'utf-16' ? '\ufeff' : ''}${text}`;
        const stored = {
          plain: Buffer.from(marked),
          gzip: gzipSync(marked),
          zstd: zstdCompressSync(marked),
          'utf-16': Buffer.from(marked, 'utf16le'),
        };
        await writeFiles(folder.path, { 'a.csv': stored[form.storage] ?? '' });
        const types = { name: 'string', n: 'long', end: 'string' };
        const given = {
          path: 'a.csv',
          types,
          delimiter: ',',
          quote: '"',
          escape: '"',
          header: true,
          null_strings: [''],
        };
        const run = await runCsv(csvSource(folder.path, given), folder.path, { attempt });

        expect(run.rejected.map(({ line, reason }) => ({ line, reason }))).toEqual(planted);
        const kept = form.rows.flatMap(({ expected }) => (typeof expected === 'string' ? [] : [expected]));
        expect(run.rows.map(({ name, n }) => ({ name, n }))).toEqual(kept);
        expect(run.read).toBe(form.rows.length);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('is accounted for even where the parallel reader loses or invents some: the attempt fails, the next is right', async () => {
    await using folder = await temporaryFolder();
    const rows = await writeTreacherousFile(path.join(folder.path, 'a.csv'));
    const source = csvSource(folder.path, { path: 'a.csv', types: { id: 'long', amount: 'double' } });
    const countRows = async (attempt: number) => {
      const context = contextIn(folder.path, attempt);
      const { schema } = await source.describe('orders', context);
      const plan = await source.plan(
        { object: 'orders', schema, checkpoint: undefined, options: { mode: 'incremental' } },
        context,
      );
      const [chunk] = plan.chunks;
      if (!chunk) throw new Error('no chunk');
      await using session = await openSession(context.signal, { threads: 4 });
      const relation = await source.read('orders', schema, chunk, session, context);
      const transformations = await compileTransformations([], schema.columns, session);
      const select = assembleSelect({ relation, schema, transformations, target: schema.columns, maxBadRows: 1000 });
      using gate = select.gate;
      gate.register(session);
      const [counted] = await gate.watch(() =>
        session.rows(`SELECT count(id)::INT AS ids, count(DISTINCT id)::INT AS kinds FROM (${select.sql})`),
      );
      const { count } = await relation.finish(1000, gate.counts().read);
      return { ...counted, rejected: count + gate.counts().violated };
    };
    await expect(countRows(1)).rejects.toMatchObject({ code: 'SOURCE_MISCOUNTED' });
    expect(await countRows(2)).toEqual({ ids: rows, kinds: rows, rejected: 0 });
  }, 60_000);
});

/**
 * About 72 MB in which quoted values full of lines that look like rows lie wherever DuckDB divides a file among its
 * threads (every 8,000,000 bytes). Gives the number of rows.
 */
async function writeTreacherousFile(name: string): Promise<number> {
  await using file = await open(name, 'w');
  const decoy = '9,fake,1.5\n'.repeat(2000);
  let position = 0;
  let rows = 0;
  let batch = 'id,name,amount\n';
  while (position < 72_000_000) {
    const place = (position + batch.length) % 8_000_000;
    rows++;
    batch += place > 7_990_000 ? `${rows},"\n${decoy}",1.5\n` : `${rows},plain text of row ${rows},${rows}.5\n`;
    if (batch.length > 1_000_000 || place > 7_950_000) {
      await file.write(batch);
      position += batch.length;
      batch = '';
    }
  }
  await file.write(batch);
  return rows;
}
