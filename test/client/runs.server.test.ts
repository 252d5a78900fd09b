import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Activities } from '../../activities/activities.ts';
import { main } from '../../client/cli.ts';
import { finishRun } from '../../client/finish-run.ts';
import { RunFollower } from '../../client/follow-run.ts';
import type { RunView } from '../../client/progress.ts';
import type { StartedRun } from '../../client/start-run.ts';
import { startRun } from '../../client/start-run.ts';
import type { LoadedJob } from '../../config/validate.ts';
import { validateJob } from '../../config/validate.ts';
import { HEAVY_TASK_QUEUE, TASK_QUEUE } from '../../contracts/ids.ts';
import { loadWorkflowBundle } from '../../worker/workflow-bundle.ts';
import { activityFailure, fakeActivities } from '../support/fake-activities.ts';
import { jobFile } from '../support/job-folder.ts';
import { temporalServer, useClient } from '../support/temporal.ts';
import { captureTerminal } from './captured-terminal.ts';

let bundle: { code: string };
let connection: NativeConnection;
const client = useClient();

beforeAll(async () => {
  bundle = await loadWorkflowBundle();
  connection = await NativeConnection.connect({ address: temporalServer().address });
});
afterAll(() => connection.close());

async function withWorkers<T>(overrides: Partial<Activities>, work: () => Promise<T>): Promise<T> {
  const { namespace } = temporalServer();
  const { activities } = fakeActivities(overrides);
  const light = await Worker.create({ connection, namespace, taskQueue: TASK_QUEUE, workflowBundle: bundle, activities });
  const heavy = await Worker.create({ connection, namespace, taskQueue: HEAVY_TASK_QUEUE, activities });
  return light.runUntil(heavy.runUntil(work()));
}

let jobs = 0;
async function job(objects: readonly string[]): Promise<LoadedJob> {
  const asset = `client_${process.pid}_${++jobs}`;
  const file = await jobFile(`source_connector: csv\nasset: ${asset}\nsource: { path: "{object}.csv", objects: [${objects.join(', ')}] }\n`);
  const { job: loaded } = await validateJob(file, { env: {} });
  if (!loaded) throw new Error('the job of the test is not valid');
  return loaded;
}

function start(loaded: LoadedJob): Promise<StartedRun> {
  const reference = { uri: 'file:///job.json', sha256: loaded.digest };
  return startRun(client(), { job: loaded, reference, options: { mode: 'incremental' }, env: {} });
}

async function dativo(...argv: string[]) {
  const { address, home } = temporalServer();
  const terminal = captureTerminal();
  const code = await main(argv, { terminal, env: { TEMPORAL_ADDRESS: address, DATIVO_HOME: home } });
  return { code, out: terminal.out.text(), err: terminal.err.text() };
}

/** Looks until the view is as wanted. */
async function look(follower: RunFollower, wanted: (view: RunView) => boolean): Promise<RunView> {
  for (;;) {
    const view = await follower.look();
    if (wanted(view)) return view;
    await sleep(50);
  }
}

/** Lasts until its run is cancelled. */
async function untilCancelled(): Promise<never> {
  const { heartbeat, cancelled } = Context.current();
  heartbeat({ chunk: 0, rows: 4321 });
  const beating = setInterval(() => heartbeat({ chunk: 0, rows: 4321 }), 200);
  return cancelled.finally(() => clearInterval(beating));
}

test('a run is followed from its activities, and told as it ended', async () => {
  let finish = () => {};
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const extractChunk: Activities['extractChunk'] = async ({ chunk }) => {
    Context.current().heartbeat({ chunk, rows: 7 });
    await finished;
    const counts = { read: 10, committed: 9, quarantined: 1, deadLettered: 0, skipped: {} };
    return { attempt: 1, counts, files: 1, bytes: 100 };
  };
  await withWorkers({ extractChunk }, async () => {
    const run = await start(await job(['orders', 'customers']));
    expect(run.joined).toBe(false);
    const follower = new RunFollower(client(), run);
    const view = await look(follower, ({ objects }) => objects.every(({ rows, chunks }) => rows === 14 && chunks === 2));
    expect(view.objects.map(({ object, stage }) => `${object} ${stage}`)).toEqual(['orders extracting', 'customers extracting']);
    finish();
    const ending = await finishRun(client(), run, undefined);
    expect(ending.state).toBe('success');
    expect(ending.objects.map(({ counts }) => counts.committed)).toEqual([18, 18]);
  });
});

