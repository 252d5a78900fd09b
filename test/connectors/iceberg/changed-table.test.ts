import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embeddedCatalog } from '../../../connectors/iceberg/open-catalog.ts';
import { Judge } from '../../support/judge.ts';
import { change, optionalColumn, TestLake } from '../../support/lake.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

const WIDER = { ...NUMBERS, columns: [...NUMBERS.columns, optionalColumn('more', 'string')] };

describe('a commit that was planned on another state of its table', () => {
  test('lands when rows were appended by others in the meantime', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const staged = await lake.stage('numbers', NUMBERS, numbers(1, 2));
    await judge.of(lake.folder).append('shop.numbers', 'SELECT 100::BIGINT AS n');
    await lake.sink.commit(staged.runId, [change(staged)]);
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(3);
  });

  test('is refused when the columns changed', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const staged = await lake.stage(
      'numbers',
      { ...NUMBERS, columns: [...NUMBERS.columns, optionalColumn('other', 'int')] },
      'SELECT 1 AS n, 2 AS other',
    );
    await lake.write('numbers', WIDER, `SELECT 1 AS n, 'x' AS more`);
    await expect(lake.sink.commit(staged.runId, [change(staged)])).rejects.toMatchObject({ code: 'TABLE_CHANGED' });
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(2);
  });

  test('lands when the columns changed in just the way that it wanted to change them', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const [first, second] = [
      await lake.stage('numbers', WIDER, `SELECT 1 AS n, 'x' AS more`),
      await lake.stage('numbers', WIDER, `SELECT 2 AS n, 'y' AS more`),
    ];
    await lake.sink.commit(first.runId, [change(first)]);
    await lake.sink.commit(second.runId, [change(second)]);
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(3);
  });

  test('is refused when it replaces rows that it has not seen', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const staged = await lake.stage('numbers', NUMBERS, numbers(1, 2));
    await lake.write('numbers', NUMBERS, numbers(2, 3));
    await expect(lake.sink.commit(staged.runId, [change(staged, { mode: 'replace' })])).rejects.toMatchObject({
      code: 'TABLE_CHANGED',
    });
  });

  test('is refused when another run moved the checkpoint', async () => {
    await using lake = await TestLake.create();
    const [first, second] = [
      await lake.stage('numbers', NUMBERS, numbers(0, 1)),
      await lake.stage('numbers', NUMBERS, numbers(0, 1)),
    ];
    await lake.sink.commit(first.runId, [change(first, { checkpoint: { files: 1 } })]);
    await expect(lake.sink.commit(second.runId, [change(second, { checkpoint: { files: 1 } })])).rejects.toMatchObject({
      code: 'TABLE_CHANGED',
    });
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(1);
  });
});

describe('a replacement', () => {
  test('leaves the new rows alone, and no value of the old ones in the current manifests', async () => {
    await using lake = await TestLake.create();
    const names = { ...NUMBERS, columns: [...NUMBERS.columns, optionalColumn('name', 'string')] };
    await lake.write('people', names, `SELECT 1 AS n, 'old marker' AS name`);
    await judge.of(lake.folder).append('shop.people', `SELECT 7::BIGINT AS n, 'theirs' AS name`);
    await lake.write('people', names, `SELECT 2 AS n, 'new' AS name`, { mode: 'replace' });

    expect(await judge.of(lake.folder).rows('shop.people')).toEqual([{ n: '2', name: 'new' }]);
    const { snapshots } = await judge.of(lake.folder).describe('shop.people');
    expect(snapshots.at(-1)).toMatchObject({
      operation: 'overwrite',
      summary: { 'deleted-data-files': '2', 'deleted-records': '2', 'total-records': '1', 'total-data-files': '1' },
    });
    await lake.write('people', names, `SELECT 3 AS n, 'newer' AS name`);
    expect((await judge.of(lake.folder).rowsByDuckDb('shop.people')).map((row) => row['n']).toSorted()).toEqual([
      '2',
      '3',
    ]);
  });

  test('of what many commits wrote needs one manifest to say so', async () => {
    await using lake = await TestLake.create();
    for (let n = 0; n < 6; n += 1) await lake.write('numbers', NUMBERS, numbers(n, n + 1));
    await lake.write('numbers', NUMBERS, numbers(0, 3), { mode: 'replace' });

    const manifests = await lake.storage.list(`${lake.warehouse}/shop/numbers/metadata`, (name) =>
      /-m\d+\.avro$/.test(name),
    );
    expect(manifests).toHaveLength(6 + 2);
    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(3);
  });
});

describe('the log of earlier metadata files', () => {
  test('is as long as the table wants it', async () => {
    await using lake = await TestLake.create();
    const properties = { 'write.metadata.previous-versions-max': '3' };
    for (let n = 0; n < 6; n += 1) {
      const { runId, plan, files } = await lake.stage('numbers', NUMBERS, numbers(n, n + 1));
      await lake.sink.commit(runId, [change({ plan: { ...plan, properties }, files })]);
    }
    const catalog = await embeddedCatalog(lake).open();
    const version = await catalog.load({ namespace: 'shop', table: 'numbers' });
    catalog.close();
    const names = version?.metadata['metadata-log'].map((entry) =>
      entry['metadata-file'].replace(/.*\/(\d+)-.*/, '$1'),
    );
    expect(names).toEqual(['00002', '00003', '00004']);
  });
});

describe('a checkpoint', () => {
  test.each([
    ['a small one', { cursor: '2024-01-01', n: 1 }],
    [
      'one of thousands of files',
      { files: Array.from({ length: 3000 }, (_, i) => ({ path: `in/${i}.csv`, size: i })) },
    ],
  ])('is what the last run made durable: %s', async (_name, checkpoint) => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 1), { checkpoint });
    await judge.of(lake.folder).append('shop.numbers', 'SELECT 100::BIGINT AS n');
    const { runId } = await lake.write('numbers', NUMBERS, numbers(5, 6));

    expect((await lake.sink.open('shop', 'numbers')).checkpoint).toEqual(checkpoint);
    const last = (await judge.of(lake.folder).describe('shop.numbers')).snapshots.at(-1);
    expect(last?.summary).toMatchObject({ 'dativo.run-id': runId });
  });

  test('moves without rows', async () => {
    await using lake = await TestLake.create();
    const receipt = await lake.write('numbers', NUMBERS, numbers(0, 0), { checkpoint: { at: 5 } });
    expect(receipt).toMatchObject({ files: 0, rows: 0 });
    expect((await lake.sink.open('shop', 'numbers')).checkpoint).toEqual({ at: 5 });
    expect(await judge.of(lake.folder).rows('shop.numbers')).toEqual([]);
  });
});

describe('the values of a column', () => {
  test('stay out of table metadata when the plan says so', async () => {
    await using lake = await TestLake.create();
    const people = { ...NUMBERS, columns: [...NUMBERS.columns, optionalColumn('email', 'string')] };
    await lake.write('people', people, `SELECT 1 AS n, 'a@example.org' AS email`, { withoutBounds: ['email'] });
    const { files } = await judge.of(lake.folder).describe('shop.people');
    expect(files).toMatchObject([{ lower: { n: '1' }, nulls: { n: 0, email: 0 } }]);
    expect(files[0]?.lower).not.toHaveProperty('email');
  });
});
