import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../connectors/connector.ts';
import { MAX_BOUNDARY_ROWS } from '../../../connectors/csv/boundary.ts';
import { csvSource, runCsv, writeFiles } from '../../support/csv.ts';
import { temporaryFolder } from '../../support/duckdb.ts';

const HEADER = 'id,day';
const text = (...rows: string[]) => `${[HEADER, ...rows].join('\n')}\n`;
const SOURCE = {
  path: '*.csv',
  types: { id: 'long', day: 'date' },
  incremental: { strategy: 'updated_after', cursor_field: 'day' },
};

/** One run after the other over files that are written before each; the ids that each of them brings. */
async function runs(...steps: readonly Readonly<Record<string, string>>[]) {
  await using folder = await temporaryFolder();
  const source = csvSource(folder.path, SOURCE);
  let checkpoint: Checkpoint | undefined;
  const seen = [];
  for (const files of steps) {
    await writeFiles(folder.path, files);
    const run = await runCsv(source, folder.path, checkpoint === undefined ? {} : { checkpoint });
    checkpoint = run.checkpoint;
    seen.push({ ids: run.rows.map(({ id }) => Number(id)).sort((a, b) => a - b), skipped: run.skipped });
  }
  return seen;
}

describe('a run that follows a cursor', () => {
  it('brings in rows at the highest cursor of files that it has never read', async () => {
    const [, second] = await runs(
      { 'a.csv': text('1,2024-01-01', '2,2024-01-02') },
      { 'b.csv': text('3,2024-01-01', '4,2024-01-02', '5,2024-01-03') },
    );
    expect(second).toEqual({ ids: [4, 5], skipped: { incremental: 1 } });
  });

  it('brings in rows that a file it has read has gained at the highest cursor, and none twice', async () => {
    const rows = ['1,2024-01-01', '2,2024-01-02', '3,2024-01-02'];
    const [, second, third] = await runs(
      { 'a.csv': text(...rows) },
      { 'a.csv': text('4,2024-01-02', ...rows.toReversed()) },
      { 'a.csv': text('5,2024-01-02', '4,2024-01-02', ...rows) },
    );
    expect(second).toEqual({ ids: [4], skipped: { incremental: 3 } });
    expect(third).toEqual({ ids: [5], skipped: { incremental: 4 } });
  });

  it('brings in no row twice that stands at the highest cursor of one file after the other', async () => {
    const [, second] = await runs(
      { 'monday.csv': text('1,2024-01-01', '2,2024-01-02') },
      { 'tuesday.csv': 'day,id,note\n2024-01-01,1,\n2024-01-02,2,\n2024-01-03,3,new\n' },
    );
    expect(second).toEqual({ ids: [3], skipped: { incremental: 2 } });
  });

  it('leaves out rows without a cursor in the first run as in any other, under a rule of their own', async () => {
    const rows = ['1,2024-01-01', '2,', '3,NA'];
    const [first, second] = await runs({ 'a.csv': text(...rows) }, { 'a.csv': text(...rows, '5,', '6,2024-01-05') });
    expect(first).toEqual({ ids: [1], skipped: { null_cursor: 2 } });
    expect(second).toEqual({ ids: [6], skipped: { incremental: 1, null_cursor: 3 } });
  });

  it('tells rows apart by their files where too many have the highest cursor to be remembered', async () => {
    const many = Array.from({ length: MAX_BOUNDARY_ROWS + 1 }, (_, id) => `${id},2024-01-02`);
    const [, second, third] = await runs(
      { 'a.csv': text('-1,2024-01-01', ...many) },
      { 'a.csv': text(...many, '20000,2024-01-02', '20001,2024-01-03'), 'b.csv': text('30000,2024-01-02') },
      { 'b.csv': text('30000,2024-01-02', '30001,2024-01-03') },
    );
    expect(second).toEqual({ ids: [20001, 30000], skipped: { same_cursor: many.length + 1 } });
    expect(third).toEqual({ ids: [30001], skipped: { incremental: 1 } });
  });

  it('brings in every row once, but for those that come late, whatever is written and when', async () => {
    const file = fc.constantFrom('a.csv', 'b.csv', 'c.csv');
    const step = fc.array(fc.tuple(file, fc.integer({ min: 1, max: 4 })), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), fc.boolean(), async (steps, atTheEnd) => {
        const files: Record<string, string[]> = {};
        const states: Record<string, string>[] = [];
        const expected: number[][] = [];
        let highest = 0;
        let id = 0;
        for (const added of [[['a.csv', 1] as const], ...steps]) {
          const onTime = [];
          for (const [name, day] of added) {
            if (day >= highest) onTime.push({ id: ++id, day });
            else id++;
            const rows = files[name] ?? [];
            const row = `${id},2024-01-0${day}`;
            files[name] = atTheEnd ? [...rows, row] : [row, ...rows];
          }
          highest = Math.max(highest, ...onTime.map(({ day }) => day));
          expected.push(onTime.map((row) => row.id));
          states.push(Object.fromEntries(Object.entries(files).map(([name, rows]) => [name, text(...rows)])));
        }
        const seen = await runs(...states);
        expect(seen.map(({ ids }) => ids)).toEqual(expected);
      }),
      { numRuns: 10 },
    );
  }, 120_000);
});
