import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Activities } from '../../activities/activities.ts';
import { listedRun } from '../../client/run-list.ts';
import {
  backfillWorkflowId,
  HEAVY_TASK_QUEUE,
  ingestWorkflowId,
  scheduledWorkflowId,
  scheduleId,
  TASK_QUEUE,
} from '../../contracts/ids.ts';
import type { RunOptions } from '../../contracts/run.ts';
import type { BackfillInput, BackfillResult, ScheduledIngestInput, ScheduledJob } from '../../contracts/schedule.ts';
import { loadWorkflowBundle } from '../../worker/workflow-bundle.ts';
import type { backfill } from '../../workflows/backfill.ts';
import type { scheduledIngest } from '../../workflows/scheduled-ingest.ts';
import { activityFailure, fakeActivities, PLAN } from '../support/fake-activities.ts';
import { temporalServer, useClient } from '../support/temporal.ts';

let connection: NativeConnection;
let workers: Worker[];
let stopped: Promise<unknown>;
const client = useClient();
const activities = fakeActivities().activities;
let current = activities;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const workflowBundle = await loadWorkflowBundle();
  const { address, namespace } = temporalServer();
  connection = await NativeConnection.connect({ address });
  const shared = { connection, namespace, activities: delegating, maxHeartbeatThrottleInterval: 100 };
  workers = [
    await Worker.create({ ...shared, taskQueue: TASK_QUEUE, workflowBundle }),
    await Worker.create({ ...shared, taskQueue: HEAVY_TASK_QUEUE }),
  ];
  stopped = Promise.all(workers.map((worker) => worker.run()));
});
afterAll(async () => {
  for (const worker of workers) worker.shutdown();
  await stopped;
  await connection.close();
});

/** The workers of the file, with the activities of the test at hand. */
const delegating = Object.fromEntries(
  Object.keys(activities).map((name) => [
    name,
    (...args: unknown[]): unknown => Reflect.apply(Reflect.get(current, name), undefined, args),
  ]),
);

async function withActivities(overrides: Partial<Activities>, work: () => Promise<void>): Promise<void> {
  current = fakeActivities(overrides).activities;
  try {
    await work();
  } finally {
    current = activities;
  }
}

const turn = { firstWaitMs: 50, longestWaitMs: 200 };

let jobs = 0;
function newJob(): ScheduledJob {
  return {
    job: { uri: 'file:///job.json', sha256: '0' },
    tenant: 'acme',
    asset: `scheduled_${process.pid}_${++jobs}`,
    objects: ['orders'],
    connector: 'csv',
    parallelChunks: 2,
    parallelObjects: 2,
    timeouts: { heartbeatMs: 2_000, retryInitialMs: 50 },
  };
}

function bySchedule(
  job: ScheduledJob,
  given: Partial<ScheduledIngestInput> = {},
): Promise<WorkflowHandle<typeof scheduledIngest>> {
  const input: ScheduledIngestInput = {
    job,
    mode: 'incremental',
    overlap: 'skip',
    timing: { everyMs: 60_000 },
    turn,
    ...given,
  };
  return client().workflow.start<typeof scheduledIngest>('scheduledIngest', {
    taskQueue: TASK_QUEUE,
    workflowId: `${scheduledWorkflowId(job.tenant, job.asset)}-${++jobs}`,
    args: [input],
  });
}

function byHand({ connector: _connector, ...job }: ScheduledJob): Promise<WorkflowHandle> {
  return client().workflow.start('ingest', {
    taskQueue: TASK_QUEUE,
    workflowId: ingestWorkflowId(job.tenant, job.asset),
    args: [{ ...job, options: { mode: 'incremental' } }],
  });
}

function runOf({ tenant, asset }: ScheduledJob): WorkflowHandle {
  return client().workflow.getHandle(ingestWorkflowId(tenant, asset));
}

async function isRunning(handle: WorkflowHandle): Promise<boolean> {
  return (await handle.describe()).status.name === 'RUNNING';
}

async function failureOf(handle: WorkflowHandle): Promise<unknown> {
  const outcome: unknown = await handle.result().catch((error: unknown) => error);
  return outcome instanceof WorkflowFailedError ? outcome.cause : outcome;
}

