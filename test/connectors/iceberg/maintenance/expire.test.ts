import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Catalog } from '../../../../connectors/iceberg/catalog.ts';
import { expireSnapshots, planExpiry } from '../../../../connectors/iceberg/maintenance/expire.ts';
import { moveTable } from '../../../../connectors/iceberg/maintenance/maintained-table.ts';
import { Judge } from '../../../support/judge.ts';
import { change, TestLake } from '../../../support/lake.ts';
import { compact, maintained } from '../../../support/maintenance.ts';
import { NUMBERS, numbers } from '../../../support/numbers.ts';

const NOW = { maxSnapshotAgeMs: 0, minSnapshotsToKeep: 1 };

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

async function filesOf(lake: TestLake): Promise<string[]> {
  return (await lake.storage.list(`${lake.warehouse}/shop/numbers`)).map(({ uri }) => uri).toSorted();
}

/** Every file that the table refers to is there, and no other. */
async function expectNothingElse(lake: TestLake): Promise<void> {
  expect(await filesOf(lake)).toEqual((await judge.of(lake.folder).history('shop.numbers')).references);
}

/** Six small files, made into one. */
async function compacted(lake: TestLake): Promise<void> {
  for (let i = 0; i < 6; i += 1) await lake.write('numbers', NUMBERS, numbers(10 * i, 10 * i + 10));
  await using table = await maintained(lake, 'numbers');
  await compact(table, 1_000_000);
}

