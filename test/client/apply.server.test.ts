import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { main } from '../../client/cli.ts';
import { describeSchedule, listSchedules } from '../../client/schedule-store.ts';
import { scheduleId } from '../../contracts/ids.ts';
import { dativo as dativoProcess } from '../support/cli.ts';
import { jobFolder } from '../support/job-folder.ts';
import { temporalServer, useClient } from '../support/temporal.ts';
import { captureTerminal } from './captured-terminal.ts';

const client = useClient();

let projects = 0;
/** A folder of job files that is a project of its own. */
async function projectFolder(jobs: Readonly<Record<string, string>>) {
  const project = `project_${process.pid}_${++projects}`;
  const tenant = project;
  const contentOf = (lines: string) =>
    `tenant_id: ${tenant}\nsource_connector: csv\nsource: { path: "*.csv" }\ntarget: { warehouse: lake }\nmaintenance: { enabled: false }\n${lines}\n`;
  const files = Object.fromEntries(
    Object.entries(jobs).map(([name, lines]) => [`jobs/${name}.yaml`, contentOf(lines)]),
  );
  const folder = await jobFolder(files);
  return {
    project,
    tenant,
    folder,
    id: (asset: string) => scheduleId(tenant, asset),
    write: (name: string, lines: string) => writeFile(path.join(folder, 'jobs', `${name}.yaml`), contentOf(lines)),
    remove: (name: string) => rm(path.join(folder, 'jobs', `${name}.yaml`)),
    apply: (...options: string[]) => dativo('apply', path.join(folder, 'jobs'), '--project', project, ...options),
  };
}

function dativo(...argv: string[]) {
  return dativoIn('default', argv);
}

async function dativoIn(namespace: string, argv: readonly string[]) {
  const { address, home } = temporalServer();
  const terminal = captureTerminal();
  const env = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, DATIVO_HOME: path.join(home, 'cli') };
  const code = await main(argv, { terminal, env });
  return { code, out: terminal.out.text(), err: terminal.err.text() };
}

const named = z.object({ asset: z.string() });
const planSchema = z.object({
  create: z.array(named),
  update: z.array(
    named.extend({
      changes: z.array(z.object({ field: z.string(), old: z.string().optional(), new: z.string().optional() })),
    }),
  ),
  delete: z.array(named),
  unchanged: z.array(named),
  applied: z.boolean(),
});

/** The plan of an apply that prints JSON. */
function planIn(out: string) {
  const { create, update, delete: remove, unchanged, applied } = planSchema.parse(JSON.parse(out));
  const assets = (list: readonly { asset: string }[]) => list.map(({ asset }) => asset);
  return { create: assets(create), update, remove: assets(remove), unchanged: assets(unchanged), applied };
}

async function known(id: string) {
  const found = await describeSchedule(client(), id);
  if (found === undefined || found === 'foreign') throw new Error(`no schedule ${id}`);
  return found;
}

async function listed(id: string) {
  return (await listSchedules(client())).find(({ scheduleId: one }) => one === id);
}

afterEach(async () => {
  for await (const { scheduleId: id } of client().schedule.list()) {
    await client()
      .schedule.getHandle(id)
      .delete()
      .catch(() => {});
  }
});

