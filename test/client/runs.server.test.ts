import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
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
import { HEAVY_TASK_QUEUE, ingestWorkflowId, TASK_QUEUE, taskQueueOf } from '../../contracts/ids.ts';
import { hostName } from '../../worker/host.ts';
import { loadWorkflowBundle } from '../../worker/workflow-bundle.ts';
import { activityFailure, fakeActivities, PLAN } from '../support/fake-activities.ts';
import { jobFile } from '../support/job-folder.ts';
import { temporalServer, useClient } from '../support/temporal.ts';
import { captureTerminal } from './captured-terminal.ts';

let bundle: { code: string };
let connection: NativeConnection;
const client = useClient();

beforeAll(async () => {
  // A test sends this process a signal that is meant for the command, not for the workers beside it.
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
  bundle = await loadWorkflowBundle();
  connection = await NativeConnection.connect({ address: temporalServer().address });
});
afterAll(() => connection.close());

async function withWorkers<T>(overrides: Partial<Activities>, work: () => Promise<T>): Promise<T> {
  const { namespace } = temporalServer();
  const { activities } = fakeActivities(overrides);
  const shared = { connection, namespace, activities, maxHeartbeatThrottleInterval: 100 };
  // As a worker of this machine has it: lakes of these tests are on its disk.
  const onThisHost = (queue: string) => taskQueueOf(queue, hostName(process.env));
  const queues = [TASK_QUEUE, HEAVY_TASK_QUEUE].flatMap((queue) => [queue, onThisHost(queue)]);
  const workers = await Promise.all(
    queues.map((taskQueue) =>
      Worker.create({ ...shared, taskQueue, ...(taskQueue === TASK_QUEUE ? { workflowBundle: bundle } : {}) }),
    ),
  );
  return workers.reduce((result, worker) => worker.runUntil(result), work());
}

let jobs = 0;
async function job(objects: readonly string[]): Promise<LoadedJob> {
  const asset = `client_${process.pid}_${++jobs}`;
  const file = await jobFile(
    `source_connector: csv\nasset: ${asset}\nsource: { path: "{object}.csv", objects: [${objects.join(', ')}] }\n`,
  );
  const { job: loaded } = await validateJob(file, { env: {} });
  if (!loaded) throw new Error('the job of the test is not valid');
  return loaded;
}

async function start(loaded: LoadedJob): Promise<StartedRun> {
  const reference = { uri: 'file:///job.json', sha256: loaded.digest };
  const run = await startRun(client(), { job: loaded, reference, options: { mode: 'incremental' }, env: {} });
  if (!run) throw new Error('without a signal a run is always started');
  return run;
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
    const view = await look(follower, ({ objects }) =>
      objects.every(({ rows, chunks }) => rows === 14 && chunks === 2),
    );
    expect(view.objects.map(({ object, stage }) => `${object} ${stage}`)).toEqual([
      'orders extracting',
      'customers extracting',
    ]);
    finish();
    const ending = await finishRun(client(), run, undefined);
    expect(ending.state).toBe('success');
    expect(ending.objects.map(({ counts }) => counts.committed)).toEqual([18, 18]);
  });
});

test('chunks and rows of an activity that has several of them are told before it ends', async () => {
  const extractChunks: Activities['extractChunks'] = async () => {
    const tell = () => Context.current().heartbeat({ chunk: 2, rows: 2_500, tries: 1, attempts: [1, 1] });
    const telling = setInterval(tell, 100);
    return Context.current().cancelled.finally(() => clearInterval(telling));
  };
  const planObject: Activities['planObject'] = async ({ object }) => ({
    plan: PLAN,
    table: `shop.${object}`,
    chunks: 12,
    schemaChanges: [],
    unchangedUnits: 0,
  });
  await withWorkers({ planObject, extractChunks }, async () => {
    const run = await start(await job(['orders']));
    const view = await look(new RunFollower(client(), run), ({ objects }) => objects[0]?.rows === 10_000);
    // Four activities at once, by the job's default.
    expect(view.objects).toMatchObject([{ stage: 'extracting', chunks: 12, chunksDone: 8 }]);
    await client().workflow.getHandle(run.workflowId).cancel();
    await finishRun(client(), run, undefined);
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
    throw ApplicationFailure.create({
      message: 'the catalog is locked',
      type: 'TransientError',
      nextRetryDelay: '30s',
    });
  };
  await withWorkers({ planObject }, async () => {
    const run = await start(await job(['orders']));
    const view = await look(new RunFollower(client(), run), ({ objects }) => objects[0]?.retry !== undefined);
    expect(view.objects[0]).toMatchObject({
      stage: 'planning',
      retry: { attempt: 2, message: 'the catalog is locked' },
    });
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
    const { code, out, err } = await dativo('cancel', run.job.asset, '--json');
    expect(err).toContain(`Cancelling ${run.workflowId}`);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ workflowId: run.workflowId, runId: run.runId, state: 'cancelled' });
  });
});

