import { defineSearchAttributeKey, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { ChildWorkflowHandle } from '@temporalio/workflow';
import { getExternalWorkflowHandle, log, ParentClosePolicy, sleep, startChild } from '@temporalio/workflow';
import { ingestWorkflowId } from '../contracts/ids.ts';
import type { Overlap } from '../contracts/job-schedule.ts';
import type { RunOptions } from '../contracts/run.ts';
import type { ScheduledJob, TurnTimeouts } from '../contracts/schedule.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type { ingest } from './ingest.ts';

const FIRST_WAIT_MS = 1_000;
/** Waits grow with the time that was waited, so that a wait of a month still fits a workflow's history. */
const GROWTH = 1.25;
const LONGEST_WAIT_MS = 5 * 60_000;

export interface TurnRequest {
  readonly job: ScheduledJob;
  readonly options: RunOptions;
  readonly overlap: Overlap;
  readonly summary: string;
  readonly turn?: TurnTimeouts | undefined;
  /** Called once, when another run of the asset goes on and is waited for. */
  readonly onWait: () => void;
}

/**
 * Starts a run under the id that every run of the asset has, so that a schedule, a backfill and `dativo run` can never
 * be at work on one asset at once. When it is taken, the overlap policy says what happens; undefined: nothing was
 * started, because a run goes on. Temporal tells nobody of the end of a workflow that is not their child, so a run
 * that waits asks again and again.
 */
export async function takeTurn(request: TurnRequest): Promise<ChildWorkflowHandle<typeof ingest> | undefined> {
  const { job, overlap, turn, onWait } = request;
  const longestWait = turn?.longestWaitMs ?? LONGEST_WAIT_MS;
  let wait = turn?.firstWaitMs ?? FIRST_WAIT_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(request);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    if (overlap === 'skip') return undefined;
    if (attempt === 1) onWait();
    if (overlap === 'cancel_other') await cancelOther(ingestWorkflowId(job.tenant, job.asset));
    await sleep(wait);
    wait = Math.min(wait * GROWTH, longestWait);
  }
}

function start({ job, options, summary }: TurnRequest): Promise<ChildWorkflowHandle<typeof ingest>> {
  const { connector, ...input } = job;
  const key = ({ name, type }: (typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES]) =>
    defineSearchAttributeKey(name, type);
  return startChild<typeof ingest>('ingest', {
    workflowId: ingestWorkflowId(job.tenant, job.asset),
    args: [{ ...input, options }],
    // Whoever ends this workflow by force means the run too; it still gets to clean up.
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: summary,
    // Those of the schedule are not passed on to what it starts.
    typedSearchAttributes: [
      { key: key(SEARCH_ATTRIBUTES.tenant), value: job.tenant },
      { key: key(SEARCH_ATTRIBUTES.asset), value: job.asset },
      { key: key(SEARCH_ATTRIBUTES.connector), value: connector },
      { key: key(SEARCH_ATTRIBUTES.runState), value: 'running' },
    ],
  });
}

/** Cancelling what has ended meanwhile fails, which is as good. */
async function cancelOther(workflowId: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).cancel();
  } catch {
    log.info('the run that was to be cancelled had ended already');
  }
}