describe('apply', () => {
  test('gives each job with a schedule one, with its policies, and the second time changes nothing', async () => {
    const { apply, id, project, tenant } = await projectFolder({
      orders:
        'schedule: { cron: "0 6 13 * fri", timezone: Europe/Zurich, overlap: buffer_one, catchup_window: 2h, jitter: 5m }',
      customers: 'schedule: { every: 15m, enabled: false, pause_on_failure: true, start_at: 2027-01-31 }',
      invoices: '',
    });
    const { code, out, err } = await apply('--yes');
    expect(code, err).toBe(0);
    expect(out).toMatch(/\+ create {2}\S+\/customers {2}every 15m, paused {2}customers\.yaml/);
    expect(out).toMatch(/\+ create {2}\S+\/orders {2}0 6 13 \* fri Europe\/Zurich, next .* {2}orders\.yaml/);
    expect(err).toContain('2 jobs with a schedule, 1 without');

    const { description, ...orders } = await known(id('orders'));
    expect(orders).toMatchObject({ project, tenant, asset: 'orders', file: 'orders.yaml' });
    expect(description.policies).toEqual({ overlap: 'BUFFER_ONE', catchupWindow: 7_200_000, pauseOnFailure: false });
    expect(description.spec).toMatchObject({ timezone: 'Europe/Zurich', jitter: 300_000 });
    // Either kind of day, as in crontab(5).
    const days = description.info.nextActionTimes.map((time) => [time.getUTCDate(), time.getUTCDay()]);
    expect(days.every(([date, weekday]) => date === 13 || weekday === 5)).toBe(true);
    expect(days.some(([date]) => date !== 13)).toBe(true);

    const customers = (await known(id('customers'))).description;
    expect(customers.state).toMatchObject({ paused: true, note: 'paused by its job file (enabled: false)' });
    expect(customers.policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 3_600_000, pauseOnFailure: true });
    expect(customers.spec.startAt).toEqual(new Date('2027-01-31T00:00:00Z'));

    const again = await apply('--yes', '--json');
    expect(again.code).toBe(0);
    expect(planIn(again.out)).toEqual({
      create: [],
      update: [],
      remove: [],
      unchanged: ['customers', 'orders'],
      applied: false,
    });
    expect((await known(id('orders'))).description.info.lastUpdatedAt).toBeUndefined();
  });

  test('updates what has changed, and names the fields with their old and new values', async () => {
    const folder = await projectFolder({
      orders: 'schedule: { every: 1h }',
      customers: 'schedule: { every: 1h }',
    });
    await folder.apply('--yes');
    const before = await known(folder.id('orders'));
    await folder.write(
      'orders',
      'schedule: { cron: "0 * * * *", jitter: 1m }\ntransformations: [{ type: drop, columns: [a] }]',
    );
    const { out } = await folder.apply('--yes');
    expect(out).toContain('schedule.cron: not set → 0 * * * *');
    expect(out).toContain('schedule.every: 1h → not set');
    expect(out).toContain('schedule.jitter: 0s → 1m');
    expect(out).toContain('transformations[0].columns: not set → ["a"]');
    expect(out).toContain('= 1 schedule unchanged');
    expect(out).not.toContain('customers');
    const after = await known(folder.id('orders'));
    expect(after.description.spec.intervals).toEqual([]);
    expect(after.job?.sha256).not.toBe(before.job?.sha256);
    expect(after.digest).not.toBe(before.digest);
  });

  test('deletes the schedules of jobs that have gone, and only those of its project', async () => {
    const mine = await projectFolder({ orders: 'schedule: { every: 1h }', customers: 'schedule: { every: 1h }' });
    const other = await projectFolder({ orders: 'schedule: { every: 1h }' });
    await mine.apply('--yes');
    await other.apply('--yes');
    await client().schedule.create({
      scheduleId: `foreign-${mine.project}`,
      spec: { intervals: [{ every: '1h' }] },
      action: { type: 'startWorkflow', workflowType: 'somethingElse', taskQueue: 'elsewhere' },
    });
    await expect.poll(async () => (await listSchedules(client())).length, { timeout: 10_000 }).toBe(3);
    await mine.remove('customers');
    await mine.write('orders', '');
    const { out } = await mine.apply('--yes', '--json');
    expect(planIn(out)).toMatchObject({
      create: [],
      update: [],
      remove: expect.arrayContaining(['orders', 'customers']),
    });
    expect(await describeSchedule(client(), mine.id('orders'))).toBeUndefined();
    expect(await describeSchedule(client(), mine.id('customers'))).toBeUndefined();
    expect(await known(other.id('orders'))).toMatchObject({ project: other.project });
    expect(await describeSchedule(client(), `foreign-${mine.project}`)).toBe('foreign');
  });

  test('refuses a schedule that is somebody else’s, and changes nothing', async () => {
    const mine = await projectFolder({ orders: 'schedule: { every: 1h }', customers: 'schedule: { every: 1h }' });
    await mine.apply('--yes');
    const { code, err } = await dativo('apply', path.join(mine.folder, 'jobs'), '--project', 'another', '--yes');
    expect(code).toBe(2);
    expect(err).toMatch(
      /belongs to the project "project_\d+_\d+"; expected .*; apply it with --project .*SCHEDULE_NOT_OURS/,
    );

    const id = mine.id('invoices');
    await client().schedule.create({
      scheduleId: id,
      spec: { intervals: [{ every: '1h' }] },
      action: { type: 'startWorkflow', workflowType: 'somethingElse', taskQueue: 'elsewhere' },
    });
    await mine.write('invoices', 'schedule: { every: 1h }');
    expect((await mine.apply('--yes')).err).toContain('that Dativo did not make');
    expect((await client().schedule.getHandle(id).describe()).action.workflowType).toBe('somethingElse');
  });

  test('does not delete the schedules of another folder of the same name', async () => {
    const one = await projectFolder({ orders: 'schedule: { every: 1h }' });
    const two = await projectFolder({ orders: 'schedule: { every: 1h }' });
    const apply = (folder: string) => dativo('apply', path.join(folder, 'jobs'), '--yes');
    expect((await apply(one.folder)).code).toBe(0);
    await expect.poll(async () => (await listSchedules(client())).length, { timeout: 10_000 }).toBe(1);
    const { code, err } = await apply(two.folder);
    expect(code).toBe(2);
    expect(err).toContain('none of the 1 scheduled jobs of the project "jobs"; expected the folder that they were');
    expect(await known(one.id('orders'))).toMatchObject({ project: 'jobs' });
  });

  test('keeps a pause that somebody made, until `enabled` changes', async () => {
    const folder = await projectFolder({ orders: 'schedule: { every: 1h }' });
    const { apply, write } = folder;
    await apply('--yes');
    const handle = client().schedule.getHandle(folder.id('orders'));
    await handle.pause('month end');
    await write('orders', 'schedule: { every: 2h }');
    await apply('--yes');
    expect((await handle.describe()).state).toMatchObject({ paused: true, note: 'month end' });
    await write('orders', 'schedule: { every: 2h, enabled: false }');
    await apply('--yes');
    // What follows is what was there before: a list that is behind would show it as unchanged.
    const { digest } = await known(folder.id('orders'));
    await expect.poll(async () => (await listed(folder.id('orders')))?.digest, { timeout: 10_000 }).toBe(digest);
    await write('orders', 'schedule: { every: 2h }');
    await apply('--yes');
    expect((await handle.describe()).state).toMatchObject({ paused: false });
  });

  test('--force writes what looks unchanged, in case it was changed in Temporal', async () => {
    const folder = await projectFolder({ orders: 'schedule: { every: 1h }' });
    await folder.apply('--yes');
    const handle = client().schedule.getHandle(folder.id('orders'));
    await handle.update((schedule) => ({ ...schedule, spec: { intervals: [{ every: '5h' }] } }));
    expect(planIn((await folder.apply('--yes', '--json')).out).unchanged).toEqual(['orders']);
    const { out } = await folder.apply('--yes', '--force');
    expect(out).toContain('written again, as it is in its file');
    expect((await handle.describe()).spec.intervals).toEqual([{ every: 3_600_000 }]);
  });

  test('--dry-run and a missing --yes change nothing', async () => {
    const { apply, id, folder, project } = await projectFolder({ orders: 'schedule: { every: 1h }' });
    const dry = await apply('--dry-run', '--json');
    expect([dry.code, planIn(dry.out)]).toMatchObject([0, { create: ['orders'], applied: false }]);
    const asked = await dativoProcess(['apply', 'jobs', '--project', project], { cwd: folder });
    expect(asked.code).toBe(2);
    expect(asked.stdout).toContain('+ create');
    expect(asked.stderr).toContain('add --yes to go on without it');
    expect(await describeSchedule(client(), id('orders'))).toBeUndefined();
  });

  test('says everything that is wrong in the folder, and starts nothing', async () => {
    const { apply, id } = await projectFolder({
      orders: 'schedule: { cron: "0 0 31 2 *" }',
      customers: 'schedule: { every: 1h }',
      invoices: 'shedule: { every: 1h }',
    });
    const { code, err } = await apply('--yes');
    expect(code).toBe(2);
    expect(err).toMatch(/orders\.yaml:6:19.*no year has day 31 in month 2/);
    expect(err).toMatch(/invoices\.yaml:6:1.*write "schedule" instead/);
    expect(await describeSchedule(client(), id('customers'))).toBeUndefined();
  });

  test('refuses two jobs that fill one asset, and an unset variable in a schedule', async () => {
    const twins = await projectFolder({
      a: 'asset: orders\nschedule: { every: 1h }',
      b: 'asset: orders\nschedule: { every: 2h }',
    });
    expect((await twins.apply('--yes')).err).toContain('which both fill the asset orders');
    const unset = await projectFolder({ orders: 'schedule: { cron: "${NO_SUCH_CRON}" }' });
    const { code, err } = await unset.apply('--yes');
    expect(code).toBe(2);
    expect(err).toMatch(/NO_SUCH_CRON.*VARIABLE_UNSET/);
  });

  test('stops at Ctrl-C after what is under way, says what is left, and goes on when it is applied again', async () => {
    const names = Array.from({ length: 80 }, (_, index) => `orders_${index}`);
    const { apply, id } = await projectFolder(
      Object.fromEntries(names.map((name) => [name, 'schedule: { every: 1h }'])),
    );
    const applying = apply('--yes');
    // The first one is made by itself, before all others.
    await expect.poll(() => describeSchedule(client(), id('orders_0')), { timeout: 20_000, interval: 5 }).toBeDefined();
    process.emit('SIGINT');
    const { code, out, err } = await applying;
    expect(err).toContain('Stopping after what is under way');
    expect([code, out]).toMatchObject([
      3,
      expect.stringMatching(/Applied \d+ changes \(\d+ not begun; apply again to go on\)/),
    ]);
    expect((await apply('--yes')).code).toBe(0);
    await expect.poll(async () => (await listSchedules(client())).length, { timeout: 20_000 }).toBe(names.length);
  });

  test('registers the search attributes where the namespace lacks them', async () => {
    const { folder, id, tenant } = await projectFolder({
      orders: 'schedule: { every: 1h }',
      customers: 'schedule: { every: 1h }',
    });
    const namespace = `bare-${process.pid}`;
    const { connection } = client();
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('3 days'),
    });
    const bare = new Client({ connection, namespace });
    // Nodes hear of a new namespace with some delay.
    const isKnown = () =>
      listSchedules(bare).then(
        () => true,
        () => false,
      );
    await expect.poll(isKnown, { timeout: 30_000 }).toBe(true);
    const { code, err } = await dativoIn(namespace, ['apply', path.join(folder, 'jobs'), '--yes']);
    expect(code, err).toBe(0);
    expect(await describeSchedule(bare, id('customers'))).toMatchObject({ asset: 'customers' });
    expect((await dativoIn(namespace, ['pause', `${tenant}/orders`])).code).toBe(0);
  });

  test('needs a server that stays up', async () => {
    const { folder } = await projectFolder({ orders: 'schedule: { every: 1h }' });
    const home = path.join(folder, 'home');
    const terminal = captureTerminal();
    const code = await main(['apply', path.join(folder, 'jobs'), '--yes'], {
      terminal,
      env: { DATIVO_HOME: home, HOME: home },
    });
    expect(code).toBe(1);
    expect(terminal.err.text()).toMatch(/no Temporal server that stays up; expected .*; keep `dativo dev` running/);
  });
});
