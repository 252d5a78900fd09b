import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { literal } from '../../../connectors/duckdb/sql.ts';
import { ParquetSink } from '../../../connectors/parquet/sink.ts';
import type { CommitReceipt } from '../../../connectors/sink.ts';
import { localPath } from '../../../connectors/storage/local.ts';
import { change, optionalColumn, TestLake } from '../../support/lake.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';

const open = () => TestLake.create((options) => new ParquetSink(options));

async function filesOf(lake: TestLake, table: string): Promise<string[]> {
  const folder = `${lake.warehouse}/shop/${table}/`;
  return (await lake.storage.list(folder)).map((file) => file.uri.slice(folder.length));
}

/** What somebody sees who reads all Parquet files in the table's folder. */
async function rowsInFolder(lake: TestLake, table: string): Promise<number[]> {
  const pattern = literal(path.join(lake.folder, 'shop', table, '**/*.parquet'));
  const rows = await lake.session.rows(`SELECT n FROM read_parquet(${pattern}, union_by_name = true) ORDER BY n`);
  return rows.map((row) => Number(row['n']));
}

async function newestManifest(lake: TestLake): Promise<unknown> {
  const folder = path.join(lake.folder, 'shop/_manifests');
  const names = (await lake.storage.list(`file://${folder}`)).map((file) => file.uri).toSorted();
  return JSON.parse(await readFile(localPath(names.at(-1) ?? ''), 'utf8'));
}

describe('a table in a plain folder', () => {
  test('holds the files of the runs, and a manifest that lists them', async () => {
    await using lake = await open();
    const first = await lake.write('numbers', NUMBERS, numbers(0, 3), { checkpoint: { at: 3 } });
    const second = await lake.write('numbers', NUMBERS, numbers(3, 5));
    expect([first.snapshotId, second.snapshotId]).toEqual(['1', '2']);
    expect(await rowsInFolder(lake, 'numbers')).toEqual([0, 1, 2, 3, 4]);
    expect(await newestManifest(lake)).toMatchObject({
      format: 1,
      sequence: 2,
      run: second.runId,
      tables: {
        numbers: {
          files: [
            { path: `numbers/data/${first.runId}/c00000-1/data_0.parquet`, rows: 3 },
            { path: `numbers/data/${second.runId}/c00000-1/data_0.parquet`, rows: 2 },
          ],
          checkpoint: { at: 3 },
          checkpointRun: first.runId,
        },
      },
    });
    expect((await lake.sink.open('shop', 'numbers')).checkpoint).toEqual({ at: 3 });
  });

  test('holds the new files alone after a replacement', async () => {
    await using lake = await open();
    await lake.write('numbers', NUMBERS, numbers(0, 3));
    await lake.write('numbers', NUMBERS, numbers(7, 8), { mode: 'replace' });
    expect(await rowsInFolder(lake, 'numbers')).toEqual([7]);
  });

  test('keeps field ids when it evolves', async () => {
    await using lake = await open();
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const wider = { ...NUMBERS, columns: [optionalColumn('name', 'string'), ...NUMBERS.columns] };
    const { plan } = await lake.stage('numbers', wider, `SELECT 1 AS n, 'x' AS name`);
    expect(plan.changes).toEqual(['add column name (string)']);
    expect(plan.fileSchema.fields.map(({ id, name }) => [id, name])).toEqual([
      [2, 'name'],
      [1, 'n'],
    ]);
  });
});

