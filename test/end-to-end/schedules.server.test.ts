import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { main } from '../../client/cli.ts';
import { scheduleId } from '../../contracts/ids.ts';
import { queryLake } from '../../worker/lake/query.ts';
import { listRunRecords } from '../../worker/lake/run-records.ts';
import { listSnapshots } from '../../worker/lake/snapshots.ts';
import { captureTerminal } from '../client/captured-terminal.ts';
import { jobFolder } from '../support/job-folder.ts';
import { ROW_MARKER } from '../support/marker.ts';
import { temporalServer, useClient } from '../support/temporal.ts';
import { useWorker } from '../support/worker.ts';

useWorker();
const client = useClient();

let jobs = 0;
/** A job with a schedule in a folder that is a project of its own. */
async function scheduledJob(schedule: string, files: Readonly<Record<string, string>>, source = '') {
  const asset = `scheduled_orders_${process.pid}_${++jobs}`;
  const folder = await jobFolder({
    ...files,
    'jobs/orders.yaml':
      `source_connector: csv\nasset: ${asset}\nsource: { path: ../data/*.csv${source} }\n` +
      `target: { namespace: shop, warehouse: ../lake }\nmaintenance: { enabled: false }\nschedule: { ${schedule} }\n`,
  });
  const lake = { warehouse: path.join(folder, 'lake') };
  return {
    asset,
    folder,
    file: path.join(folder, 'jobs/orders.yaml'),
    lake,
    id: scheduleId('default', asset),
    apply: () => dativo('apply', path.join(folder, 'jobs'), '--project', asset, '--yes'),
    rows: async (sql: string) => (await queryLake(lake, sql, { limit: 1000 })).rows,
    snapshots: () => listSnapshots(lake, `shop.${asset}`),
    records: () => listRunRecords(lake, {}),
    table: `shop.${asset}`,
  };
}

async function dativo(...argv: string[]) {
  const { address, home } = temporalServer();
  const terminal = captureTerminal();
  const code = await main(argv, { terminal, env: { TEMPORAL_ADDRESS: address, DATIVO_HOME: path.join(home, 'cli') } });
  return { code, out: terminal.out.text(), err: terminal.err.text() };
}

afterEach(async () => {
  for await (const { scheduleId: id } of client().schedule.list()) {
    await client()
      .schedule.getHandle(id)
      .delete()
      .catch(() => {});
  }
});

const listing = z.object({
  schedules: z.array(
    z.object({
      asset: z.string(),
      cron: z.string().nullable(),
      every: z.string().nullable(),
      timezone: z.string().nullable(),
      paused: z.boolean(),
      note: z.string().nullable(),
      nextRun: z.string().nullable(),
      lastRun: z.object({ state: z.string() }).nullable(),
    }),
  ),
});

async function listed(asset: string) {
  const { out } = await dativo('schedules', '--json');
  return listing.parse(JSON.parse(out)).schedules.find((schedule) => schedule.asset === asset);
}

const HEAD = 'id,note\n';

