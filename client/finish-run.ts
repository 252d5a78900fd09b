import type { Client } from '@temporalio/client';
import type { IngestResult, RunFailure } from '../contracts/run.ts';
import { endedObjects } from './ended-objects.ts';
import type { FinishedRun } from './run-summary.ts';
import type { StartedRun } from './start-run.ts';

type Ending = Pick<FinishedRun, 'state' | 'objects' | 'failure'>;

/** Waits for a run's end and tells it in one form, whether Temporal calls it completed, failed or cancelled. */
export async function finishRun(client: Client, run: StartedRun, url: string | undefined): Promise<FinishedRun> {
  const ending = await endingOf(client, run.workflowId, run.runId);
  return {
    file: run.job.file,
    asset: run.job.asset,
    tenant: run.job.tenant,
    workflowId: run.workflowId,
    runId: run.runId,
    elapsedMs: Date.now() - run.startedAt,
    ...(url === undefined ? {} : { url }),
    ...ending,
  };
}

/** The result of a closed run; waits while it is open. */
export async function endingOf(client: Client, workflowId: string, runId: string): Promise<Ending> {
  const { WorkflowFailedError, ApplicationFailure, CancelledFailure, TerminatedFailure } = await import(
    '@temporalio/client'
  );
  try {
    const { state, objects }: IngestResult = await client.workflow.getHandle(workflowId, runId).result();
    return { state, objects };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    // A run without any success ends as a failure in Temporal too, with its result inside.
    const result = cause instanceof ApplicationFailure ? resultIn(cause.details) : undefined;
    if (result) return { state: result.state, objects: result.objects };
    const objects = await endedObjects(client, workflowId, runId);
    if (cause instanceof CancelledFailure) return { state: 'cancelled', objects };
    if (cause instanceof TerminatedFailure) return { state: 'cancelled', objects, failure: TERMINATED };
    if (cause instanceof ApplicationFailure) return { state: 'failed', objects, failure: unexpected(cause.message) };
    return {
      state: 'failed',
      objects,
      failure: unexpected('The run timed out; expected it to end by itself; start it again.'),
    };
  }
}

function resultIn(details: readonly unknown[] | null | undefined): IngestResult | undefined {
  const [result] = details ?? [];
  return isResult(result) ? result : undefined;
}

function isResult(value: unknown): value is IngestResult {
  return (
    typeof value === 'object' &&
    value !== null &&
    'objects' in value &&
    'state' in value &&
    Array.isArray(value.objects)
  );
}

const TERMINATED: RunFailure = {
  code: 'CANCELLED',
  message:
    'The run was terminated in Temporal, so that files which it had staged stay in the lake, where no reader sees them; expected `dativo cancel`, which lets a run clean up; start the run again.',
};

function unexpected(message: string): RunFailure {
  return { code: 'UNEXPECTED', message };
}
