import { Context } from '@temporalio/activity';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Activities } from '../../activities/activities.ts';
import { HEAVY_TASK_QUEUE, ingestWorkflowId, TASK_QUEUE } from '../../contracts/ids.ts';
import type { ChunkRange, IngestInput, IngestResult, StagedObject } from '../../contracts/run.ts';
import { loadWorkflowBundle } from '../../worker/workflow-bundle.ts';
import type { ingest } from '../../workflows/ingest.ts';
import { activityFailure, fakeActivities, PLAN } from '../support/fake-activities.ts';
import { temporalServer, useClient } from '../support/temporal.ts';

let bundle: { code: string };
let connection: NativeConnection;
const client = useClient();

beforeAll(async () => {
  bundle = await loadWorkflowBundle();
  connection = await NativeConnection.connect({ address: temporalServer().address });
});
afterAll(() => connection.close());

async function withWorkers<T>(activities: Activities, work: () => Promise<T>): Promise<T> {
  const { namespace } = temporalServer();
  const light = await Worker.create({
    connection,
    namespace,
    taskQueue: TASK_QUEUE,
    workflowBundle: bundle,
    activities,
  });
  const heavy = await Worker.create({ connection, namespace, taskQueue: HEAVY_TASK_QUEUE, activities });
  return light.runUntil(heavy.runUntil(work()));
}

let asset = 0;
async function start(
  objects: readonly string[],
  given: Partial<IngestInput> = {},
): Promise<WorkflowHandleWithFirstExecutionRunId<typeof ingest>> {
  const input: IngestInput = {
    job: { uri: 'file:///job.json', sha256: '0' },
    tenant: 'acme',
    asset: `asset_${process.pid}_${++asset}`,
    objects,
    options: { mode: 'incremental' },
    parallelChunks: 2,
    parallelObjects: 2,
    timeouts: { heartbeatMs: 2_000, retryInitialMs: 50 },
    ...given,
  };
  return client().workflow.start<typeof ingest>('ingest', {
    taskQueue: TASK_QUEUE,
    workflowId: ingestWorkflowId(input.tenant, input.asset),
    args: [input],
  });
}

async function failureOf(handle: WorkflowHandleWithFirstExecutionRunId<typeof ingest>): Promise<WorkflowFailedError> {
  const outcome: unknown = await handle.result().catch((error: unknown) => error);
  if (outcome instanceof WorkflowFailedError) return outcome;
  throw new Error('the workflow did not fail');
}

