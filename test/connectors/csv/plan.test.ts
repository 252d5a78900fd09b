import { rm, truncate } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
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
    expect(second.skipped).toEqual({ incremental: 3 });
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
      digest: 'd',
    }));
    const input = {
      request: {
        object: 'o',
        schema: { columns: [], primaryKey: [] },
        checkpoint: undefined,
        options: { mode: 'incremental' as const },
      },
      source: sourceSchema.parse({}),
      files,
      format: { delimiter: ',', quote: '"', escape: '"', header: true, nullStrings: [''], nullsInText: [''] },
      layoutOf: async (name: string) => ({
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