describe('a schedule', () => {
  test('fires, commits what is new, and is listed with its last run', async () => {
    const job = await scheduledJob('every: 2s', { 'data/a.csv': `${HEAD}1,${ROW_MARKER}\n2,b\n` });
    expect((await job.apply()).code).toBe(0);
    await expect.poll(async () => (await listed(job.asset))?.lastRun?.state, { timeout: 40_000 }).toBe('success');
    await writeFile(path.join(job.folder, 'data/b.csv'), `${HEAD}3,c\n`);
    await expect.poll(async () => (await job.snapshots()).length, { timeout: 40_000 }).toBe(2);
    await expect.poll(async () => (await listed(job.asset))?.lastRun?.state, { timeout: 40_000 }).toBe('unchanged');
    expect(await job.rows(`SELECT id FROM ${job.table} ORDER BY id`)).toEqual([['1'], ['2'], ['3']]);
    expect(await listed(job.asset)).toMatchObject({ every: '2s', cron: null, paused: false });
    const runs = await dativo('runs', '--json', '--limit', '200');
    expect(runs.out).toContain(job.asset);
    const { out } = await dativo('schedules');
    expect(out).toMatch(new RegExp(`${job.asset} +every 2s +(today|tomorrow) \\d\\d:\\d\\d \\(in .*\\) +\\w+, .* ago`));
  });

  test('and runs by hand at the same time change nothing twice', async () => {
    const rows = Array.from({ length: 2_000 }, (_, index) => `${index},n${index}`).join('\n');
    const job = await scheduledJob('every: 1s, overlap: buffer_one', { 'data/0.csv': `${HEAD}${rows}\n` });
    await job.apply();
    let files = 1;
    for (let round = 0; round < 4; round++) {
      const byHand = dativo('run', job.file);
      await writeFile(path.join(job.folder, `data/${files}.csv`), `${HEAD}${10_000 + files},x\n`);
      files += 1;
      const { code, err } = await byHand;
      expect(code, err).toBe(0);
    }
    const last = `${HEAD}${99_999},x\n`;
    await writeFile(path.join(job.folder, 'data/last.csv'), last);
    const count = `SELECT count(*), count(DISTINCT id) FROM ${job.table}`;
    const all = String(2_000 + files - 1 + 1);
    await expect.poll(() => job.rows(count), { timeout: 40_000 }).toEqual([[all, all]]);
    await client().schedule.getHandle(job.id).delete();
    await sleep(1_500);
    expect(await job.rows(count)).toEqual([[all, all]]);
    const committed = (await job.records()).reduce((sum, record) => sum + record.rowsCommitted, 0);
    expect(String(committed)).toBe(all);
  });

  test('runs nothing while it is paused, and again when it is resumed', async () => {
    const job = await scheduledJob('every: 1s', { 'data/a.csv': `${HEAD}1,a\n` });
    await job.apply();
    const { out } = await dativo('pause', job.asset, '--note', 'month end');
    expect(out).toBe(`${job.asset}: paused.\n`);
    expect((await dativo('pause', job.asset)).out).toContain('was paused already');
    await expect.poll(async () => (await listed(job.asset))?.note, { timeout: 10_000 }).toBe('month end');
    const before = (await client().schedule.getHandle(job.id).describe()).info.numActionsTaken;
    await sleep(2_500);
    expect((await client().schedule.getHandle(job.id).describe()).info.numActionsTaken).toBe(before);
    expect((await dativo('schedules')).out).toContain('paused: month end');
    expect((await dativo('resume', job.asset)).out).toBe(`${job.asset}: resumed.\n`);
    await expect
      .poll(async () => (await client().schedule.getHandle(job.id).describe()).info.numActionsTaken, {
        timeout: 20_000,
      })
      .toBeGreaterThan(before);
  });

  test('is triggered, paused or not, and waited for', async () => {
    const job = await scheduledJob('cron: "0 0 29 2 *", timezone: Europe/Zurich, enabled: false', {
      'data/a.csv': `${HEAD}1,a\n2,b\n`,
    });
    await job.apply();
    const { code, out, err } = await dativo('trigger', job.asset, '--wait');
    expect(code, err).toBe(0);
    expect(out).toContain(`${job.asset}: 2 rows committed`);
    expect(out).toContain(`workflow ingest/default/${job.asset}`);
    const again = await dativo('trigger', job.asset, '--wait', '--json');
    expect(JSON.parse(again.out)).toMatchObject({ state: 'unchanged', asset: job.asset });
    expect(await job.snapshots()).toHaveLength(1);
    expect(await listed(job.asset)).toMatchObject({ cron: '0 0 29 2 *', timezone: 'Europe/Zurich', paused: true });
  });

  test('whose run fails says why, and pauses itself when it is asked to', async () => {
    const job = await scheduledJob('every: 1s, pause_on_failure: true', { 'data/a.txt': '' });
    await job.apply();
    await expect.poll(async () => (await listed(job.asset))?.paused, { timeout: 20_000 }).toBe(true);
    expect((await listed(job.asset))?.lastRun?.state).toBe('failed');
    const { code, out } = await dativo('trigger', job.asset, '--wait');
    expect(code).toBe(1);
    expect(out).toContain('SOURCE_NOT_FOUND');
  });

  test('that nobody knows is refused with where to look', async () => {
    for (const command of [
      ['pause', 'nobody'],
      ['resume', 'a/b'],
      ['trigger', "x' OR 1=1"],
      ['backfill', 'a/b/c', '--cancel'],
    ]) {
      const { code, err } = await dativo(...command);
      expect([command, code]).toEqual([command, 2]);
      expect(err).toMatch(/which no schedule is known by; .*dativo schedules.*SCHEDULE_NOT_FOUND/);
    }
  });
});

