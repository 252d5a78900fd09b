import type { ChildWorkflowHandle } from '@temporalio/workflow';
import { isCancellation } from '@temporalio/workflow';
import type { ErrorCode } from '../contracts/errors.ts';
import type { IngestResult, RunFailure, RunState } from '../contracts/run.ts';
import { applicationCause, toRunFailure } from './failures.ts';
import type { ingest } from './ingest.ts';

/** How a run ended, whether Temporal calls it completed, failed or cancelled. */
export interface RunOutcome {
  readonly runId: string;
  readonly state: RunState;
  /** Absent when the run could not even say what became of its objects. */
  readonly result?: IngestResult;
  /** Of a run without any success. */
  readonly failure?: RunFailure;
}

/** Waits for the end of a run. */
export async function outcomeOf(run: ChildWorkflowHandle<typeof ingest>): Promise<RunOutcome> {
  const runId = run.firstExecutionRunId;
  try {
    const result = await run.result();
    return { runId, state: result.state, result };
  } catch (error) {
    if (isCancellation(error)) return { runId, state: 'cancelled', failure: toRunFailure(error) };
    const result = resultIn(applicationCause(error)?.details?.[0]);
    const failure = result?.objects.find((object) => object.failure)?.failure ?? toRunFailure(error);
    return { runId, state: 'failed', failure, ...(result ? { result } : {}) };
  }
}

/** True when nothing was done because the tables have rows in the window already: the window was run before. */
export function windowWasPresent({ state, result }: RunOutcome): boolean {
  const objects = result?.objects ?? [];
  return (
    state === 'failed' &&
    objects.length > 0 &&
    objects.every(({ failure }) => failure?.code === ('WINDOW_NOT_EMPTY' satisfies ErrorCode))
  );
}

function resultIn(details: unknown): IngestResult | undefined {
  return isResult(details) ? details : undefined;
}

function isResult(value: unknown): value is IngestResult {
  return typeof value === 'object' && value !== null && 'objects' in value && Array.isArray(value.objects);
}
