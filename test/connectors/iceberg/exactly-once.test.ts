import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommitPoint } from '../../../connectors/iceberg/commit.ts';
import { IcebergReader } from '../../../connectors/iceberg/reader.ts';
import { IcebergSink } from '../../../connectors/iceberg/sink.ts';
import { LocalStorage } from '../../../connectors/storage/local.ts';
import { Judge } from '../../support/judge.ts';
import { change, TestLake } from '../../support/lake.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';

const run = promisify(execFile);
const POINTS: readonly CommitPoint[] = ['manifests-written', 'metadata-written', 'catalog-moving', 'after-catalog'];

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

/** Files below a table's folder, by their place in it. */
async function filesOf(lake: TestLake, table: string): Promise<string[]> {
  const folder = `${lake.warehouse}/shop/${table}/`;
  return (await lake.storage.list(folder)).map((file) => file.uri.slice(folder.length)).sort();
}

async function rowsOf(lake: TestLake, table: string): Promise<number> {
  const reader = await IcebergReader.open(lake.storage, lake.warehouse);
  const select = await reader.select({ namespace: 'shop', table }, lake.session);
  reader.close();
  const [row] = await lake.session.rows(`SELECT count(*)::INT AS n, count(DISTINCT n)::INT AS d FROM (${select})`);
  expect(row?.['n']).toBe(row?.['d']);
  return Number(row?.['n']);
}

describe('a commit', () => {
  test('that is repeated adds no second snapshot and says so', async () => {
    await using lake = await TestLake.create();
    const { runId, plan, files } = await lake.stage('numbers', NUMBERS, numbers(0, 5));
    const [first] = await lake.sink.commit(runId, [change({ plan, files })]);
    const [second] = await lake.sink.commit(runId, [change({ plan, files })]);

    expect(first).toMatchObject({ files: 1, rows: 5, alreadyCommitted: false });
    expect(second).toEqual({ ...first, alreadyCommitted: true });
    expect((await judge.of(lake.folder).describe('shop.numbers')).snapshots).toHaveLength(1);
  });

  test('lands beside those of other writers that commit at the same time', async () => {
    await using lake = await TestLake.create();
    const writers = await Promise.all(
      Array.from({ length: 6 }, async (_, i) => {
        const sink = new IcebergSink({ storage: lake.storage, warehouse: lake.warehouse });
        return { sink, ...(await lake.stage('numbers', NUMBERS, numbers(i * 10, i * 10 + 10))) };
      }),
    );
    await Promise.all(writers.map(({ sink, runId, plan, files }) => sink.commit(runId, [change({ plan, files })])));
    for (const { sink } of writers) sink.close();

    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(60);
    const { snapshots } = await judge.of(lake.folder).describe('shop.numbers');
    expect(snapshots.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('that loses a race leaves no file of the lost attempt', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const late = await lake.stage('numbers', NUMBERS, numbers(1, 2));
    let attempts = 0;
    const sink = new IcebergSink({
      storage: lake.storage,
      warehouse: lake.warehouse,
      reached: async (point) => {
        if (point !== 'metadata-written') return;
        attempts += 1;
        if (attempts === 1) await lake.write('numbers', NUMBERS, numbers(2, 3));
      },
    });
    await sink.commit(late.runId, [change(late)]);
    sink.close();

    expect(attempts).toBe(2);
    expect(await rowsOf(lake, 'numbers')).toBe(3);
    const metadata = (await filesOf(lake, 'numbers')).filter((file) => file.startsWith('metadata/'));
    // Three commits of a manifest, a manifest list and a metadata file each.
    expect(metadata).toHaveLength(9);
  });

  test('of several tables is all or nothing when it fails at any point', async () => {
    for (const point of POINTS.filter((one) => one !== 'after-catalog')) {
      await using lake = await TestLake.create();
      await lake.write('numbers', NUMBERS, numbers(0, 1));
      const before = await filesOf(lake, 'numbers');
      const target = await lake.stage('numbers', NUMBERS, numbers(1, 2));
      const beside = await lake.stage('beside', NUMBERS, numbers(1, 2), { runId: target.runId });
      const sink = new IcebergSink({
        storage: lake.storage,
        warehouse: lake.warehouse,
        reached: (at) => {
          if (at === point) throw new Error('cut');
        },
      });
      await expect(sink.commit(target.runId, [change(target), change(beside)])).rejects.toThrow('cut');
      await sink.sweep(target.runId, [target.plan, beside.plan]);
      sink.close();

      expect(await judge.of(lake.folder).tables()).toEqual(['shop.numbers']);
      expect(await filesOf(lake, 'numbers')).toEqual(before);
      expect(await filesOf(lake, 'beside')).toEqual([]);
    }
  });

  test('without files, checkpoint or replacement touches nothing', async () => {
    await using lake = await TestLake.create();
    const { runId, plan, files } = await lake.stage('numbers', NUMBERS, numbers(0, 0));
    expect(files).toEqual([]);
    const [receipt] = await lake.sink.commit(runId, [change({ plan, files })]);
    expect(receipt).toEqual({
      namespace: 'shop',
      table: 'numbers',
      files: 0,
      rows: 0,
      bytes: 0,
      alreadyCommitted: false,
    });
    expect((await lake.sink.open('shop', 'numbers')).exists).toBe(false);
  });

  test('of 2,000 files takes seconds', async () => {
    await using lake = await TestLake.create();
    const { plan, files, runId } = await lake.stage('numbers', NUMBERS, numbers(0, 10));
    const [file] = files;
    if (file === undefined) throw new Error('ten rows give a file');
    const copies = await Promise.all(
      Array.from({ length: 2000 }, async (_, i) => {
        const uri = file.uri.replace('data_0', `copy_${i}`);
        await lake.storage.replace(uri, (await lake.storage.read(file.uri)) ?? '');
        return { ...file, uri };
      }),
    );
    const startedAt = performance.now();
    await lake.sink.commit(runId, [change({ plan, files: copies })]);
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect((await judge.of(lake.folder).describe('shop.numbers')).snapshots[0]?.summary).toMatchObject({
      'added-data-files': '2000',
      'total-records': '20000',
    });
  });
});

describe('a process that is killed while it commits', () => {
  test.each(POINTS)('at %s leaves everything or nothing, and its retry ends with everything once', async (point) => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(100, 110));
    const script = path.resolve(import.meta.dirname, '../../support/dying-commit.ts');
    const commit = (at: string, attempt: string) =>
      run(process.execPath, [script, lake.folder, at, 'the-run', attempt, '10']);

    await expect(commit(point, '1')).rejects.toMatchObject({ signal: 'SIGKILL' });
    const landed = point === 'after-catalog';
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(landed ? 20 : 10);
    expect(await judge.of(lake.folder).tables()).toEqual(landed ? ['shop.numbers', 'shop.squares'] : ['shop.numbers']);

    const { stdout } = await commit('never', '2');
    expect(JSON.parse(stdout)).toMatchObject([
      { rows: 10, alreadyCommitted: landed },
      { rows: 10, alreadyCommitted: landed },
    ]);
    expect(await rowsOf(lake, 'numbers')).toBe(20);
    expect(await rowsOf(lake, 'squares')).toBe(10);

    await lake.sink.sweep('the-run', [
      { namespace: 'shop', table: 'numbers' },
      { namespace: 'shop', table: 'squares' },
    ]);
    expect(await filesOf(lake, 'squares')).toHaveLength(4);
    expect(await filesOf(lake, 'numbers')).toHaveLength(8);
    expect(await rowsOf(lake, 'numbers')).toBe(20);
  });
});

