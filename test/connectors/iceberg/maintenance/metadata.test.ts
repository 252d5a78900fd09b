import { utimes } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanMetadata } from '../../../../connectors/iceberg/maintenance/clean-metadata.ts';
import { expireSnapshots } from '../../../../connectors/iceberg/maintenance/expire.ts';
import { rewriteManifests } from '../../../../connectors/iceberg/maintenance/rewrite-manifests.ts';
import { sweepMark } from '../../../../connectors/iceberg/sweep-mark.ts';
import { localPath } from '../../../../connectors/storage/local.ts';
import { deleteByPlace } from '../../../support/delete-files.ts';
import { Judge } from '../../../support/judge.ts';
import { change, TestLake } from '../../../support/lake.ts';
import { maintained } from '../../../support/maintenance.ts';
import { NUMBERS, numbers } from '../../../support/numbers.ts';

const DAY = 86_400_000;

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

describe('many small manifests', () => {
  test('become one, with the same files and rows, and the numbers that order them', async () => {
    await using lake = await TestLake.create();
    for (let i = 0; i < 12; i += 1) await lake.write('numbers', NUMBERS, numbers(i, i + 1));
    await judge.of(lake.folder).delete('shop.numbers', 'n == 3');
    const before = await judge.of(lake.folder).describe('shop.numbers');
    await using table = await maintained(lake, 'numbers');
    expect(await rewriteManifests(table, { dryRun: true })).toMatchObject({
      before: { files: 12 },
      after: { files: 1 },
    });
    expect(await rewriteManifests(table)).toMatchObject({ before: { files: 12 }, after: { files: 1 } });

    const after = await judge.of(lake.folder).describe('shop.numbers');
    const paths = (described: typeof after) => described.files.map(({ path }) => path).toSorted();
    expect(paths(after)).toEqual(paths(before));
    expect(after.snapshots.at(-1)).toMatchObject({
      operation: 'replace',
      summary: {
        'total-records': '11',
        'manifests-created': '1',
        'manifests-replaced': '12',
        'entries-processed': '11',
      },
    });
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(11);
    expect(await judge.of(lake.folder).rowsByDuckDb('shop.numbers')).toHaveLength(11);
    await lake.write('numbers', NUMBERS, numbers(20, 21));
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(12);
  }, 60_000);

  test('of rows that are deleted afterwards by place, or were before, stay right', async () => {
    await using lake = await TestLake.create();
    for (let i = 0; i < 12; i += 1) await lake.write('numbers', NUMBERS, numbers(10 * i, 10 * i + 10));
    const { files } = await judge.of(lake.folder).describe('shop.numbers');
    const place = (index: number) => [{ uri: files[index]?.path ?? '', pos: 0 }];
    await deleteByPlace(lake, 'numbers', place(0));
    await using table = await maintained(lake, 'numbers');
    expect(await rewriteManifests(table)).toMatchObject({ before: { files: 13 }, after: { files: 2 } });
    await deleteByPlace(lake, 'numbers', place(1));
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(118);
    expect(await judge.of(lake.folder).rowsByDuckDb('shop.numbers')).toHaveLength(118);
  }, 60_000);

  test('that are few are left', async () => {
    await using lake = await TestLake.create();
    for (let i = 0; i < 9; i += 1) await lake.write('numbers', NUMBERS, numbers(i, i + 1));
    await using table = await maintained(lake, 'numbers');
    expect(await rewriteManifests(table)).toMatchObject({ before: { files: 9 }, after: { files: 9 } });
    expect((await judge.of(lake.folder).describe('shop.numbers')).snapshots).toHaveLength(9);
  });

  test('of partitions lie side by side, so that a reader can leave out the others', async () => {
    await using lake = await TestLake.create();
    const judged = judge.of(lake.folder);
    await judged.createPartitioned('shop.people');
    for (let i = 0; i < 10; i += 1)
      await judged.append('shop.people', `SELECT ${i}::INTEGER AS id, 'abc'[1 + ${i} % 3] AS name`);
    await using table = await maintained(lake, 'people');
    expect(await rewriteManifests(table)).toMatchObject({ before: { files: 10 }, after: { files: 1 } });
    expect(await judged.plannedFiles('shop.people', "name == 'a'")).toBe(4);
    expect(await judged.rows('shop.people')).toHaveLength(10);
  }, 60_000);
});

describe('old metadata', () => {
  async function metadataFiles(lake: TestLake): Promise<string[]> {
    const files = await lake.storage.list(`${lake.warehouse}/shop/numbers/metadata`, (name) =>
      name.endsWith('.metadata.json'),
    );
    return files.map(({ uri }) => uri).toSorted();
  }

  test('goes when the log has passed it, and never what the log names', async () => {
    await using lake = await TestLake.create();
    const properties = { 'write.metadata.previous-versions-max': '3' };
    for (let n = 0; n < 8; n += 1) {
      const { runId, plan, files } = await lake.stage('numbers', NUMBERS, numbers(n, n + 1));
      await lake.sink.commit(runId, [change({ plan: { ...plan, properties }, files })]);
    }
    const policy = { olderThanMs: DAY, runningRuns: [] };
    await using table = await maintained(lake, 'numbers');
    expect(await cleanMetadata(table, policy)).toMatchObject({ before: { files: 8 }, removed: { files: 0 } });
    await using later = await maintained(lake, 'numbers', { now: () => Date.now() + 2 * DAY });
    expect(await cleanMetadata(later, policy, { dryRun: true })).toMatchObject({ removed: { files: 4 } });
    expect(await cleanMetadata(later, policy)).toMatchObject({ before: { files: 8 }, removed: { files: 4 } });
    const { references } = await judge.of(lake.folder).history('shop.numbers');
    expect(await metadataFiles(lake)).toEqual(references.filter((uri) => uri.endsWith('.metadata.json')));
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(8);
  });

  test('and marks of sweeps that were stopped go, but not of runs that go on', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const location = `${lake.warehouse}/shop/numbers`;
    const marks = ['dead', 'running'].map((run) => sweepMark(location, run));
    for (const mark of marks) {
      await lake.storage.replace(mark, '');
      await utimes(localPath(mark), new Date(0), new Date(0));
    }
    await using table = await maintained(lake, 'numbers');
    const cleaned = await cleanMetadata(table, { olderThanMs: DAY, runningRuns: ['running'] });
    expect(cleaned.removed.files).toBe(1);
    expect(await Promise.all(marks.map((mark) => lake.storage.size(mark)))).toEqual([undefined, 0]);
  });

  test('is little after an expiry: a metadata file names the snapshots that are left', async () => {
    await using lake = await TestLake.create();
    for (let n = 0; n < 20; n += 1) await lake.write('numbers', NUMBERS, numbers(n, n + 1));
    const size = async () => lake.storage.size((await metadataFiles(lake)).at(-1) ?? '');
    const before = (await size()) ?? 0;
    await using table = await maintained(lake, 'numbers', { now: () => Date.now() + 1000 });
    await expireSnapshots(table, { maxSnapshotAgeMs: 0, minSnapshotsToKeep: 1 });
    expect(await size()).toBeLessThan(before / 2);
  });
});
