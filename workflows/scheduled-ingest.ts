import { defineSearchAttributeKey } from '@temporalio/common';
import {
  ApplicationFailure,
  CancelledFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/activities.ts';
import type { RunOptions } from '../contracts/run.ts';
import type { ScheduledIngestInput, ScheduledIngestResult } from '../contracts/schedule.ts';
import { WAITING } from '../contracts/schedule.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { profiles } from './profiles.ts';
import { outcomeOf, windowWasPresent } from './run-outcome.ts';
import { takeTurn } from './take-turn.ts';

const RUN_STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.runState.name, SEARCH_ATTRIBUTES.runState.type);
/** Set by Temporal on what a schedule starts: the time that it was due, however late it starts. */
const DUE_AT = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

/**
 * What a schedule starts: it takes the asset's turn, runs the job as a child, and ends as that ends. So Temporal
 * applies the overlap policy between runs of the schedule, and `takeTurn` applies it to all others.
 */
export async function scheduledIngest(input: ScheduledIngestInput): Promise<ScheduledIngestResult> {
  try {
    return await runOnce(input);
  } catch (error) {
    // Cancelled before the run began.
    if (isCancellation(error)) end({ state: 'cancelled' }, `${input.job.asset}: cancelled.`);
    throw error;
  }
}

async function runOnce({ job, mode, overlap, timing, turn }: ScheduledIngestInput): Promise<ScheduledIngestResult> {
  const { asset } = job;
  const options: RunOptions = mode === 'window' ? { mode, ...(await ownWindow()) } : { mode };
  const run = await takeTurn({
    job,
    options,
    overlap,
    turn,
    summary: `${asset}: ${mode.replace('_', ' ')}, by schedule`,
    onWait: () => setCurrentDetails(`${asset}: ${WAITING}.`),
  });
  if (!run) return end({ state: 'skipped' }, `${asset}: skipped, because a run of it went on.`);

  setCurrentDetails(`${asset}: running.`);
  const outcome = await outcomeOf(run);
  const { state, runId } = outcome;
  if (windowWasPresent(outcome)) {
    return end({ state: 'skipped', runId }, `${asset}: skipped, because its window was run before.`);
  }
  const words = outcome.failure?.message ?? `${asset}: ${state}.`;
  const result = end({ state, runId }, words);
  if (state === 'cancelled') throw new CancelledFailure(words, [result]);
  if (state === 'failed') throw ApplicationFailure.nonRetryable(words, 'RunFailed', result);
  return result;

  function ownWindow() {
    const { lastWindow } = proxyActivities<Activities>(profiles(job).metadata);
    const { typedSearchAttributes, startTime } = workflowInfo();
    return lastWindow({ timing, at: (typedSearchAttributes.get(DUE_AT) ?? startTime).getTime() });
  }
}

function end(result: ScheduledIngestResult, words: string): ScheduledIngestResult {
  upsertSearchAttributes([{ key: RUN_STATE, value: result.state }]);
  setCurrentDetails(words);
  return result;
}