describe('a sweep', () => {
  test('removes what a run staged, and a commit that was stopped before it cannot refer to what is gone', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const staged = await lake.stage('numbers', NUMBERS, numbers(1, 2));
    const swept: number[] = [];
    const zombie = new IcebergSink({
      storage: lake.storage,
      warehouse: lake.warehouse,
      reached: async (point) => {
        if (point === 'metadata-written') swept.push((await lake.sink.sweep(staged.runId, [staged.plan])).files);
      },
    });
    await expect(zombie.commit(staged.runId, [change(staged)])).rejects.toMatchObject({ code: 'TABLE_CHANGED' });
    zombie.close();

    // A data file, a manifest, a manifest list and a metadata file.
    expect(swept).toEqual([4]);
    expect(await rowsOf(lake, 'numbers')).toBe(1);
  });

  test('waits for a commit that has found its files, and leaves what it refers to', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const staged = await lake.stage('numbers', NUMBERS, numbers(1, 2));
    let sweep: Promise<unknown> | undefined;
    const sink = new IcebergSink({
      storage: lake.storage,
      warehouse: lake.warehouse,
      reached: async (point) => {
        if (point !== 'catalog-moving') return;
        sweep = lake.sink.sweep(staged.runId, [staged.plan]);
        const first = await Promise.race([sweep, sleep(300, 'still waiting')]);
        expect(first).toBe('still waiting');
      },
    });
    await sink.commit(staged.runId, [change(staged)]);
    sink.close();

    expect(await sweep).toEqual({ files: 0, bytes: 0 });
    expect(await rowsOf(lake, 'numbers')).toBe(2);
    expect((await filesOf(lake, 'numbers')).filter((file) => file.startsWith('data/'))).toHaveLength(2);
  });

  test('that is under way lets no commit of its run begin, and the next one finds its files gone', async () => {
    await using lake = await TestLake.create();
    const staged = await lake.stage('numbers', NUMBERS, numbers(1, 2));
    let refused: unknown;
    class SlowStorage extends LocalStorage {
      override async remove(uris: string | readonly string[], within?: string): Promise<void> {
        refused ??= await lake.sink.commit(staged.runId, [change(staged)]).catch((error: unknown) => error);
        await super.remove(uris, within);
      }
    }
    const sweeper = new IcebergSink({ storage: new SlowStorage(), warehouse: lake.warehouse });
    await lake.write('beside', NUMBERS, numbers(0, 1));
    expect((await sweeper.sweep(staged.runId, [staged.plan])).files).toBe(1);
    sweeper.close();

    expect(refused).toMatchObject({ code: 'TABLE_CHANGED' });
    await expect(lake.sink.commit(staged.runId, [change(staged)])).rejects.toMatchObject({ code: 'TABLE_CHANGED' });
    expect(await filesOf(lake, 'numbers')).toEqual([]);
  });

  test('leaves every file that any snapshot of the table refers to', async () => {
    await using lake = await TestLake.create();
    const { runId } = await lake.write('numbers', NUMBERS, numbers(0, 5));
    await lake.write('numbers', NUMBERS, numbers(5, 6), { mode: 'replace' });
    const before = await filesOf(lake, 'numbers');
    expect(await lake.sink.sweep(runId, [{ namespace: 'shop', table: 'numbers' }])).toEqual({ files: 0, bytes: 0 });
    expect(await filesOf(lake, 'numbers')).toEqual(before);
  });
});
