import { randomUUID } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Catalog } from '../../../../connectors/iceberg/catalog.ts';
import { expireSnapshots } from '../../../../connectors/iceberg/maintenance/expire.ts';
import { removeOrphans } from '../../../../connectors/iceberg/maintenance/remove-orphans.ts';
import { localPath } from '../../../../connectors/storage/local.ts';
import { Judge } from '../../../support/judge.ts';
import { change, TestLake } from '../../../support/lake.ts';
import { maintained } from '../../../support/maintenance.ts';
import { NUMBERS, numbers } from '../../../support/numbers.ts';

const DAY = 86_400_000;
const POLICY = { olderThanMs: 3 * DAY, runningRuns: [] };

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

/** Every file of the lake is a week old. */
async function age(lake: TestLake): Promise<void> {
  const then = new Date(Date.now() - 7 * DAY);
  for (const { uri } of await lake.storage.list(`${lake.warehouse}/shop`)) await utimes(localPath(uri), then, then);
}

async function filesOf(lake: TestLake): Promise<string[]> {
  return (await lake.storage.list(`${lake.warehouse}/shop/numbers`)).map(({ uri }) => uri).toSorted();
}

describe('an orphan', () => {
  test('is removed: a file that no snapshot refers to, whoever left it', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 10));
    const before = await filesOf(lake);
    const dead = await lake.stage('numbers', NUMBERS, numbers(10, 20));
    const theirs = ['data/00000-0-theirs.parquet', 'metadata/snap-lost.avro', 'metadata/.half.avro.tmp'];
    for (const name of theirs) await lake.storage.writeIfAbsent(`${lake.warehouse}/shop/numbers/${name}`, 'lost');
    await age(lake);
    await using table = await maintained(lake, 'numbers');
    const planned = await removeOrphans(table, POLICY, { dryRun: true });
    expect(await filesOf(lake)).toHaveLength(before.length + 4);
    const done = await removeOrphans(table, POLICY);

    expect(done).toEqual(planned);
    expect(done).toMatchObject({ before: { files: before.length + 4 }, removed: { files: 4 }, young: 0, ofRuns: 0 });
    expect(await filesOf(lake)).toEqual(before);
    await expect(lake.sink.commit(dead.runId, [change(dead)])).rejects.toMatchObject({ code: 'TABLE_CHANGED' });
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(10);
  });

  test('stays while it is young, or its run goes on', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 10));
    const running = await lake.stage('numbers', NUMBERS, numbers(10, 20));
    await age(lake);
    const young = await lake.stage('numbers', NUMBERS, numbers(20, 30));
    await using table = await maintained(lake, 'numbers');
    const done = await removeOrphans(table, { ...POLICY, runningRuns: [running.runId, randomUUID()] });

    expect(done).toMatchObject({ removed: { files: 0 }, young: 1, ofRuns: 1 });
    for (const staged of [running, young]) await lake.sink.commit(staged.runId, [change(staged)]);
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(30);
  });

  test('is not what any snapshot, tag or branch leads to, nor what the table has beside them', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    const large = { files: Array.from({ length: 500 }, (_, i) => `file ${i}`) };
    await lake.write('numbers', NUMBERS, numbers(0, 10), { checkpoint: large });
    const [first] = (await judged.history('shop.numbers')).snapshots;
    await judged.refer('shop.numbers', 'tag', 'v1', first?.id ?? '');
    await lake.write('numbers', NUMBERS, numbers(0, 5), { mode: 'replace' });
    await judged.append('shop.numbers', 'SELECT 99::BIGINT AS n');
    await using table = await maintained(lake, 'numbers', { now: () => Date.now() + 1000 });
    await expireSnapshots(table, { maxSnapshotAgeMs: 0, minSnapshotsToKeep: 1 });
    await age(lake);
    const before = await filesOf(lake);

    expect(await removeOrphans(table, POLICY)).toMatchObject({ removed: { files: 0 } });
    expect(await filesOf(lake)).toEqual(before);
    expect((await judged.history('shop.numbers')).snapshots.map(({ rows }) => rows)).toEqual([10, 6]);
    expect((await lake.sink.open('shop', 'numbers')).checkpoint).toEqual(large);
  });

  test('is not what is committed while it is looked for', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 10));
    const staged = await lake.stage('numbers', NUMBERS, numbers(10, 20));
    await age(lake);
    await using real = await maintained(lake, 'numbers');
    let loads = 0;
    const { catalog } = real;
    const slow: Catalog = {
      load: async (name) => {
        const version = await catalog.load(name);
        // Before anybody looks for what this version refers to: the files that are left over are found without the commit.
        loads += 1;
        if (loads === 2) await lake.sink.commit(staged.runId, [change(staged)]);
        return version;
      },
      namespaces: () => catalog.namespaces(),
      tables: (namespace) => catalog.tables(namespace),
      commit: (moves, moments) => catalog.commit(moves, moments),
      close: () => catalog.close(),
    };
    expect(await removeOrphans({ ...real, catalog: slow }, POLICY)).toMatchObject({ removed: { files: 0 } });
    expect(loads).toBeGreaterThan(2);
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(20);
  });

  test('outside of the folders for data and metadata is nobody of ours', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 10));
    await lake.storage.writeIfAbsent(`${lake.warehouse}/shop/numbers/README.txt`, 'hello');
    await age(lake);
    await using table = await maintained(lake, 'numbers');
    expect(await removeOrphans(table, POLICY)).toMatchObject({ removed: { files: 0 } });
    expect(await filesOf(lake)).toContain(`${lake.warehouse}/shop/numbers/README.txt`);
  });
});
