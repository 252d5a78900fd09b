import type { Client, WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { toExtractProgress } from '../contracts/extract-progress.ts';
import { objectWorkflowId } from '../contracts/ids.ts';
import type { ObjectProgress } from '../contracts/run.ts';
import { endedObject } from './ended-objects.ts';
import type { ObjectView, RetryView, RunView, Stage } from './progress.ts';
import type { StartedRun } from './start-run.ts';

/** A query is a task for a worker; what activities say in their heartbeats is free. */
const QUERY_EVERY_MS = 1_000;
const QUERY_WITHIN_MS = 3_000;

type PendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

interface Followed {
  view: ObjectView;
  queriedAt: number;
  progress: ObjectProgress | undefined;
  /** Once it was seen at work. */
  runId: string | undefined;
}

/** Looks at a run from outside, again and again, without any work for it but a query a second. */
export class RunFollower {
  readonly #client: Client;
  readonly #run: Pick<StartedRun, 'workflowId' | 'runId' | 'job'>;
  readonly #objects: Map<string, Followed>;

  constructor(client: Client, run: Pick<StartedRun, 'workflowId' | 'runId' | 'job'>) {
    this.#client = client;
    this.#run = run;
    this.#objects = new Map(run.job.objects.map((object) => [object, newlyFollowed(object)]));
  }

  /** What is known now. When the server does not answer, what was known before. */
  async look(): Promise<RunView> {
    const { workflowId, runId, job } = this.#run;
    try {
      const { raw } = await this.#client.workflow.getHandle(workflowId, runId).describe();
      // Without its run id, a child that is about to start would be taken for the one of an earlier run.
      const running = new Map(raw.pendingChildren?.map((child) => [child.workflowId, child.runId]));
      await Promise.all(
        [...this.#objects].map(async ([object, followed]) => {
          const childId = objectWorkflowId(job.tenant, job.asset, object);
          const childRunId = running.get(childId);
          if (childRunId) {
            followed.runId = childRunId;
            await this.#lookAt(this.#client.workflow.getHandle(childId, childRunId), followed);
          } else if (running.has(childId)) return;
          else if (followed.runId !== undefined) await this.#lookBackAt(childId, followed.runId, followed);
        }),
      );
    } catch {
      // The server restarts, or the run ended while we looked; whoever waits for its result hears of it.
    }
    return { asset: job.asset, objects: [...this.#objects.values()].map(({ view }) => view) };
  }

  /** What was seen last is older than the end: the figures are those that the object ended with. */
  async #lookBackAt(workflowId: string, runId: string, followed: Followed): Promise<void> {
    if (followed.view.result !== undefined) return;
    const result = await endedObject(this.#client, workflowId, runId);
    const { retry: _retry, ...view } = followed.view;
    followed.view = { ...view, stage: 'done', ...(result ? { rows: result.counts.read, result } : {}) };
  }

  async #lookAt(handle: WorkflowHandle, followed: Followed): Promise<void> {
    const pending = (await handle.describe()).raw.pendingActivities ?? [];
    const stage = stageOf(pending);
    const now = Date.now();
    if (now - followed.queriedAt >= QUERY_EVERY_MS || (stage !== undefined && stage !== followed.progress?.stage)) {
      followed.queriedAt = now;
      followed.progress = await this.#query(handle);
    }
    const { progress, view } = followed;
    const going = underWay(pending);
    const retry = pending.map(retryOf).find((found) => found !== undefined);
    followed.view = {
      object: view.object,
      stage: stage ?? progress?.stage ?? (view.stage === 'waiting' ? 'planning' : view.stage),
      chunks: progress?.chunks ?? view.chunks,
      chunksDone: progress === undefined ? view.chunksDone : progress.chunksDone + going.chunks,
      rows: (progress?.rowsDone ?? 0) + going.rows,
      ...(retry ? { retry } : {}),
    };
  }

  async #query(handle: WorkflowHandle): Promise<ObjectProgress | undefined> {
    try {
      return await this.#client.withDeadline(Date.now() + QUERY_WITHIN_MS, () =>
        handle.query<ObjectProgress>('progress'),
      );
    } catch {
      // No worker answers just now; its heartbeats tell enough.
      return undefined;
    }
  }
}

function newlyFollowed(object: string): Followed {
  const view: ObjectView = { object, stage: 'waiting', chunks: 0, chunksDone: 0, rows: 0 };
  return { view, queriedAt: 0, progress: undefined, runId: undefined };
}

/** An activity is a chapter of a run: while it is at work, its name tells the stage sooner than a query would. */
const STAGE_OF_ACTIVITY: Readonly<Record<string, Stage>> = {
  planObject: 'planning',
  extractChunks: 'extracting',
  extractChunk: 'extracting',
  evaluateObject: 'evaluating',
  mergeObject: 'merging',
  commitObject: 'committing',
};

function stageOf(pending: readonly PendingActivity[]): Stage | undefined {
  return pending
    .map(({ activityType }) => STAGE_OF_ACTIVITY[activityType?.name ?? ''])
    .find((stage) => stage !== undefined);
}

/**
 * How far the activities at work are beyond what the workflow knows of. Heartbeat details are JSON, written by our own
 * activities with the SDK's default converter.
 */
function underWay(pending: readonly PendingActivity[]): { readonly rows: number; readonly chunks: number } {
  const told = pending.flatMap(({ heartbeatDetails }) => {
    const data = heartbeatDetails?.payloads?.[0]?.data;
    return data ? (toExtractProgress(parsed(Buffer.from(data).toString('utf8'))) ?? []) : [];
  });
  return {
    rows: told.reduce((sum, { rows }) => sum + rows, 0),
    chunks: told.reduce((sum, { attempts }) => sum + attempts.length, 0),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function retryOf({ attempt, lastFailure, nextAttemptScheduleTime }: PendingActivity): RetryView | undefined {
  if (!attempt || attempt < 2 || !lastFailure) return undefined;
  const message = lastFailure.timeoutFailureInfo
    ? 'the worker was lost or did not report in time'
    : (lastFailure.message ?? '');
  const seconds = nextAttemptScheduleTime?.seconds;
  return { attempt, message, ...(seconds ? { nextAt: Number(seconds) * 1000 } : {}) };
}
