import { randomUUID } from 'node:crypto';
import { msToTs } from '@temporalio/common/lib/time.js';
import { expect, test } from 'vitest';
import { jobFolder } from '../support/job-folder.ts';
import type { StartedCommand } from '../support/own-server.ts';
import { startCommand } from '../support/own-server.ts';
import { temporalServer, useClient } from '../support/temporal.ts';

const client = useClient();

/** Commands of several machines that share a namespace of one server; each has a state folder of its own. */
async function cluster(job: string, rows: readonly string[]) {
  const { address } = temporalServer();
  const namespace = `cluster-${randomUUID()}`;
  const { workflowService } = client().connection;
  await workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('1 day') });
  const asset = `shared_${randomUUID().slice(0, 8)}`;
  const folder = await jobFolder({
    'job.yaml': `source_connector: csv\nasset: ${asset}\nsource: { path: a.csv }\ntarget: { namespace: shop }\n${job}`,
    'a.csv': ['id', ...rows, ''].join('\n'),
  });
  const withEnv = (env: NodeJS.ProcessEnv, host: string, ...args: string[]) =>
    startCommand(folder, args, {
      ...env,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      DATIVO_HOST: host,
      DATIVO_HOME: `${folder}/.${host}`,
    });
  const on = (host: string, ...args: string[]) => withEnv({}, host, ...args);
  const workerOn = async (host: string) => {
    const worker = on(host, 'worker', '--json');
    await worker.firstLine;
    return worker;
  };
  const describe = () =>
    workflowService.describeWorkflowExecution({
      namespace,
      execution: { workflowId: `ingest/default/${asset}/${asset}` },
    });
  /** Process ids of those that worked on the run's activities. */
  const activityWorkers = async () => {
    const { history } = await workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId: `ingest/default/${asset}/${asset}` },
    });
    const identities = (history?.events ?? []).flatMap((event) => event.activityTaskStartedEventAttributes ?? []);
    return new Set(identities.map(({ identity }) => Number(identity?.split('@')[0])));
  };
  return { on, withEnv, workerOn, asset, describe, activityWorkers };
}

async function stop({ child, ended }: StartedCommand): Promise<void> {
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0 });
}

test('what is on the disk of one machine is worked on there, and the run says so', async () => {
  const { on, workerOn, activityWorkers } = await cluster('', ['1', '2']);
  const other = await workerOn('other');
  const run = on('holder', 'run', 'job.yaml');
  await run.says(/its lake is on the disk of one machine, so only workers on holder do its work\./);
  await run.says(/no worker works for it now; it waits until `dativo worker` is started on holder\./);

  const holder = await workerOn('holder');
  expect(await run.ended).toMatchObject({ code: 0 });
  expect(await activityWorkers()).toEqual(new Set([holder.child.pid]));
  await Promise.all([stop(other), stop(holder)]);
}, 90_000);

test('a worker that is asked to end hands a long chunk over at once', async () => {
  // A second of cpu for each two thousand rows: far more than a worker may take to end.
  const slow = 'transformations: [{ name: slow, type: sql, expression: "list_sum(range(id % 7 + 60000))" }]\n';
  const rows = Array.from({ length: 400_000 }, (_, id) => String(id));
  const { on, workerOn, describe } = await cluster(slow, rows);
  const first = await workerOn('holder');
  const run = on('holder', 'run', 'job.yaml');
  await run.says(/extracting/);
  const chunk = async () =>
    (await describe()).pendingActivities?.find(({ activityType }) => activityType?.name === 'extractChunks');
  const worksOn = async () => Number((await chunk())?.lastWorkerIdentity?.split('@')[0]);
  await expect.poll(worksOn, { timeout: 30_000 }).toBe(first.child.pid);

  const second = await workerOn('holder');
  const asked = Date.now();
  await stop(first);
  await expect.poll(worksOn, { timeout: 30_000 }).toBe(second.child.pid);
  // A lost worker would have been missed after a minute.
  expect(Date.now() - asked).toBeLessThan(40_000);
  run.child.kill('SIGINT');
  expect(await run.ended).toMatchObject({ code: 1 });
  await stop(second);
}, 150_000);

test('a run ends on the build that it was started on, and new ones start on the one that was promoted', async () => {
  const slow = 'transformations: [{ name: slow, type: sql, expression: "list_sum(range(id % 7 + 20000))" }]\n';
  const rows = Array.from({ length: 100_000 }, (_, id) => String(id));
  const { on, withEnv, activityWorkers } = await cluster(slow, rows);
  const build = (DATIVO_BUILD_ID: string, ...args: string[]) =>
    withEnv({ DATIVO_DEPLOYMENT: 'prod', DATIVO_BUILD_ID }, 'holder', 'worker', '--json', ...args);
  const old = build('one');
  expect(JSON.parse(await old.firstLine)).toMatchObject({ deployment: { buildId: 'one', current: true } });
  const run = on('holder', 'run', 'job.yaml');
  await run.says(/extracting/);

  const waiting = build('two');
  expect(JSON.parse(await waiting.firstLine)).toMatchObject({ deployment: { current: false, before: 'one' } });
  const promoted = build('two', '--promote');
  expect(JSON.parse(await promoted.firstLine)).toMatchObject({ deployment: { current: true, before: 'one' } });
  expect(await run.ended).toMatchObject({ code: 0 });
  expect(await activityWorkers()).toEqual(new Set([old.child.pid]));

  await stop(old);
  expect(await on('holder', 'run', 'job.yaml', '--full-refresh').ended).toMatchObject({ code: 0 });
  for (const pid of await activityWorkers()) expect([waiting.child.pid, promoted.child.pid]).toContain(pid);
  await Promise.all([stop(waiting), stop(promoted)]);
}, 150_000);

test('a build is promoted only as part of a deployment', async () => {
  const { on } = await cluster('', []);
  const { code, stderr } = await on('holder', 'worker', '--promote').ended;
  expect([code, stderr]).toEqual([2, expect.stringContaining('set DATIVO_DEPLOYMENT for all workers')]);
}, 30_000);
