import { rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCheckpoint, stateOf } from '../../../connectors/csv/checkpoint.ts';
import { planFiles } from '../../../connectors/csv/plan.ts';
import { sourceSchema } from '../../../contracts/job-source.ts';
import { contextIn, csvSource, runCsv, writeFiles } from '../../support/csv.ts';
import { temporaryFolder } from '../../support/duckdb.ts';

const lines = (...rows: string[]) => `${rows.join('\n')}\n`;

describe('the plan of a csv source', () => {
  it('reads only files that are new or have changed, and remembers them', async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, { '1.csv': lines('a,b', '1,x'), '2.csv': lines('a,b', '2,y') });
    const source = csvSource(folder.path, { path: '*.csv' });
    const first = await runCsv(source, folder.path);
    expect([first.rows.length, first.unchanged]).toEqual([2, 0]);

    await writeFiles(folder.path, { '3.csv': lines('a,b', '3,z') });
    const second = await runCsv(source, folder.path, { checkpoint: first.checkpoint });
    expect([second.rows, second.unchanged]).toEqual([[{ a: '3', b: 'z' }], 2]);

    await truncate(path.join(folder.path, '1.csv'), 6);
    const third = await runCsv(source, folder.path, { checkpoint: second.checkpoint });
    expect([third.rows, third.unchanged]).toEqual([[{ a: '1', b: null }], 2]);
  });

  it('does not read a file again that went away and came back', async () => {
    await using folder = await temporaryFolder();
    const files = { '1.csv': lines('a,b', '1,x'), '2.csv': lines('a,b', '2,y') };
    await writeFiles(folder.path, files);
    const source = csvSource(folder.path, { path: '*.csv' });
    const first = await runCsv(source, folder.path);
    await rm(path.join(folder.path, '2.csv'));
    const second = await runCsv(source, folder.path, { checkpoint: first.checkpoint });
    await writeFiles(folder.path, files);
    const third = await runCsv(source, folder.path, { checkpoint: second.checkpoint });
    expect([second.chunks, third.chunks, third.unchanged]).toEqual([0, 0, 2]);
  });

  it('opens no file whose size and time are as they were, but for up to eight that show the format', async () => {
    await using folder = await temporaryFolder();
    const names = Array.from({ length: 20 }, (_, index) => `${String(index).padStart(2, '0')}.csv`);
    await writeFiles(folder.path, Object.fromEntries(names.map((name) => [name, lines('id,note', '1,x')])));
    const source = { path: '*.csv' };
    const first = await runCsv(csvSource(folder.path, source), folder.path);
    // Whoever opens it finds a program, and fails.
    const closed = path.join(folder.path, '01.csv');
    const { atime, mtime } = await stat(closed);
    await writeFile(closed, '\x7fELF'.padEnd(lines('id,note', '1,x').length));
    await utimes(closed, atime, mtime);
    // `utimes` knows milliseconds only, as some file systems do.
    const exact = parseCheckpoint(first.checkpoint);
    const state = stateOf(closed, exact);
    const checkpoint = { ...exact, files: { ...exact.files, [closed]: { ...state, mtimeMs: mtime.getTime() } } };
    await writeFiles(folder.path, { '20.csv': lines('note,id', 'y,2') });

    const second = await runCsv(csvSource(folder.path, source), folder.path, { checkpoint });
    expect([second.rows, second.unchanged]).toEqual([[{ id: '2', note: 'y' }], 20]);
    const all = { options: { mode: 'full_refresh' } as const, checkpoint };
    await expect(runCsv(csvSource(folder.path, source), folder.path, all)).rejects.toMatchObject({
      code: 'SOURCE_NOT_CSV',
    });
  });

  it('types a column by the file that brings it, however many others there are', async () => {
    await using folder = await temporaryFolder();
    const names = Array.from({ length: 20 }, (_, index) => `${String(index).padStart(2, '0')}.csv`);
    await writeFiles(folder.path, Object.fromEntries(names.map((name) => [name, lines('id,note', '1,x')])));
    const source = csvSource(folder.path, { path: '*.csv' });
    const { checkpoint } = await runCsv(source, folder.path);
    await writeFiles(folder.path, { '06b.csv': lines('id,note,amount', '2,y,1.5') });
    expect((await runCsv(source, folder.path, { checkpoint })).rows).toEqual([{ id: '2', note: 'y', amount: 1.5 }]);
  });

  it.each([
    ['a header only', 'id,at\n'],
    ['nothing', ''],
  ])(
    'takes a source whose files hold %s by now for empty, with the columns and types that it had',
    async (_, content) => {
      await using folder = await temporaryFolder();
      await writeFiles(folder.path, {
        '1.csv': lines('id,at', '1,2024-01-01'),
        '2.csv': lines('id,at', '2,2024-01-02'),
      });
      const source = csvSource(folder.path, { path: '*.csv' });
      const first = await runCsv(source, folder.path);
      await writeFiles(folder.path, { '1.csv': content, '2.csv': content });
      const second = await runCsv(source, folder.path, { checkpoint: first.checkpoint });
      expect([second.rows, second.unchanged, second.upToDate]).toEqual([[], 0, false]);
      const { schema } = await source.describe('orders', contextIn(folder.path), { checkpoint: first.checkpoint });
      expect(schema.columns.map(({ name, type }) => [name, type])).toEqual([
        ['id', 'long'],
        ['at', 'date'],
      ]);
      expect((await runCsv(source, folder.path, { checkpoint: second.checkpoint })).upToDate).toBe(true);
    },
  );

  it('reads everything on a full refresh, and every time without a strategy', async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, { '1.csv': lines('a,b', '1,x') });
    const source = csvSource(folder.path, { path: '*.csv' });
    const { checkpoint } = await runCsv(source, folder.path);
    const full = await runCsv(source, folder.path, { checkpoint, options: { mode: 'full_refresh' } });
    expect([full.rows.length, full.unchanged, full.checkpoint]).toEqual([1, 0, checkpoint]);
    const none = csvSource(folder.path, { path: '*.csv', incremental: { strategy: 'none' } });
    expect((await runCsv(none, folder.path, { checkpoint })).rows).toHaveLength(1);
  });

  it('leaves out the rows of a changed file that are not newer than the cursor, and counts them', async () => {
    await using folder = await temporaryFolder();
    const header = 'id,updated_at';
    await writeFiles(folder.path, { '1.csv': lines(header, '1,2024-01-01T00:00:00Z', '2,2024-01-02T00:00:00Z') });
    const incremental = { strategy: 'updated_after', cursor_field: 'updated_at' };
    const types = { updated_at: 'timestamptz' };
    const source = csvSource(folder.path, { path: '*.csv', types, incremental });
    const first = await runCsv(source, folder.path);
    expect(first.checkpoint['cursor']).toBe('2024-01-02T00:00:00.000000Z');

    await writeFiles(folder.path, {
      '1.csv': lines(
        header,
        '1,2024-01-01T00:00:00Z',
        '2,2024-01-02T00:00:00Z',
        '3,2024-01-03T00:00:00+02',
        '4,',
        '5,soon',
      ),
    });
    const second = await runCsv(source, folder.path, { checkpoint: first.checkpoint });
    expect(second.rows.map((row) => row['id'])).toEqual(['3']);
    expect(second.skipped).toEqual({ incremental: 2, null_cursor: 1 });
    expect(second.read).toBe(5);
    expect(second.rejected).toMatchObject([{ line: 6, reason: 'CAST', column: 'updated_at', raw: '5,soon' }]);
    expect(second.checkpoint['cursor']).toBe('2024-01-02T22:00:00.000000Z');

    const late = csvSource(folder.path, { path: '*.csv', types, incremental: { ...incremental, lookback_hours: 12 } });
    const third = await runCsv(late, folder.path, { checkpoint: first.checkpoint });
    expect(third.rows.map((row) => row['id'])).toEqual(['2', '3']);
  });

  it('reads a window of the cursor and leaves the checkpoint where it is', async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, { '1.csv': lines('id,day', '1,2024-01-01', '2,2024-01-02', '3,2024-01-03') });
    const source = csvSource(folder.path, { path: '*.csv', incremental: { cursor_field: 'day' } });
    const checkpoint = (await runCsv(source, folder.path)).checkpoint;
    const window = await runCsv(source, folder.path, {
      checkpoint,
      options: { mode: 'window', from: '2024-01-02', to: '2024-01-03' },
    });
    expect(window.rows.map((row) => row['id'])).toEqual(['2']);
    expect(window.skipped).toEqual({ window: 2 });
  });

  it.each([
    ['an unknown cursor field', { strategy: 'updated_after', cursor_field: 'updatet' }, 'did you mean "updated"?'],
    ['a cursor field that has no order', { strategy: 'updated_after', cursor_field: 'name' }, 'type string'],
    ['no cursor field', { strategy: 'updated_after' }, 'no cursor_field'],
    ['a lookback over numbers', { strategy: 'updated_after', cursor_field: 'id', lookback_hours: 1 }, 'lookback_hours'],
  ])('refuses %s', async (_, incremental, words) => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, { '1.csv': lines('id,name,updated', '1,x,2024-01-01') });
    const work = runCsv(csvSource(folder.path, { path: '*.csv', incremental }), folder.path);
    await expect(work).rejects.toMatchObject({ code: 'CURSOR_FIELD_UNKNOWN' });
    await expect(work).rejects.toThrow(words);
  });

  it('refuses bounds of a window that are no values of the cursor', async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, { '1.csv': lines('id,day', '1,2024-01-01') });
    const source = csvSource(folder.path, { path: '*.csv', incremental: { cursor_field: 'day' } });
    const work = runCsv(source, folder.path, { options: { mode: 'window', from: "x'; DROP TABLE y" } });
    await expect(work).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('puts small files together and never divides a large one, the same way every time', async () => {
    const MIB = 1_048_576;
    const sizes = [10, 100, 100, 100, 600, 1, ...Array.from({ length: 401 }, () => 0.1)];
    const files = sizes.map((size, index) => ({
      path: `/f${String(index).padStart(4, '0')}`,
      bytes: size * MIB,
      mtimeMs: 1,
    }));
    const input = {
      request: {
        object: 'o',
        schema: { columns: [], primaryKey: [] },
        checkpoint: undefined,
        options: { mode: 'incremental' as const },
      },
      source: sourceSchema.parse({}),
      changes: { files, changed: files },
      formatKey: '',
      digestOf: async () => 'd',
      headerOf: async () => ['a'],
      format: { delimiter: ',', quote: '"', escape: '"', header: true, nullStrings: [''], nullsInText: [''] },
      layoutOf: async ({ path: name }: { readonly path: string }) => ({
        path: name,
        compression: 'none' as const,
        encoding: 'utf-8' as const,
        columns: ['a'],
      }),
    };
    const plan = await planFiles(input);
    const counts = plan.chunks.map(({ position }) => JSON.stringify(position).split('"path"').length - 1);
    expect(counts).toEqual([3, 1, 1, 200, 200, 2]);
    expect(await planFiles(input)).toEqual(plan);
    const whole = await planFiles({ ...input, request: { ...input.request, wholeRun: true } });
    expect(whole.chunks).toHaveLength(1);
  });

  it('gives each object the files of its name', async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, { 'orders.csv': lines('a,b', '1,x'), 'customers.csv': lines('c,d', '1,x') });
    const source = csvSource(folder.path, { path: '{object}.csv', objects: ['orders', 'customers'] });
    expect(await source.objects()).toEqual(['orders', 'customers']);
    const { schema } = await source.describe('customers', contextIn(folder.path));
    expect(schema.columns.map(({ name }) => name)).toEqual(['c', 'd']);
    const mixed = csvSource(folder.path, { path: '*.csv', objects: ['orders', 'customers'] });
    await expect(mixed.check(contextIn(folder.path))).rejects.toMatchObject({ code: 'JOB_FILE_INVALID' });
  });
});
