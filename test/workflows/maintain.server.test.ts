import { Context } from '@temporalio/activity';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Activities } from '../../activities/activities.ts';
import { HEAVY_TASK_QUEUE, maintenanceWorkflowId, TASK_QUEUE } from '../../contracts/ids.ts';
import type { MaintenanceInput, RecordMaintenanceInput } from '../../contracts/maintenance.ts';
import { MAINTENANCE_STEPS } from '../../contracts/maintenance.ts';
import { loadWorkflowBundle } from '../../worker/workflow-bundle.ts';
import type { maintain } from '../../workflows/maintain.ts';
import { activityFailure, fakeActivities } from '../support/fake-activities.ts';
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
  const shared = { connection, namespace, activities };
  const light = await Worker.create({ ...shared, taskQueue: TASK_QUEUE, workflowBundle: bundle });
  const heavy = await Worker.create({ ...shared, taskQueue: HEAVY_TASK_QUEUE });
  return light.runUntil(heavy.runUntil(work()));
}

let tables = 0;
async function start(given: Partial<MaintenanceInput> = {}) {
  const input: MaintenanceInput = {
    job: { uri: 'file:///job.json', sha256: '0' },
    tenant: 'acme',
    namespace: 'shop',
    table: `table_${process.pid}_${++tables}`,
    steps: MAINTENANCE_STEPS,
    settings: {},
    timeouts: { heartbeatMs: 2_000, retryInitialMs: 50 },
    ...given,
  };
  return client().workflow.start<typeof maintain>('maintain', {
    taskQueue: TASK_QUEUE,
    workflowId: maintenanceWorkflowId(input.tenant, `${input.namespace}.${input.table}`, 'lake'),
    args: [input],
  });
}

/** The fakes, with what was done noted by name. */
function noted(overrides: Partial<Activities> = {}) {
  const { activities } = fakeActivities(overrides);
  const called: string[] = [];
  const records: RecordMaintenanceInput[] = [];
  const noting =
    <I, O>(name: string, work: (input: I) => Promise<O>) =>
    (input: I) => {
      called.push(name);
      return work(input);
    };
  const own: Partial<Activities> = {
    expireSnapshots: noting('expire', activities.expireSnapshots),
    removeOrphans: noting('orphans', activities.removeOrphans),
    cleanMetadata: noting('metadata', activities.cleanMetadata),
    sweepMaintenance: noting('sweep', activities.sweepMaintenance),
    recordMaintenance: (input) => {
      records.push(input);
      return activities.recordMaintenance(input);
    },
  };
  return { activities: { ...activities, ...own }, called, records };
}

const EXPIRY = { step: 'expire', state: 'done', notes: ['3 of 4 snapshots expired'] } as const;