describe('a commit to plain folders', () => {
  test('that is repeated changes nothing and says so', async () => {
    await using lake = await open();
    const { runId, plan, files } = await lake.stage('numbers', NUMBERS, numbers(0, 5));
    const [first] = await lake.sink.commit(runId, [change({ plan, files })]);
    const [second] = await lake.sink.commit(runId, [change({ plan, files })]);
    expect(second).toEqual({ ...first, alreadyCommitted: true });
    expect(await newestManifest(lake)).toMatchObject({ sequence: 1 });
  });

  test('lands beside those of other writers that commit at the same time', async () => {
    await using lake = await open();
    const staged = [];
    for (let i = 0; i < 6; i += 1) staged.push(await lake.stage('numbers', NUMBERS, numbers(i, i + 1)));
    await Promise.all(staged.map(({ runId, plan, files }) => lake.sink.commit(runId, [change({ plan, files })])));
    expect(await newestManifest(lake)).toMatchObject({ sequence: 6 });
    expect(await rowsInFolder(lake, 'numbers')).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('of several tables is one manifest, so all or nothing', async () => {
    await using lake = await open();
    const target = await lake.stage('numbers', NUMBERS, numbers(0, 1));
    const beside = await lake.stage('beside', NUMBERS, numbers(0, 1), { runId: target.runId });
    const failing = new ParquetSink({
      storage: lake.storage,
      warehouse: lake.warehouse,
      reached: () => {
        throw new Error('cut');
      },
    });
    await expect(failing.commit(target.runId, [change(target), change(beside)])).rejects.toThrow('cut');
    expect((await lake.sink.open('shop', 'beside')).exists).toBe(false);
    const receipts: CommitReceipt[] = await lake.sink.commit(target.runId, [change(target), change(beside)]);
    expect(receipts.map(({ snapshotId }) => snapshotId)).toEqual(['1', '1']);
    expect((await lake.sink.open('shop', 'beside')).exists).toBe(true);
  });

  test('is refused when it replaces rows that it has not seen, or another run moved the checkpoint', async () => {
    await using lake = await open();
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const staged = await lake.stage('numbers', NUMBERS, numbers(1, 2));
    await lake.write('numbers', NUMBERS, numbers(2, 3), { checkpoint: { at: 3 } });
    for (const options of [{ mode: 'replace' }, { checkpoint: { at: 2 } }] as const) {
      await expect(lake.sink.commit(staged.runId, [change(staged, options)])).rejects.toMatchObject({
        code: 'TABLE_CHANGED',
      });
    }
  });
});

describe('a sweep of plain folders', () => {
  test('removes what a run staged, and a commit that was stopped before it cannot refer to what is gone', async () => {
    await using lake = await open();
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const staged = await lake.stage('numbers', NUMBERS, numbers(1, 2));
    const zombie = new ParquetSink({
      storage: lake.storage,
      warehouse: lake.warehouse,
      reached: async (point) => {
        if (point === 'metadata-written') expect((await lake.sink.sweep(staged.runId, [staged.plan])).files).toBe(1);
      },
    });
    await expect(zombie.commit(staged.runId, [change(staged)])).rejects.toMatchObject({ code: 'TABLE_CHANGED' });
    expect(await rowsInFolder(lake, 'numbers')).toEqual([0]);
  });

  test('leaves what tables refer to', async () => {
    await using lake = await open();
    const { runId } = await lake.write('numbers', NUMBERS, numbers(0, 1));
    const before = await filesOf(lake, 'numbers');
    expect(await lake.sink.sweep(runId, [{ namespace: 'shop', table: 'numbers' }])).toEqual({ files: 0, bytes: 0 });
    expect(await filesOf(lake, 'numbers')).toEqual(before);
  });
});

describe('a folder that is not ours', () => {
  test('is refused', async () => {
    await using lake = await open();
    await lake.storage.replace(`${lake.warehouse}/shop/numbers/notes.txt`, 'mine');
    await expect(lake.sink.open('shop', 'numbers')).rejects.toMatchObject({ code: 'TABLE_NOT_OURS' });
    await lake.storage.replace(`${lake.warehouse}/other/_manifests/00000001.json`, '{"format": 2}');
    await expect(lake.sink.open('other', 'numbers')).rejects.toMatchObject({ code: 'TABLE_NEWER' });
    await lake.storage.replace(`${lake.warehouse}/other/_manifests/00000001.json`, 'x');
    await expect(lake.sink.open('other', 'numbers')).rejects.toMatchObject({ code: 'TABLE_NOT_OURS' });
  });
});