describe('a run of a job', () => {
  test('adds up the chunks of each object and records the run once', async () => {
    const { activities, published } = fakeActivities();
    const result = await withWorkers(activities, async () => (await start(['orders', 'customers'])).result());
    expect(result.state).toBe('success');
    expect(
      result.objects.map(({ object, counts, snapshotId }) => [object, counts.read, counts.committed, snapshotId]),
    ).toEqual([
      ['orders', 20, 18, '7'],
      ['customers', 20, 18, '7'],
    ]);
    expect(published.map(({ result: { runId, state } }) => [runId, state])).toEqual([[result.runId, 'success']]);
  });

  test('is unchanged when no object has a chunk', async () => {
    const { activities } = fakeActivities({
      planObject: async () => ({
        plan: PLAN,
        table: 'shop.orders',
        chunks: 0,
        schemaChanges: [],
        unchangedUnits: 3,
      }),
    });
    const result = await withWorkers(activities, async () => (await start(['orders'])).result());
    expect([result.state, result.objects[0]?.unchangedUnits]).toEqual(['unchanged', 3]);
  });

  test('is partial when one object fails: the others are committed, the failed one is cleaned up', async () => {
    const { activities, discarded, published } = fakeActivities();
    const { planObject } = activities;
    activities.planObject = async (run) => {
      if (run.object === 'customers') throw activityFailure('SOURCE_NOT_FOUND', 'no such file');
      return planObject(run);
    };
    const result: IngestResult = await withWorkers(activities, async () =>
      (await start(['orders', 'customers'])).result(),
    );
    expect(result.state).toBe('partial');
    expect(result.objects.map(({ state, failure }) => [state, failure?.code])).toEqual([
      ['success', undefined],
      ['failed', 'SOURCE_NOT_FOUND'],
    ]);
    expect(discarded).toEqual(['customers']);
    expect(published).toHaveLength(1);
  });

  test('fails with its result when every object fails', async () => {
    const { activities } = fakeActivities({
      planObject: async () => {
        throw activityFailure('SOURCE_NOT_FOUND', 'no such file');
      },
    });
    const { cause } = await withWorkers(activities, async () => failureOf(await start(['orders'])));
    expect(cause instanceof ApplicationFailure && cause.type).toBe('RunFailed');
    expect(cause instanceof ApplicationFailure && cause.details?.[0]).toMatchObject({ state: 'failed' });
  });

  test('commits nothing when the rows do not add up', async () => {
    let commits = 0;
    const { activities, discarded } = fakeActivities({
      extractChunk: async () => ({
        attempt: 1,
        counts: { read: 10, committed: 8, quarantined: 1, deadLettered: 0, skipped: {} },
        files: 1,
        bytes: 1,
      }),
      commitObject: async () => {
        commits++;
        return { files: 0, bytes: 0, alreadyCommitted: false };
      },
    });
    const { cause } = await withWorkers(activities, async () => failureOf(await start(['orders'])));
    expect(cause instanceof ApplicationFailure && cause.details?.[0]).toMatchObject({
      objects: [{ failure: { code: 'SUM_MISMATCH' } }],
    });
    expect([commits, discarded]).toEqual([0, ['orders']]);
  });

  test('is a success when its commit landed before the activity was lost', async () => {
    const { activities } = fakeActivities({
      commitObject: async () => {
        throw activityFailure('UNEXPECTED', 'the worker was lost');
      },
      discardObject: async () => ({ snapshotId: '7', files: 2, bytes: 200, alreadyCommitted: true }),
    });
    const result = await withWorkers(activities, async () => (await start(['orders'])).result());
    expect([result.state, result.objects[0]?.counts.committed, result.objects[0]?.snapshotId]).toEqual([
      'success',
      18,
      '7',
    ]);
  });

  test('fails for its first cause even when the clean-up fails too', async () => {
    const { activities } = fakeActivities({
      evaluateObject: async () => {
        throw activityFailure('TOO_MANY_BAD_ROWS', 'too many');
      },
      discardObject: async () => {
        throw activityFailure('STORAGE_DENIED', 'no rights');
      },
    });
    const { cause } = await withWorkers(activities, async () => failureOf(await start(['orders'])));
    expect(cause instanceof ApplicationFailure && cause.details?.[0]).toMatchObject({
      objects: [{ failure: { code: 'TOO_MANY_BAD_ROWS' } }],
    });
  });

  test('plans again when another writer changed the table', async () => {
    const rounds: number[] = [];
    let commits = 0;
    const { activities } = fakeActivities({
      commitObject: async ({ run }) => {
        rounds.push(run.round);
        if (++commits === 1) {
          throw activityFailure('TABLE_CHANGED', 'the table changed');
        }
        return { snapshotId: '8', files: 1, bytes: 1, alreadyCommitted: false };
      },
    });
    const result = await withWorkers(activities, async () => (await start(['orders'])).result());
    expect([result.state, rounds]).toEqual(['success', [1, 2]]);
  });

  test('that is cancelled stops its chunks, cleans up, and is recorded as cancelled', async () => {
    let extracting: (() => void) | undefined;
    const started = new Promise<void>((resolve) => {
      extracting = resolve;
    });
    const { activities, discarded, published } = fakeActivities({
      extractChunk: async () => {
        extracting?.();
        const beat = setInterval(() => Context.current().heartbeat(), 100);
        try {
          return await Context.current().cancelled;
        } finally {
          clearInterval(beat);
        }
      },
    });
    const failure = await withWorkers(activities, async () => {
      const handle = await start(['orders']);
      await started;
      await handle.cancel();
      return failureOf(handle);
    });
    expect(failure.cause).toBeInstanceOf(CancelledFailure);
    expect(discarded).toEqual(['orders']);
    expect(published.map(({ result }) => result.state)).toEqual(['cancelled']);
  });
});