test('cancel says which run it was, what was committed before, and how to start it again', async () => {
  const extractChunk: Activities['extractChunk'] = async ({ run: { object }, chunk }) => {
    if (object === 'orders') return untilCancelled();
    const counts = { read: 1210, committed: 1210, quarantined: 0, deadLettered: 0, skipped: {} };
    return { attempt: 1, counts, files: 1, bytes: 100 + chunk };
  };
  await withWorkers({ extractChunk }, async () => {
    const run = await start(await job(['orders', 'customers']));
    await look(new RunFollower(client(), run), ({ objects }) => objects[1]?.result !== undefined);
    const { out, err } = await dativo('cancel', run.job.asset);
    expect(err).toContain(`${run.workflowId}, run ${run.runId}`);
    expect(out).toMatch(/cancelled after .*; 2,420 rows had been committed before/);
    expect(out).toMatch(/^orders +cancelled/m);
    expect(out).toMatch(/^customers +success/m);
    expect(out).toContain('begins where the last commit left off');

    const again = await dativo('cancel', run.runId);
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining('there was nothing to cancel') });
  });
});

test('runs lists what Temporal knows, and status tells how an ended run ended', async () => {
  await withWorkers({}, async () => {
    const run = await start(await job(['orders']));
    await finishRun(client(), run, undefined);
    const listed = async () => {
      const { runs } = JSON.parse((await dativo('runs', '--json')).out) as { runs: { runId: string; state: string }[] };
      return runs.find(({ runId }) => runId === run.runId)?.state;
    };
    // Temporal lists a run, and its end, a moment later.
    await expect.poll(listed, { timeout: 10_000 }).toBe('success');
    const { code, out } = await dativo('status', run.runId);
    expect(code).toBe(0);
    expect(out).toContain('18 rows committed');
  });
});

test('run shows how a job goes on, sums it up, and says what to do next', async () => {
  await withWorkers({}, async () => {
    const loaded = await job(['orders', 'customers']);
    const { code, out } = await dativo('run', path.join(loaded.folder, 'job.yaml'));
    expect(code).toBe(0);
    expect(out).toContain(`${loaded.asset}: 36 rows committed`);
    expect(out).toContain(`Temporal: workflow ingest/default/${loaded.asset}`);
    expect(out).toContain('Next: dativo query');
  });
});

test('where lines cannot be redrawn the last line of each object has its rows, rate and duration', async () => {
  await withWorkers({}, async () => {
    const loaded = await job(['orders', 'customers']);
    const { err } = await dativo('run', path.join(loaded.folder, 'job.yaml'));
    for (const object of ['orders', 'customers']) {
      expect(err.match(new RegExp(`^${object}: done, 20 rows, [\\d,]+ rows/s, .* s$`, 'gm'))).toHaveLength(1);
    }
  });
});

test('run prints one JSON document, and a job of which one object failed is partial', async () => {
  const planObject: Activities['planObject'] = async ({ object }) => {
    if (object === 'orders')
      throw activityFailure('SOURCE_EMPTY', 'orders.csv is empty; expected rows; check the export.');
    return {
      plan: { uri: 'file:///plan.json', sha256: '0' },
      table: object,
      chunks: 1,
      schemaChanges: [],
      unchangedUnits: 0,
    };
  };
  await withWorkers({ planObject }, async () => {
    const loaded = await job(['orders', 'customers']);
    const { code, out } = await dativo('run', path.join(loaded.folder, 'job.yaml'), '--json');
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({
      runs: [{ state: 'partial', objects: [{ state: 'failed' }, { state: 'success' }] }],
    });
  });
});

test('Ctrl-C cancels the run, waits for it to clean up, and says so', async () => {
  const discarded: string[] = [];
  const discardObject: Activities['discardObject'] = async ({ object }) => void discarded.push(object);
  await withWorkers({ extractChunk: untilCancelled, discardObject }, async () => {
    const loaded = await job(['orders']);
    const running = dativo('run', path.join(loaded.folder, 'job.yaml'));
    const workflowId = ingestWorkflowId(loaded.tenant, loaded.asset);
    await expect.poll(() => stageOf(workflowId, loaded), { timeout: 20_000 }).toBe('extracting');
    process.emit('SIGINT');
    const { code, out, err } = await running;
    expect(code).toBe(1);
    expect(err).toContain('Ctrl-C again leaves at once');
    expect(out).toContain('cancelled after');
    expect(discarded).toEqual(['orders']);
  });
});

async function stageOf(workflowId: string, loaded: LoadedJob): Promise<string | undefined> {
  const view = await new RunFollower(client(), { workflowId, runId: '', job: loaded }).look();
  return view.objects[0]?.stage;
}

test('an unknown run is refused with where to look', async () => {
  const { code, err } = await dativo('status', 'no_such_asset');
  expect(code).toBe(2);
  expect(err).toMatch(/no_such_asset.*dativo runs.*RUN_NOT_FOUND/);
});