describe('an expiry', () => {
  test('removes every file that nothing else leads to, and no other', async () => {
    await using lake = await TestLake.create();
    await compacted(lake);
    await lake.write('numbers', NUMBERS, numbers(60, 70));
    const before = await lake.storage.list(`${lake.warehouse}/shop/numbers/data`);
    await using table = await maintained(lake, 'numbers', { now: () => Date.now() + 1000 });
    const planned = await planExpiry(table, NOW);
    expect(await filesOf(lake)).toContain(before[0]?.uri);
    const done = await expireSnapshots(table, NOW);

    expect(done).toEqual(planned);
    expect(done).toMatchObject({ expired: 7, kept: 1, foreign: 0 });
    // Six data files, their manifests and lists, and what the compaction itself had for its snapshot.
    expect(done.removed.files).toBe(6 + 6 + 1 + 7);
    const { snapshots } = await judge.of(lake.folder).history('shop.numbers');
    expect(snapshots).toMatchObject([{ rows: 70 }]);
    await expectNothingElse(lake);
    expect(await expireSnapshots(table, NOW)).toMatchObject({ expired: 0, kept: 1, removed: { files: 0 } });
  });

  test('leaves what tags and branches lead to, and they can be read', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 10));
    const judged = judge.of(lake.folder);
    const [first] = (await judged.history('shop.numbers')).snapshots;
    await judged.refer('shop.numbers', 'tag', 'v1', first?.id ?? '');
    await lake.write('numbers', NUMBERS, numbers(0, 3), { mode: 'replace' });
    await lake.write('numbers', NUMBERS, numbers(0, 2), { mode: 'replace' });
    const second = (await judged.history('shop.numbers')).snapshots[1];
    await judged.refer('shop.numbers', 'branch', 'dev', second?.id ?? '');
    await lake.write('numbers', NUMBERS, numbers(0, 1), { mode: 'replace' });
    await using table = await maintained(lake, 'numbers', { now: () => Date.now() + 1000 });

    expect(await expireSnapshots(table, NOW)).toMatchObject({ expired: 1, kept: 3 });
    const { snapshots, refs } = await judged.history('shop.numbers');
    expect(snapshots.map(({ rows }) => rows)).toEqual([10, 3, 1]);
    expect(refs).toMatchObject({ v1: first?.id, dev: second?.id });
    await expectNothingElse(lake);
  });

  test('lets a tag go whose time is over', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 10));
    const judged = judge.of(lake.folder);
    const [first] = (await judged.history('shop.numbers')).snapshots;
    await judged.refer('shop.numbers', 'tag', 'brief', first?.id ?? '', { max_ref_age_ms: 500 });
    await lake.write('numbers', NUMBERS, numbers(0, 3), { mode: 'replace' });
    await using table = await maintained(lake, 'numbers', { now: () => Date.now() + 1000 });
    expect(await expireSnapshots(table, NOW)).toMatchObject({ expired: 1, expiredRefs: ['brief'] });
    expect(Object.keys((await judged.history('shop.numbers')).refs)).toEqual(['main']);
    await expectNothingElse(lake);
  });

  test('does not make a run forget what it has committed, nor the table its checkpoint', async () => {
    await using lake = await TestLake.create();
    const { runId, plan, files } = await lake.stage('numbers', NUMBERS, numbers(0, 10));
    const large = { files: Array.from({ length: 500 }, (_, i) => `file ${i}`) };
    const mine = change({ plan, files }, { checkpoint: large });
    await lake.sink.commit(runId, [mine]);
    await lake.write('numbers', NUMBERS, numbers(10, 11));
    await using table = await maintained(lake, 'numbers', { now: () => Date.now() + 1000 });
    expect(await expireSnapshots(table, NOW)).toMatchObject({ expired: 1 });

    expect(await lake.sink.commit(runId, [mine])).toMatchObject([{ alreadyCommitted: true, rows: 10 }]);
    expect((await lake.sink.open('shop', 'numbers')).checkpoint).toEqual(large);
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(11);
  });

  test('removes nothing of a table whose files may be used by others', async () => {
    await using lake = await TestLake.create();
    await compacted(lake);
    await using table = await maintained(lake, 'numbers', { now: () => Date.now() + 1000 });
    await moveTable(table, async ({ metadata }) => ({
      result: undefined,
      next: { ...metadata, properties: { ...metadata.properties, 'gc.enabled': 'FALSE' } },
    }));
    const before = await filesOf(lake);
    await expect(expireSnapshots(table, NOW)).rejects.toMatchObject({ code: 'MAINTENANCE_REFUSED' });
    expect(await filesOf(lake)).toEqual(before);
  });

  test('leaves a snapshot that another expiry has named and not let go, however late it was made', async () => {
    await using lake = await TestLake.create();
    await compacted(lake);
    await using real = await maintained(lake, 'numbers', { now: () => Date.now() + 1000 });
    const { catalog } = real;
    const versions: string[] = [];
    const slow: Catalog = {
      load: async (name) => {
        const version = await catalog.load(name);
        if (version !== undefined && version.metadata.snapshots.length === 1 && versions.length === 0) {
          versions.push(version.location);
          // Between the look at the table and what comes of it, somebody commits, and the other expiry gets that far.
          await lake.write('numbers', NUMBERS, numbers(60, 70));
          const [late] = (await catalog.load(name))?.metadata.snapshots.slice(-1) ?? [];
          const named = { id: String(late?.['snapshot-id']), manifestList: late?.['manifest-list'], beside: [] };
          const journal = `${lake.warehouse}/shop/numbers/metadata/expired-theirs.json`;
          await lake.storage.writeIfAbsent(journal, JSON.stringify({ snapshots: [named] }));
        }
        return version;
      },
      namespaces: () => catalog.namespaces(),
      tables: (namespace) => catalog.tables(namespace),
      commit: (moves, moments) => catalog.commit(moves, moments),
      close: () => catalog.close(),
    };
    await expireSnapshots({ ...real, catalog: slow }, NOW);
    expect(versions).toHaveLength(1);
    expect((await judge.of(lake.folder).history('shop.numbers')).snapshots.map(({ rows }) => rows)).toEqual([60, 70]);
  });

  test('leaves files outside of the folder of the table where they are', async () => {
    await using lake = await TestLake.create();
    const staged = await lake.stage('numbers', NUMBERS, numbers(0, 10));
    const elsewhere = `${lake.warehouse}/elsewhere.parquet`;
    const content = await lake.storage.read(staged.files[0]?.uri ?? '');
    await lake.storage.replace(elsewhere, content ?? '');
    await lake.sink.commit(staged.runId, [
      change({ ...staged, files: staged.files.map((file) => ({ ...file, uri: elsewhere })) }),
    ]);
    await lake.write('numbers', NUMBERS, numbers(0, 1), { mode: 'replace' });
    await using table = await maintained(lake, 'numbers', { now: () => Date.now() + 1000 });
    expect(await expireSnapshots(table, NOW)).toMatchObject({ expired: 1, foreign: 1 });
    expect(await lake.storage.size(elsewhere)).toBeGreaterThan(0);
  });
});