/** An extraction that lasts until it is told to end, or is cancelled. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const extractChunk: Activities['extractChunk'] = async () => {
    const { heartbeat, cancelled } = Context.current();
    const beat = setInterval(() => heartbeat(), 50);
    try {
      await Promise.race([opened, cancelled]);
    } finally {
      clearInterval(beat);
    }
    const counts = { read: 10, committed: 9, quarantined: 1, deadLettered: 0, skipped: {} };
    return { attempt: 1, counts, files: 1, bytes: 100 };
  };
  return { extractChunk, open };
}

describe('a run by schedule', () => {
  test('has the id and the search attributes of every run of its asset', async () => {
    await withActivities({}, async () => {
      const job = newJob();
      const handle = await bySchedule(job);
      const { state, runId } = await handle.result();
      expect(state).toBe('success');
      const run = listedRun(await runOf(job).describe());
      expect(run).toMatchObject({ runId, asset: job.asset, tenant: 'acme', state: 'success' });
      expect(listedRun(await handle.describe()).state).toBe('success');
    });
  });

  test('does nothing while another run of the asset goes on, and says so', async () => {
    const { extractChunk, open } = gate();
    await withActivities({ extractChunk }, async () => {
      const job = newJob();
      const manual = await byHand(job);
      const handle = await bySchedule(job);
      expect(await handle.result()).toEqual({ state: 'skipped' });
      expect(listedRun(await handle.describe()).state).toBe('skipped');
      open();
      expect(await manual.result()).toMatchObject({ state: 'success' });
    });
  });

  test.each(['buffer_one', 'buffer_all'] as const)('waits for its turn with overlap %s', async (overlap) => {
    const { extractChunk, open } = gate();
    await withActivities({ extractChunk }, async () => {
      const job = newJob();
      const manual = await byHand(job);
      const handle = await bySchedule(job, { overlap });
      await sleep(500);
      expect(await isRunning(handle)).toBe(true);
      open();
      const [{ runId: first }, { runId: second, state }] = await Promise.all([manual.result(), handle.result()]);
      expect(state).toBe('success');
      expect(second).not.toBe(first);
    });
  });

  test('cancels the run that goes on with overlap cancel_other, waits until it has cleaned up, and runs', async () => {
    const { extractChunk, open } = gate();
    const discarded: string[] = [];
    const discardObject: Activities['discardObject'] = async ({ object }) => void discarded.push(object);
    await withActivities({ extractChunk, discardObject }, async () => {
      const job = newJob();
      const manual = await byHand(job);
      await expect.poll(() => pendingObjects(job), { timeout: 10_000 }).toBe(1);
      const handle = await bySchedule(job, { overlap: 'cancel_other' });
      expect(await failureOf(manual)).toBeInstanceOf(CancelledFailure);
      expect(discarded).toEqual(['orders']);
      open();
      expect((await handle.result()).state).toBe('success');
    });
  });

  test('is cancelled with what the schedule started, and cleans up', async () => {
    const { extractChunk } = gate();
    await withActivities({ extractChunk }, async () => {
      const job = newJob();
      const handle = await bySchedule(job);
      await expect.poll(() => pendingObjects(job), { timeout: 10_000 }).toBe(1);
      await handle.cancel();
      expect(await failureOf(handle)).toBeInstanceOf(CancelledFailure);
      expect(await failureOf(runOf(job))).toBeInstanceOf(CancelledFailure);
      expect(listedRun(await handle.describe()).state).toBe('cancelled');
    });
  });

  test('that fails fails what the schedule started, with the same sentence', async () => {
    const planObject: Activities['planObject'] = async () => {
      throw activityFailure('SOURCE_NOT_FOUND', 'No file matches orders.csv; expected one; check the path.');
    };
    await withActivities({ planObject }, async () => {
      const handle = await bySchedule(newJob());
      const failure = await failureOf(handle);
      expect(failure).toBeInstanceOf(ApplicationFailure);
      expect(failure).toMatchObject({ message: 'No file matches orders.csv; expected one; check the path.' });
      expect(listedRun(await handle.describe()).state).toBe('failed');
    });
  });

  test('reads the interval that ended when it was due, in mode window', async () => {
    const seen: RunOptions[] = [];
    const planObject: Activities['planObject'] = async ({ options }) => {
      seen.push(options);
      return { plan: PLAN, table: 'shop.orders', chunks: 0, schemaChanges: [], unchangedUnits: 0 };
    };
    await withActivities({ planObject }, async () => {
      const job = newJob();
      const started = Date.now();
      const schedule = await client().schedule.create({
        scheduleId: scheduleId(job.tenant, job.asset),
        spec: { intervals: [{ every: '2s' }] },
        action: {
          type: 'startWorkflow',
          workflowType: 'scheduledIngest',
          taskQueue: TASK_QUEUE,
          workflowId: scheduledWorkflowId(job.tenant, job.asset),
          args: [{ job, mode: 'window', overlap: 'skip', timing: { everyMs: 2_000 }, turn }],
        },
      });
      try {
        await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
      } finally {
        await schedule.delete();
      }
      const bounds = seen.map(({ from = '', to = '' }) => [Date.parse(from), Date.parse(to)] as const);
      for (const [from, to] of bounds) {
        expect(to - from).toBe(2_000);
        expect(to % 2_000).toBe(0);
        expect(to).toBeGreaterThanOrEqual(started - 2_000);
      }
      expect(bounds[1]?.[0]).toBeGreaterThanOrEqual(bounds[0]?.[1] ?? Number.POSITIVE_INFINITY);
    });
  });

  test('leaves a window alone that was run before', async () => {
    const planObject: Activities['planObject'] = async () => {
      throw activityFailure('WINDOW_NOT_EMPTY', 'a window with rows; expected none; choose another.');
    };
    await withActivities({ planObject }, async () => {
      expect((await (await bySchedule(newJob(), { mode: 'window' })).result()).state).toBe('skipped');
    });
  });
});

async function pendingObjects({ tenant, asset }: ScheduledJob): Promise<number> {
  const { raw } = await client()
    .workflow.getHandle(`${ingestWorkflowId(tenant, asset)}/orders`)
    .describe()
    .catch(() => ({ raw: { pendingActivities: [] } }));
  return (raw.pendingActivities ?? []).length > 0 ? 1 : 0;
}

describe('a backfill', () => {
  const HOUR = 3_600_000;
  const start = Date.parse('2026-01-01T00:00:00Z');

  function startBackfill(job: ScheduledJob, given: Partial<BackfillInput>): Promise<WorkflowHandle<typeof backfill>> {
    const input: BackfillInput = {
      job,
      timing: { everyMs: HOUR },
      from: start,
      to: start + 5 * HOUR,
      overlap: 'buffer_all',
      windows: 5,
      turn,
      ...given,
    };
    return client().workflow.start<typeof backfill>('backfill', {
      taskQueue: TASK_QUEUE,
      workflowId: backfillWorkflowId(job.tenant, job.asset),
      args: [input],
    });
  }

  /** Plans that keep what they were asked for, and fail for windows that begin at one of these hours. */
  function planning(failing: Readonly<Record<string, 'WINDOW_NOT_EMPTY' | 'TOO_MANY_BAD_ROWS' | 'SOURCE_NOT_FOUND'>>) {
    const seen: string[] = [];
    const planObject: Activities['planObject'] = async ({ options: { mode, from = '', to = '' } }) => {
      seen.push(`${mode} ${from.slice(11, 13)}-${to.slice(11, 13)}`);
      const code = failing[from.slice(11, 13)];
      if (code) throw activityFailure(code, `${code}; expected better; correct it.`);
      return { plan: PLAN, table: 'shop.orders', chunks: 1, schemaChanges: [], unchangedUnits: 0 };
    };
    return { seen, planObject };
  }

  test('runs every window once, in the order of time, over several executions', async () => {
    const { seen, planObject } = planning({});
    await withActivities({ planObject }, async () => {
      const handle = await startBackfill(newJob(), { windowsPerExecution: 2 });
      expect(await handle.result()).toMatchObject({ state: 'success', committed: 5, rows: 45, left: 0 });
      expect(seen).toEqual(['window 00-01', 'window 01-02', 'window 02-03', 'window 03-04', 'window 04-05']);
    });
  });

  test('leaves windows with rows as they are, and goes on after one that fails', async () => {
    const { planObject } = planning({ '01': 'WINDOW_NOT_EMPTY', '02': 'TOO_MANY_BAD_ROWS' });
    await withActivities({ planObject }, async () => {
      const result = await (await startBackfill(newJob(), {})).result();
      expect(result).toMatchObject({ state: 'partial', committed: 3, present: 1, failed: 1, left: 0 });
      expect(result.failures).toEqual([
        {
          from: '2026-01-01T02:00:00Z',
          to: '2026-01-01T03:00:00Z',
          code: 'TOO_MANY_BAD_ROWS',
          message: 'TOO_MANY_BAD_ROWS; expected better; correct it.',
        },
      ]);
    });
  });

  test('ends at the first window whose failure the others would share', async () => {
    const { seen, planObject } = planning({ '00': 'SOURCE_NOT_FOUND' });
    await withActivities({ planObject }, async () => {
      const failure = await failureOf(await startBackfill(newJob(), {}));
      expect(failure).toBeInstanceOf(ApplicationFailure);
      const result: Partial<BackfillResult> = failure instanceof ApplicationFailure ? Object(failure.details?.[0]) : {};
      expect(result).toMatchObject({ state: 'failed', failed: 1, left: 4 });
      expect(seen).toHaveLength(1);
    });
  });

  test('ends when too many windows fail', async () => {
    const bad = 'TOO_MANY_BAD_ROWS' as const;
    const { seen, planObject } = planning({ '01': bad, '02': bad, '03': bad });
    await withActivities({ planObject }, async () => {
      const result = await (await startBackfill(newJob(), { maxFailures: 2 })).result();
      expect(result).toMatchObject({ state: 'partial', committed: 1, failed: 2, left: 2 });
      expect(seen).toHaveLength(3);
    });
  });

  test('waits for a run that goes on, and is cancelled as a whole', async () => {
    const { extractChunk } = gate();
    await withActivities({ extractChunk }, async () => {
      const job = newJob();
      const manual = await byHand(job);
      await expect.poll(() => pendingObjects(job), { timeout: 10_000 }).toBe(1);
      const handle = await startBackfill(job, {});
      await sleep(300);
      expect(await isRunning(manual)).toBe(true);
      await manual.cancel();
      expect(await failureOf(manual)).toBeInstanceOf(CancelledFailure);
      await expect.poll(() => isRunning(runOf(job)), { timeout: 10_000 }).toBe(true);
      await handle.cancel();
      expect(await failureOf(handle)).toBeInstanceOf(CancelledFailure);
      expect(await isRunning(runOf(job))).toBe(false);
    });
  });
});