test('a job that runs already is followed, not started again', async () => {
  await withWorkers({ extractChunk: untilCancelled }, async () => {
    const loaded = await job(['orders']);
    const first = await start(loaded);
    const second = await start(loaded);
    expect(second).toMatchObject({ joined: true, runId: first.runId });
    await client().workflow.getHandle(first.workflowId).cancel();
    expect((await finishRun(client(), second, undefined)).state).toBe('cancelled');
  });
});

test('a run that is being cancelled is waited for, then the job is started', async () => {
  await withWorkers({ extractChunk: untilCancelled }, async () => {
    const loaded = await job(['orders']);
    const first = await start(loaded);
    await client().workflow.getHandle(first.workflowId).cancel();
    const second = await start(loaded);
    expect(second.joined).toBe(false);
    expect(second.runId).not.toBe(first.runId);
    await client().workflow.getHandle(second.workflowId).cancel();
  });
});

test('a run without any success is told object by object', async () => {
  const planObject: Activities['planObject'] = async () => {
    throw activityFailure('SOURCE_NOT_FOUND', 'No file matches orders.csv; expected one; check the path.');
  };
  await withWorkers({ planObject }, async () => {
    const ending = await finishRun(client(), await start(await job(['orders'])), undefined);
    expect(ending.state).toBe('failed');
    expect(ending.objects[0]?.failure?.code).toBe('SOURCE_NOT_FOUND');
  });
});

test('a retry shows what failed and when it is tried again', async () => {
  const planObject: Activities['planObject'] = async () => {
    throw ApplicationFailure.create({ message: 'the catalog is locked', type: 'TransientError', nextRetryDelay: '30s' });
  };
  await withWorkers({ planObject }, async () => {
    const run = await start(await job(['orders']));
    const view = await look(new RunFollower(client(), run), ({ objects }) => objects[0]?.retry !== undefined);
    expect(view.objects[0]).toMatchObject({ stage: 'planning', retry: { attempt: 2, message: 'the catalog is locked' } });
    expect(view.objects[0]?.retry?.nextAt).toBeGreaterThan(Date.now());
    await client().workflow.getHandle(run.workflowId).terminate();
  });
});

test('status says of a running run what Temporal shows of it', async () => {
  await withWorkers({ extractChunk: untilCancelled }, async () => {
    const run = await start(await job(['orders']));
    await look(new RunFollower(client(), run), ({ objects }) => objects[0]?.stage === 'extracting');
    const { code, out } = await dativo('status', run.workflowId);
    expect(code).toBe(0);
    expect(out).toContain(`${run.workflowId} running`);
    expect(out).toContain('orders: extracting');
    await client().workflow.getHandle(run.workflowId).cancel();
  });
});

test('cancel waits until the run has cleaned up', async () => {
  await withWorkers({ extractChunk: untilCancelled }, async () => {
    const run = await start(await job(['orders']));
    const { code, out } = await dativo('cancel', run.job.asset, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ workflowId: run.workflowId, state: 'cancelled' });
  });
});

test('runs lists what Temporal knows, and status tells how an ended run ended', async () => {
  await withWorkers({}, async () => {
    const run = await start(await job(['orders']));
    await finishRun(client(), run, undefined);
    const listed = async () => JSON.parse((await dativo('runs', '--json', '--limit', '1')).out) as { runs: { runId: string; state: string }[] };
    // Temporal lists a run a moment after it has ended.
    await expect.poll(async () => (await listed()).runs[0], { timeout: 10_000 }).toMatchObject({ runId: run.runId, state: 'success' });
    const { code, out } = await dativo('status', run.runId);
    expect(code).toBe(0);
    expect(out).toContain('18 rows committed');
  });
});

test('an unknown run is refused with where to look', async () => {
  const { code, err } = await dativo('status', 'no_such_asset');
  expect(code).toBe(2);
  expect(err).toMatch(/no_such_asset.*dativo runs.*RUN_NOT_FOUND/);
});
