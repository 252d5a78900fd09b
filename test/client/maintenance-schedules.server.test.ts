import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { main } from '../../client/cli.ts';
import { listSchedules } from '../../client/schedule-store.ts';
import { queryLake } from '../../worker/lake/query.ts';
import { listSnapshots } from '../../worker/lake/snapshots.ts';
import { makeReference } from '../../worker/lake/table-history.ts';
import { jobFolder } from '../support/job-folder.ts';
import { onlyObject, runJob } from '../support/run-job.ts';
import { temporalServer, useClient } from '../support/temporal.ts';
import { useWorker } from '../support/worker.ts';
import { captureTerminal } from './captured-terminal.ts';

useWorker();
const client = useClient();

async function dativo(...argv: string[]) {
  const { address, home } = temporalServer();
  const terminal = captureTerminal();
  const code = await main(argv, { terminal, env: { TEMPORAL_ADDRESS: address, DATIVO_HOME: path.join(home, 'cli') } });
  return { code, out: terminal.out.text(), err: terminal.err.text() };
}

let projects = 0;
/** A folder of job files, all on one lake, that is a project and a tenant of its own. */
async function projectFolder(jobs: Readonly<Record<string, string>>) {
  const project = `maintained_${process.pid}_${++projects}`;
  const contentOf = (lines: string) =>
    `tenant_id: ${project}\nsource_connector: csv\n${lines.includes('source:') ? '' : 'source: { path: ../data/*.csv }\n'}` +
    `target: { namespace: shop, warehouse: ../lake }\n${lines}\n`;
  const entries = Object.entries(jobs).map(([name, lines]) => [`jobs/${name}.yaml`, contentOf(lines)]);
  const folder = await jobFolder({ ...Object.fromEntries(entries), 'data/0.csv': 'id,note\n0,a\n1,b\n' });
  const file = (name: string) => path.join(folder, 'jobs', `${name}.yaml`);
  return {
    project,
    folder,
    file,
    lake: { warehouse: path.join(folder, 'lake') },
    write: (name: string, lines: string) => writeFile(file(name), contentOf(lines)),
    remove: (name: string) => rm(file(name)),
    apply: (...options: string[]) =>
      dativo('apply', path.join(folder, 'jobs'), '--project', project, '--yes', ...options),
    plan: async (as = project) => {
      const { out } = await dativo('apply', path.join(folder, 'jobs'), '--project', as, '--dry-run', '--json');
      return planSchema.parse(JSON.parse(out));
    },
    /** What the server has, once it lists so many. */
    listed: async (count: number) => {
      const own = async () => (await listSchedules(client())).filter((one) => one.project === project);
      await expect.poll(async () => (await own()).length, { timeout: 10_000 }).toBe(count);
      return own();
    },
  };
}

const names = z.array(z.object({ kind: z.enum(['run', 'maintenance']), asset: z.string() })).transform((list) =>
  list
    .filter(({ kind }) => kind === 'maintenance')
    .map(({ asset }) => asset)
    .toSorted(),
);
const updates = z.array(
  z.object({ kind: z.string(), asset: z.string(), changes: z.array(z.looseObject({ field: z.string() })) }),
);
const planSchema = z.object({ create: names, update: updates, delete: names, unchanged: names, elsewhere: names });

afterEach(async () => {
  for await (const { scheduleId } of client().schedule.list()) {
    await client()
      .schedule.getHandle(scheduleId)
      .delete()
      .catch(() => {});
  }
});