describe('a backfill', () => {
  const EVENTS = [
    'id,at',
    '1,2026-01-01T03:00:00Z',
    '2,2026-01-01T23:59:59Z',
    '3,2026-01-02T00:00:00Z',
    '4,2026-01-04T12:00:00Z',
    '5,2026-01-05T00:00:00Z',
  ].join('\n');
  const SOURCE = ', incremental: { strategy: updated_after, cursor_field: at }';
  const daily = () => scheduledJob('cron: "0 0 * * *"', { 'data/events.csv': `${EVENTS}\n` }, SOURCE);

  test('reads each day once, leaves days with rows as they are, and can be started again', async () => {
    const job = await daily();
    await job.apply();
    const span = ['backfill', job.asset, '--from', '2026-01-01', '--to', '2026-01-05', '--yes'];
    const dry = await dativo(...span, '--dry-run');
    expect(dry.out).toContain('4 windows from 2026-01-01T00:00:00Z to 2026-01-05T00:00:00Z, one after the other.');
    const { code, out, err } = await dativo(...span);
    expect(code, err).toBe(0);
    expect(out).toContain('4 rows committed from 3 windows');
    expect(out).toContain('1 window without new rows');
    expect(await job.rows(`SELECT id FROM ${job.table} ORDER BY id`)).toEqual([['1'], ['2'], ['3'], ['4']]);
    const records = (await job.records()).filter(({ rowsCommitted }) => rowsCommitted > 0);
    expect(records.map(({ mode, rowsCommitted }) => [mode, rowsCommitted]).toSorted()).toEqual([
      ['window', 1],
      ['window', 1],
      ['window', 2],
    ]);

    const again = await dativo(...span, '--json');
    expect(again.code).toBe(0);
    expect(JSON.parse(again.out.slice(again.out.indexOf('{')))).toMatchObject({
      state: 'success',
      present: 3,
      empty: 1,
      rows: 0,
      committed: 0,
    });
    expect(await job.rows(`SELECT count(*) FROM ${job.table}`)).toEqual([['4']]);
  });

  test('is refused without its span, over the future, and for a job without a cursor', async () => {
    const job = await daily();
    await job.apply();
    expect((await dativo('backfill', job.asset)).err).toContain('a backfill without its span');
    expect((await dativo('backfill', job.asset, '--from', '2026-01-01', '--to', '2999-01-01')).err).toContain(
      'yet to come',
    );
    const asked = await dativo('backfill', job.asset, '--from', '2026-01-01', '--to', '2026-01-02');
    expect([asked.code, asked.err]).toMatchObject([2, expect.stringContaining('add --yes')]);

    const plain = await scheduledJob('cron: "0 0 * * *"', { 'data/events.csv': `${EVENTS}\n` });
    await plain.apply();
    const { code, out } = await dativo('backfill', plain.asset, '--from', '2026-01-01', '--to', '2026-01-05', '--yes');
    expect(code).toBe(1);
    expect(out).toContain('CURSOR_FIELD_UNKNOWN');
    expect(out).toContain('3 windows not begun');
  });

  test('goes on by itself, one at a time, until it is cancelled', async () => {
    const job = await daily();
    await job.apply();
    const span = ['backfill', job.asset, '--from', '2020-01-01', '--to', '2026-01-01', '--yes', '--detach'];
    expect((await dativo(...span)).code).toBe(0);
    const second = await dativo(...span);
    expect([second.code, second.err]).toMatchObject([2, expect.stringContaining('ALREADY_RUNNING')]);
    expect((await dativo('backfill', job.asset, '--cancel')).out).toBe(`${job.asset}: backfill cancelled.\n`);
    expect((await dativo('backfill', job.asset, '--cancel')).out).toBe(`${job.asset}: no backfill goes on.\n`);
  });
});