/** A plan of so many chunks. */
const plansChunks =
  (chunks: number): Activities['planObject'] =>
  async ({ object }) => ({ plan: PLAN, table: `shop.${object}`, chunks, schemaChanges: [], unchangedUnits: 0 });

describe('an object of many chunks', () => {
  test.each([4, 8])('leaves a short history: 100 chunks, %i at once, under 200 events', async (parallelChunks) => {
    const { activities } = fakeActivities({ planObject: plansChunks(100) });
    const staged: StagedObject[] = [];
    const { commitObject } = activities;
    activities.commitObject = (input) => {
      staged.push(input);
      return commitObject(input);
    };
    const { objects, events } = await withWorkers(activities, async () => {
      const handle = await start(['orders'], { parallelChunks });
      const result = await handle.result();
      const object = client().workflow.getHandle(`${handle.workflowId}/orders`);
      const histories = await Promise.all([handle.fetchHistory(), object.fetchHistory()]);
      return { ...result, events: histories.reduce((sum, { events: all }) => sum + (all?.length ?? 0), 0) };
    });
    expect(objects).toMatchObject([{ state: 'success', chunks: 100, counts: { read: 1000, committed: 900 } }]);
    expect(staged.map(({ attempts }) => attempts)).toEqual([Array.from({ length: 100 }, () => 1)]);
    expect(events).toBeLessThan(200);
  });

  test('has no more of them worked on at once than it may', async () => {
    let [working, most] = [0, 0];
    let threeWork = () => {};
    const three = new Promise<void>((resolve) => (threeWork = resolve));
    const { activities } = fakeActivities({ planObject: plansChunks(30) });
    const { extractChunks } = activities;
    activities.extractChunks = async (input) => {
      most = Math.max(most, ++working);
      if (working === 3) threeWork();
      await three;
      try {
        return await extractChunks(input);
      } finally {
        working -= 1;
      }
    };
    await withWorkers(activities, async () => (await start(['orders'], { parallelChunks: 3 })).result());
    expect(most).toBe(3);
  });

  test('has chunks that were handed back done by others, as attempts of their own', async () => {
    const given: ChunkRange[] = [];
    const { activities } = fakeActivities({ planObject: plansChunks(7) });
    const { extractChunks } = activities;
    activities.extractChunks = async (input) => {
      const { first, count, firstAttempt } = input.chunks;
      given.push(input.chunks);
      const done = await extractChunks({ ...input, chunks: { first, count: 1, firstAttempt } });
      if (count === 1) return { ...done, attempts: [firstAttempt] };
      const handedBack = { first: first + 1, count: count - 1, firstAttempt: firstAttempt + 1 };
      return { ...done, attempts: [firstAttempt], handedBack };
    };
    const staged: StagedObject[] = [];
    const { commitObject } = activities;
    activities.commitObject = (input) => {
      staged.push(input);
      return commitObject(input);
    };
    const result = await withWorkers(activities, async () =>
      (await start(['orders'], { parallelChunks: 2, timeouts: { takeChunksMs: 0 } })).result(),
    );
    expect(result.objects[0]?.counts.read).toBe(70);
    expect(given.length).toBe(7);
    const attemptOf = new Map(given.map(({ first, firstAttempt }) => [first, firstAttempt]));
    expect(staged[0]?.attempts).toEqual([0, 1, 2, 3, 4, 5, 6].map((chunk) => attemptOf.get(chunk)));
    expect(Math.max(...attemptOf.values())).toBeGreaterThan(1);
  });

  test('begins none of them after one has failed', async () => {
    const begun: number[] = [];
    const { activities, discarded } = fakeActivities({
      planObject: plansChunks(40),
      extractChunk: async ({ chunk }) => {
        begun.push(chunk);
        throw activityFailure('SOURCE_CHANGED', 'the file is another one');
      },
    });
    const { cause } = await withWorkers(activities, async () =>
      failureOf(await start(['orders'], { parallelChunks: 1 })),
    );
    expect(cause instanceof ApplicationFailure && cause.details?.[0]).toMatchObject({
      objects: [{ failure: { code: 'SOURCE_CHANGED' } }],
    });
    expect([begun, discarded]).toEqual([[0], ['orders']]);
  });
});
