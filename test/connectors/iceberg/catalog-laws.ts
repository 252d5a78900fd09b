import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { CommitPoint } from '../../../connectors/iceberg/commit.ts';
import type { StreamSchema } from '../../../contracts/schema.ts';
import type { CatalogKind } from '../../support/catalogs.ts';
import { CatalogLake } from '../../support/catalogs.ts';
import { Judge } from '../../support/judge.ts';
import { change, optionalColumn } from '../../support/lake.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';
import { started } from '../../support/temporal.ts';

/** What sets a catalog apart, where a law cannot be the same for all. */
export interface CatalogTraits {
  /** Whether a table is never seen before its first rows. */
  readonly createsWithRows: boolean;
  /** Whether snapshots of earlier commits can be seen. */
  readonly keepsHistory: boolean;
}

const WIDER: StreamSchema = {
  ...NUMBERS,
  columns: [...NUMBERS.columns, optionalColumn('tags', { type: 'list', element: 'string', elementRequired: false })],
};
const UNTIL_VISIBLE: readonly CommitPoint[] = ['manifests-written', 'metadata-written', 'catalog-moving'];

/** The laws of a commit, through one kind of catalog, judged by PyIceberg through the same. */
export function describeCatalog(title: string, kind: CatalogKind, traits: CatalogTraits): void {
  let running: Judge | undefined;
  beforeAll(async () => {
    running = await Judge.start();
  }, 300_000);
  afterAll(() => running?.[Symbol.asyncDispose]());
  const judge = () => started(running);
  const open = () => CatalogLake.create(kind, judge());

  // A catalog server on a busy machine takes seconds for what it does for the first time.
  vi.setConfig({ testTimeout: 60_000 });

  describe(`a lake with ${title}`, () => {
    test('has for PyIceberg the rows, columns and properties that were written', async () => {
      await using lake = await open();
      const { snapshotId } = await lake.write('numbers', WIDER, `SELECT 1 AS n, ['a', 'b'] AS tags`);
      const table = await lake.judged.describe(lake.label('numbers'));
      expect(table.schema).toEqual([
        { id: 1, name: 'n', type: 'long', required: false },
        { id: 2, name: 'tags', type: 'list<string>', required: false },
      ]);
      expect(table.properties).toMatchObject({ 'write.parquet.compression-codec': 'zstd' });
      expect(table.snapshots.map(({ id }) => id)).toEqual([snapshotId]);
      expect(await lake.judged.rows(lake.label('numbers'))).toEqual([{ n: '1', tags: ['a', 'b'] }]);
    });

    test('lists its namespaces and tables, and knows what it does not have', async () => {
      await using lake = await open();
      await lake.write('numbers', NUMBERS, numbers(0, 1));
      await lake.write('others', NUMBERS, numbers(0, 1));
      const reader = await lake.reader();
      expect(await reader.namespaces()).toContain(lake.namespace);
      expect((await reader.tables(lake.namespace)).toSorted()).toEqual(['numbers', 'others']);
      expect(await reader.tables('nothing_here')).toEqual([]);
      await expect(reader.snapshots(lake.name('nothing'))).rejects.toMatchObject({ code: 'TABLE_NOT_FOUND' });
      reader.close();
    });

    test('takes turns with PyIceberg, whose snapshot ids have 63 bits', async () => {
      await using lake = await open();
      await lake.write('numbers', NUMBERS, numbers(0, 2));
      await lake.judged.append(lake.label('numbers'), 'SELECT 100::BIGINT AS n');
      await lake.write('numbers', NUMBERS, numbers(2, 3));
      await lake.judged.append(lake.label('numbers'), 'SELECT 101::BIGINT AS n');
      await lake.write('numbers', NUMBERS, numbers(3, 4));
      expect(await lake.numbers('numbers')).toEqual([0, 1, 2, 3, 100, 101]);
      const reader = await lake.reader();
      const ours = (await reader.snapshots(lake.name('numbers'))).map(({ id }) => id);
      reader.close();
      expect(ours).toEqual((await lake.judged.describe(lake.label('numbers'))).snapshots.map(({ id }) => id));
      expect(ours).toHaveLength(traits.keepsHistory ? 5 : 1);
    });

    test('follows its source: a column more, and content that is replaced', async () => {
      await using lake = await open();
      await lake.write('numbers', NUMBERS, numbers(0, 2));
      await lake.write('numbers', WIDER, `SELECT 2 AS n, ['x'] AS tags`);
      expect(await lake.judged.rows(lake.label('numbers'), 'n = 2')).toEqual([{ n: '2', tags: ['x'] }]);
      expect(await lake.judged.rows(lake.label('numbers'), 'n = 1')).toEqual([{ n: '1', tags: null }]);
      await lake.write('numbers', WIDER, `SELECT 7 AS n, NULL AS tags`, { mode: 'replace' });
      expect(await lake.numbers('numbers')).toEqual([7]);
    });

    test('keeps a checkpoint, a small one and a large one', async () => {
      await using lake = await open();
      const large = { files: Array.from({ length: 200 }, (_, i) => `some/long/path/of/a/file/number-${i}.csv`) };
      await lake.write('numbers', NUMBERS, numbers(0, 1), { checkpoint: { cursor: '5' } });
      expect((await lake.sink().open(lake.namespace, 'numbers')).checkpoint).toEqual({ cursor: '5' });
      await lake.write('numbers', NUMBERS, numbers(1, 2), { checkpoint: large });
      expect((await lake.sink().open(lake.namespace, 'numbers')).checkpoint).toEqual(large);
    });
  });

  describe(`a commit through ${title}`, () => {
    test('that is repeated adds nothing and says so, also after another one', async () => {
      await using lake = await open();
      const staged = await lake.stage('numbers', NUMBERS, numbers(0, 5));
      const [first] = await lake.lake.sink.commit(staged.runId, [change(staged)]);
      expect(first).toMatchObject({ files: 1, rows: 5, alreadyCommitted: false });
      await lake.write('numbers', NUMBERS, numbers(5, 6));
      expect(await lake.sink().commit(staged.runId, [change(staged)])).toEqual([{ ...first, alreadyCommitted: true }]);
      expect(await lake.numbers('numbers')).toEqual([0, 1, 2, 3, 4, 5]);
    });

    test('lands beside those of other writers that commit at the same time', async () => {
      await using lake = await open();
      await lake.write('numbers', NUMBERS, numbers(0, 1));
      const writers = await Promise.all(
        [1, 2, 3, 4, 5].map(async (i) => ({
          sink: lake.sink(),
          staged: await lake.stage('numbers', NUMBERS, numbers(i, i + 1)),
        })),
      );
      await Promise.all(writers.map(({ sink, staged }) => sink.commit(staged.runId, [change(staged)])));
      expect(await lake.numbers('numbers')).toEqual([0, 1, 2, 3, 4, 5]);
    });

    test('that creates a table lands beside another one that creates it', async () => {
      await using lake = await open();
      const writers = await Promise.all(
        [0, 1].map(async (i) => ({
          sink: lake.sink(),
          staged: await lake.stage('numbers', NUMBERS, numbers(i, i + 1)),
        })),
      );
      await Promise.all(writers.map(({ sink, staged }) => sink.commit(staged.runId, [change(staged)])));
      expect(await lake.numbers('numbers')).toEqual([0, 1]);
    });

    test('that loses a race leaves no file of the lost attempt', async () => {
      await using lake = await open();
      await lake.write('numbers', NUMBERS, numbers(0, 1));
      const late = await lake.stage('numbers', NUMBERS, numbers(1, 2));
      const before = await lake.files('numbers');
      let attempts = 0;
      const sink = lake.sink({
        reached: async (point) => {
          if (point !== 'metadata-written') return;
          attempts += 1;
          if (attempts === 1) await lake.write('numbers', NUMBERS, numbers(2, 3));
        },
      });
      await sink.commit(late.runId, [change(late)]);

      expect(attempts).toBe(2);
      expect(await lake.numbers('numbers')).toEqual([0, 1, 2]);
      const added = (await lake.files('numbers')).filter((file) => !before.includes(file));
      // Of each of the two commits a manifest and its list; the files of the lost attempt would be more.
      expect(added.filter((file) => file.endsWith('.avro'))).toHaveLength(4);
    });

    test('of several tables is all or nothing when it fails at any point', async () => {
      for (const point of UNTIL_VISIBLE) {
        await using lake = await open();
        await lake.write('numbers', NUMBERS, numbers(0, 1));
        const before = await lake.files('numbers');
        const target = await lake.stage('numbers', NUMBERS, numbers(1, 2));
        const beside = await lake.stage('beside', NUMBERS, numbers(1, 2), { runId: target.runId });
        const sink = lake.sink({
          reached: (at) => {
            if (at === point) throw new Error('cut');
          },
        });
        await expect(sink.commit(target.runId, [change(target), change(beside)])).rejects.toThrow('cut');
        await sink.sweep(target.runId, [target.plan, beside.plan]);

        expect(await lake.numbers('numbers')).toEqual([0]);
        expect(await lake.files('numbers')).toEqual(before);
        expect((await lake.files('beside')).filter((file) => file.startsWith('data/'))).toEqual([]);
        if (traits.createsWithRows) expect(await lake.files('beside')).toEqual([]);
        const tables = (await lake.judged.tables()).filter((name) => name.startsWith(lake.namespace));
        if (traits.createsWithRows) expect(tables).toEqual([lake.label('numbers')]);
        if (tables.includes(lake.label('beside'))) expect(await lake.numbers('beside')).toEqual([]);

        const again = lake.sink();
        const retried = await lake.stage('numbers', NUMBERS, numbers(1, 2), { runId: target.runId });
        const retriedBeside = await lake.stage('beside', NUMBERS, numbers(1, 2), { runId: target.runId });
        await again.commit(target.runId, [change(retried), change(retriedBeside)]);
        expect(await lake.numbers('numbers')).toEqual([0, 1]);
        expect(await lake.numbers('beside')).toEqual([1]);
      }
    });
  });

  describe(`a commit through ${title} that was stopped, while its run was taken for dead and swept,`, () => {
    const cases = UNTIL_VISIBLE.flatMap((point) => [
      { point, table: 'an old table', old: true },
      { point, table: 'a new table', old: false },
    ]);
    test.each(cases)(
      'at $point for $table lands whole or never, and nothing refers to what is gone',
      async ({ point, old }) => {
        await using lake = await open();
        await lake.write('beside', NUMBERS, numbers(0, 1));
        if (old) await lake.write('numbers', NUMBERS, numbers(0, 1));
        const staged = await lake.stage('numbers', NUMBERS, numbers(1, 2));
        let sweep: Promise<unknown> | undefined;
        const zombie = lake.sink({
          reached: async (at) => {
            if (at !== point || sweep !== undefined) return;
            sweep = lake.sink().sweep(staged.runId, [staged.plan]);
            await Promise.race([sweep, sleep(1500)]);
          },
        });
        const outcome = await zombie.commit(staged.runId, [change(staged)]).then(
          () => 'landed',
          (error: { code?: string }) => error.code,
        );
        await sweep;

        expect(['landed', 'TABLE_CHANGED']).toContain(outcome);
        const exists = (await lake.sink().open(lake.namespace, 'numbers')).exists;
        const rows = [...(old ? [0] : []), ...(outcome === 'landed' ? [1] : [])];
        if (exists) expect(await lake.numbers('numbers')).toEqual(rows);
        else expect(rows).toEqual([]);
        const data = (await lake.files('numbers')).filter((file) => file.startsWith('data/'));
        expect(data).toHaveLength(rows.length);
      },
    );
  });
}