describe('apply', () => {
  test('gives every table of a job with a schedule a maintenance, and the records of the lake one', async () => {
    const { plan, apply, listed, write, remove } = await projectFolder({
      orders: 'schedule: { every: 1h }',
      events: 'maintenance: { every: 6h }',
      by_hand: '',
      unmaintained: 'schedule: { every: 1h }\nmaintenance: { enabled: false }',
    });
    expect((await plan()).create).toEqual(['_dativo.runs', 'shop.events', 'shop.orders']);
    expect((await apply()).code).toBe(0);
    const schedules = await listed(5);
    const timings = new Map(schedules.map(({ kind, asset, timing }) => [`${kind} ${asset}`, timing]));
    expect(timings.get('maintenance shop.orders')).toEqual({ everyMs: 86_400_000 });
    expect(timings.get('maintenance shop.events')).toEqual({ everyMs: 21_600_000 });
    expect((await plan()).unchanged).toEqual(['_dativo.runs', 'shop.events', 'shop.orders']);

    // What a maintenance does not do differently is no change of it.
    await write('orders', 'schedule: { every: 2h }\ntransformations: [{ type: drop, columns: [note] }]');
    await write('events', 'maintenance: { cron: "0 3 * * *", timezone: Europe/Zurich, keep_snapshots: 3 }');
    const { update } = await plan();
    expect(update.map(({ kind, asset }) => `${kind} ${asset}`)).toEqual(['run orders', 'maintenance shop.events']);
    expect(update[1]?.changes.map(({ field }) => field).toSorted()).toEqual([
      'maintenance.cron',
      'maintenance.every',
      'maintenance.keep_snapshots',
      'maintenance.timezone',
    ]);
    await remove('events');
    expect((await plan()).delete).toEqual(['shop.events']);
  }, 60_000);

  test('leaves a table that another project maintains to it, and refuses two wishes for one table', async () => {
    const shared = 'asset: orders\nschedule: { every: 1h }';
    const mine = await projectFolder({ orders: shared });
    await mine.apply();
    await mine.listed(3);
    await rm(mine.file('orders'));
    await mine.write('customers', 'schedule: { every: 1h }');
    const { create, elsewhere } = await mine.plan('another');
    expect([create, elsewhere]).toEqual([['shop.customers'], ['_dativo.runs']]);

    const source = (objects: string) => `source: { path: "../data/{object}.csv", objects: [${objects}] }`;
    const { apply } = await projectFolder({
      one: `${source('orders, clicks')}\nschedule: { every: 1h }`,
      two: `${source('orders, views')}\nschedule: { every: 1h }\nmaintenance: { every: 6h }`,
    });
    const refused = await apply();
    expect([refused.code, refused.err]).toEqual([
      2,
      expect.stringContaining('two.yaml and one.yaml, which want the table shop.orders to be maintained differently'),
    ]);
  }, 60_000);
});

test('a scheduled maintenance is found, paused, resumed and triggered by the name of its table', async () => {
  const { project, apply, listed, folder, file, lake } = await projectFolder({
    orders: 'schedule: { every: 30d }\nmaintenance: { every: 30d, snapshots_older_than: 0s, keep_snapshots: 1 }',
  });
  await apply();
  await listed(3);
  for (let run = 0; run < 5; run += 1) {
    await writeFile(path.join(folder, `data/${run}.csv`), `id,note\n${run},x\n`);
    onlyObject(await runJob(client(), file('orders')));
  }
  const [, , second] = await listSnapshots(lake, 'shop.orders');
  await makeReference(lake, 'shop.orders', 'tag', 'audited', { at: String(second?.snapshotId) });

  const name = `maintain/${project}/shop.orders`;
  expect((await dativo('pause', 'maintain/shop.orders')).out).toBe(`${name}: paused.\n`);
  const listing = async () => (await dativo('schedules')).out;
  // The server lists what became of a schedule a moment after it has answered.
  await expect
    .poll(listing, { timeout: 10_000 })
    .toMatch(new RegExp(`${name} +every 30d +paused: paused with dativo pause`));
  expect((await dativo('resume', name)).out).toBe(`${name}: resumed.\n`);
  expect((await dativo('backfill', name, '--from', '2026-01-01', '--to', '2026-01-02')).err).toContain('is no job');
  expect((await dativo('pause', 'maintain/shop.nothing')).err).toContain('which no schedule is known by');

  const { code, out, err } = await dativo('trigger', name, '--wait');
  expect(code, err).toBe(0);
  expect(out).toMatch(/shop\.orders: maintained\n/);
  expect(out).toMatch(/compact +5 +-> 1 /);
  // A table that is not there yet has nothing to be done to.
  expect(out).toContain('shop.orders__quarantine: nothing to do');
  const kept = await listSnapshots(lake, 'shop.orders');
  expect(kept.map(({ snapshotId }) => snapshotId)).toContain(second?.snapshotId);
  expect(kept).toHaveLength(2);
  const { rows } = await queryLake(lake, 'SELECT count(*)::INT FROM shop.orders', { limit: 10 });
  expect(rows).toEqual([[5]]);
  await expect.poll(listing, { timeout: 10_000 }).toMatch(new RegExp(`${name} .*success`));
}, 120_000);