describe('a maintenance', () => {
  test('does its steps in order, adds up what was rewritten, and tidies up behind itself', async () => {
    const { activities, called, records } = noted({ expireSnapshots: async () => EXPIRY });
    const result = await withWorkers(activities, async () => (await start()).result());
    expect(result).toMatchObject({ state: 'success', dryRun: false });
    expect(result.steps.map(({ step, state }) => `${step} ${state}`)).toEqual([
      'compact done',
      'rewrite_manifests nothing',
      'expire done',
      'remove_orphans nothing',
      'clean_metadata nothing',
    ]);
    expect(result.steps[0]).toMatchObject({ before: { files: 60, bytes: 600 }, after: { files: 3, bytes: 500 } });
    expect(called).toEqual(['expire', 'orphans', 'metadata', 'sweep']);
    expect(records).toMatchObject([{ result: { runId: result.runId, state: 'success' } }]);
  });

  test('does no more than it is asked for, and nothing behind a dry run', async () => {
    const { activities, called, records } = noted();
    const result = await withWorkers(activities, async () =>
      (await start({ steps: ['expire'], dryRun: true })).result(),
    );
    expect(result).toMatchObject({ state: 'unchanged', dryRun: true, steps: [{ step: 'expire' }] });
    expect([called, records]).toEqual([['expire'], []]);
  });

  test('goes on without a step that does not know how to deal with the table', async () => {
    const { activities, called } = noted({
      planCompaction: async () => {
        throw activityFailure('MAINTENANCE_REFUSED', 'rows deleted by value');
      },
    });
    const result = await withWorkers(activities, async () => (await start()).result());
    expect(result.state).toBe('partial');
    expect(result.steps[0]).toMatchObject({ state: 'refused', failure: { code: 'MAINTENANCE_REFUSED' } });
    expect(called).toEqual(['expire', 'orphans', 'metadata', 'sweep']);
  });

  test('ends at a step that fails, and what was done before stands', async () => {
    const { activities, called, records } = noted({
      expireSnapshots: async () => {
        throw activityFailure('TABLE_NOT_OURS', 'a manifest that does not exist');
      },
    });
    const result = await withWorkers(activities, async () => (await start()).result());
    expect(result.steps.map(({ state }) => state)).toEqual(['done', 'nothing', 'failed']);
    expect([result.state, called, records.length]).toEqual(['partial', ['expire', 'sweep'], 1]);
  });

  test('without any success fails, with its result inside', async () => {
    const { activities } = noted({
      planCompaction: async () => {
        throw activityFailure('TABLE_NOT_FOUND', 'no such table');
      },
    });
    const failure: unknown = await withWorkers(activities, async () =>
      (await start()).result().catch((error: unknown) => error),
    );
    const cause = failure instanceof WorkflowFailedError ? failure.cause : undefined;
    expect(cause).toBeInstanceOf(ApplicationFailure);
    expect(cause).toMatchObject({ type: 'MaintenanceFailed', details: [{ steps: [{ state: 'failed' }] }] });
  });

  test('leaves a group of files alone whose table changed under it, and commits the others', async () => {
    const committed: number[][] = [];
    const { activities } = noted({
      rewriteFiles: async ({ group }) => {
        if (group === 1) throw activityFailure('TABLE_CHANGED', 'files are gone');
        return { group, attempt: 1 };
      },
      commitCompaction: async ({ groups }) => {
        committed.push(groups.map(({ group }) => group));
        const [removed, added] = [
          { files: 40, bytes: 400 },
          { files: 2, bytes: 400 },
        ];
        return { committed: 2, stale: 0, removed, added };
      },
    });
    const result = await withWorkers(activities, async () => (await start()).result());
    expect(committed).toEqual([[0, 2]]);
    expect(result.steps[0]).toMatchObject({ state: 'done', after: { files: 22, bytes: 600 } });
    expect(result.steps[0]?.notes[0]).toContain('1 group of files left as they are');
  });

  test('of many groups commits them a few at a time, and its history stays short', async () => {
    const batches: number[] = [];
    const { activities } = noted({
      planCompaction: async () => ({
        plan: { uri: 'file:///plan.json', sha256: '0' },
        groups: 45,
        groupsLeft: 2,
        before: { files: 900, bytes: 9000 },
        rewritten: { files: 900, bytes: 9000 },
        expected: { files: 45, bytes: 9000 },
      }),
      commitCompaction: async ({ groups }) => {
        batches.push(groups.length);
        const figures = { files: 20 * groups.length, bytes: 200 * groups.length };
        return { committed: groups.length, stale: 0, removed: figures, added: { ...figures, files: groups.length } };
      },
    });
    const { result, events } = await withWorkers(activities, async () => {
      const handle = await start();
      return { result: await handle.result(), events: (await handle.fetchHistory()).events?.length ?? 0 };
    });
    expect(batches).toEqual([20, 20, 5]);
    expect(result.steps[0]).toMatchObject({
      after: { files: 45 },
      notes: ['2 groups of files left to the next maintenance'],
    });
    expect(events).toBeLessThan(45 * 10);
  });

  test('that is cancelled stops, tidies up, and is recorded', async () => {
    let isRewriting = () => {};
    const rewriting = new Promise<void>((resolve) => (isRewriting = resolve));
    const { activities, called, records } = noted({
      rewriteFiles: async () => {
        isRewriting();
        const beat = setInterval(() => Context.current().heartbeat(), 100);
        return Context.current().cancelled.finally(() => clearInterval(beat));
      },
    });
    const failure: unknown = await withWorkers(activities, async () => {
      const handle = await start();
      await rewriting;
      await handle.cancel();
      return handle.result().catch((error: unknown) => error);
    });
    const cause = failure instanceof WorkflowFailedError ? failure.cause : undefined;
    expect(cause).toBeInstanceOf(CancelledFailure);
    expect(called).toEqual(['sweep']);
    expect(records).toMatchObject([{ result: { state: 'cancelled', steps: [] } }]);
  });

  test('of a table goes on once: a second start meets the first', async () => {
    const { activities } = noted();
    await withWorkers(activities, async () => {
      const first = await start({ table: 'only_one' });
      const second = await start({ table: 'only_one' }).catch((error: unknown) => error);
      expect(second).toMatchObject({ name: 'WorkflowExecutionAlreadyStartedError' });
      await first.result();
    });
  });
});
