import { utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { LocalStorage, localPath, localUri } from '../../connectors/storage/local.ts';
import { queryLake } from '../../worker/lake/query.ts';
import { dativo } from '../support/cli.ts';
import { jobFolder } from '../support/job-folder.ts';
import { onlyObject, runJob } from '../support/run-job.ts';
import { useClient } from '../support/temporal.ts';
import { useWorker } from '../support/worker.ts';

/** The run that stops in the middle, with its files staged, until the test lets it go on. */
const gate = { isShut: false, reached: () => {}, open: () => {} };
useWorker({
  reached: async (point) => {
    if (!gate.isShut || point !== 'extract:after-description') return;
    const opened = new Promise<void>((resolve) => (gate.open = resolve));
    gate.reached();
    await opened;
  },
});
const client = useClient();

const storage = new LocalStorage();
let jobs = 0;

/** A job whose every run brings one small file. */
async function smallFiles(runs: number) {
  const asset = `events_${process.pid}_${++jobs}`;
  const folder = await jobFolder({
    'data/0.csv': 'id,note\n0,a\n1,b\n',
    'job.yaml': `source_connector: csv\nasset: ${asset}\nsource: { path: data/*.csv }\ntarget: { namespace: shop, warehouse: lake }\n`,
  });
  const run = async () => onlyObject(await runJob(client(), path.join(folder, 'job.yaml')));
  await run();
  const add = (index: number) => writeFile(path.join(folder, 'data', `${index}.csv`), `id,note\n${index + 1},c\n`);
  for (let index = 1; index < runs; index += 1) {
    await add(index);
    await run();
  }
  const lake = path.join(folder, 'lake');
  return {
    asset,
    folder,
    run,
    add,
    lakeUri: localUri(lake),
    cli: (...args: string[]) => dativo(['maintain', ...args, '--yes', '--json'], { cwd: folder }),
    query: async (sql: string) => (await queryLake({ warehouse: lake }, sql, { limit: 100 })).rows,
  };
}

type Job = Awaited<ReturnType<typeof smallFiles>>;

async function age({ lakeUri }: Job, days: number): Promise<void> {
  const then = new Date(Date.now() - days * 86_400_000);
  for (const { uri } of await storage.list(`${lakeUri}/shop`)) await utimes(localPath(uri), then, then);
}

describe('dativo maintain', () => {
  test('says what it would do, does it, and the second time finds nothing to do', async () => {
    const job = await smallFiles(6);
    const dryRun = await job.cli(job.asset, '--job', 'job.yaml', '--dry-run', '--older-than', '0s', '--keep-last', '1');
    expect([dryRun.code, dryRun.stderr.includes('error')]).toEqual([0, false]);
    const planned = JSON.parse(dryRun.stdout);
    expect(planned.tables[0].result.steps[0]).toMatchObject({
      state: 'done',
      before: { files: 6 },
      after: { files: 1 },
    });

    const done = await job.cli(job.asset, '--job', 'job.yaml', '--older-than', '0s', '--keep-last', '1');
    expect(done.code).toBe(0);
    const [table] = JSON.parse(done.stdout).tables;
    expect(table).toMatchObject({ table: `shop.${job.asset}`, state: 'success' });
    expect(table.result.steps).toMatchObject([
      { step: 'compact', state: 'done', before: { files: 6 }, after: { files: 1 } },
      { step: 'rewrite_manifests', state: 'nothing' },
      { step: 'expire', state: 'done', notes: ['6 of 7 snapshots expired'] },
      { step: 'remove_orphans', state: 'nothing' },
      { step: 'clean_metadata', state: 'nothing' },
    ]);
    expect(await job.query(`SELECT count(*)::INT, count(DISTINCT id)::INT FROM shop.${job.asset}`)).toEqual([[7, 7]]);
    const records = `SELECT step, state, files_before::INT, files_after::INT FROM _dativo.maintenance ORDER BY step`;
    expect(await job.query(records)).toEqual([
      ['compact', 'done', 6, 1],
      ['expire', 'done', table.result.steps[2].before.files, table.result.steps[2].after.files],
    ]);

    const again = await job.cli(job.asset, '--job', 'job.yaml');
    expect([again.code, JSON.parse(again.stdout).tables[0].state]).toEqual([0, 'unchanged']);
    expect(await job.run()).toMatchObject({ state: 'unchanged' });
    await job.add(50);
    expect(await job.run()).toMatchObject({ state: 'success', counts: { committed: 1 } });
  }, 120_000);

  test('without a job maintains every table of a folder, the records too, and prints figures for people', async () => {
    const job = await smallFiles(5);
    const { code, stdout, stderr } = await dativo(['maintain', '--all', '--yes', '--warehouse', 'lake'], {
      cwd: job.folder,
    });
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(`shop.${job.asset}: maintained`);
    expect(stdout).toContain('_dativo.runs: maintained');
    expect(stdout).toMatch(/compact +5 +-> 1 /);
    expect(await job.query('SELECT count(*)::INT FROM _dativo.runs')).toEqual([[5]]);
  }, 120_000);

  test('lets only snapshots expire where only that is asked for, and keeps what a tag leads to', async () => {
    const job = await smallFiles(4);
    const snapshots = async (...args: string[]) =>
      JSON.parse(
        (await dativo(['snapshots', job.asset, ...args, '--job', 'job.yaml', '--json'], { cwd: job.folder })).stdout,
      );
    const [, , second] = (await snapshots()).snapshots;
    await snapshots('tag', 'audited', '--at', second.snapshotId);
    const expire = ['expire', '--older-than', '0s', '--keep-last', '1'];
    const { tables: planned } = await snapshots(...expire, '--dry-run');
    expect(planned[0].result.steps).toMatchObject([{ step: 'expire', notes: ['2 of 4 snapshots expired'] }]);
    expect((await snapshots()).snapshots).toHaveLength(4);
    const { tables: done } = await snapshots(...expire, '--yes');
    expect(done[0].result.steps).toMatchObject([{ step: 'expire', notes: ['2 of 4 snapshots expired'] }]);
    expect((await snapshots()).snapshots).toHaveLength(2);
    expect(await job.query(`SELECT count(*)::INT FROM shop.${job.asset} AS OF 'audited'`)).toEqual([[3]]);
  }, 120_000);

  test('takes no file that a run has staged which goes on, however old, but those of a dead one', async () => {
    const job = await smallFiles(1);
    await job.add(1);
    gate.isShut = true;
    const staged = new Promise<void>((resolve) => (gate.reached = resolve));
    const running = job.run();
    await staged;
    const orphan = `${job.lakeUri}/shop/${job.asset}/data/dead-run/c00000-1/data_0.parquet`;
    await storage.writeIfAbsent(orphan, 'left behind');
    await age(job, 30);
    const done = await job.cli(job.asset, '--job', 'job.yaml', '--step', 'remove-orphans');
    const [step] = JSON.parse(done.stdout).tables[0].result.steps;
    expect(step).toMatchObject({ state: 'done', notes: ['1 file left to the runs that go on'] });
    expect(step.before.files - step.after.files).toBe(1);
    expect(await storage.size(orphan)).toBeUndefined();

    gate.isShut = false;
    gate.open();
    expect(await running).toMatchObject({ state: 'success', counts: { committed: 1 } });
    expect(await job.query(`SELECT count(*)::INT FROM shop.${job.asset}`)).toEqual([[3]]);
  }, 120_000);

  test('refuses what it cannot know or must not do, in one sentence', async () => {
    const job = await smallFiles(1);
    const refusals: [string[], RegExp][] = [
      [[`${job.asset}s`, '--job', 'job.yaml'], new RegExp(`did you mean shop\\.${job.asset}`)],
      [['--job', 'job.yaml'], /no table; expected the names of tables, or --all/],
      [[job.asset, '--all', '--job', 'job.yaml'], /expected one of the two/],
      [[job.asset, '--job', 'job.yaml', '--step', 'vacuum'], /steps of compact, rewrite-manifests, expire/],
      [[job.asset, '--job', 'job.yaml', '--orphans-older-than', '5m'], /a duration of at least 1h/],
    ];
    for (const [args, sentence] of refusals) {
      const { code, stderr } = await job.cli(...args);
      expect([code, stderr]).toEqual([2, expect.stringMatching(sentence)]);
    }
    const unasked = await dativo(['maintain', job.asset, '--job', 'job.yaml'], { cwd: job.folder });
    expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringMatching(/add --yes to go on without it/)]);
  }, 120_000);
});
