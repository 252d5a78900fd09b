import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { Activities } from '../activities/activities.ts';
import { ERROR_CATALOGUE } from '../contracts/errors.ts';
import type {
  BackfillInput,
  BackfillResult,
  BackfillTally,
  ScheduledJob,
  TextWindow,
  WindowFailure,
} from '../contracts/schedule.ts';
import { NO_WINDOWS, WAITING } from '../contracts/schedule.ts';
import { profiles } from './profiles.ts';
import type { RunOutcome } from './run-outcome.ts';
import { outcomeOf, windowWasPresent } from './run-outcome.ts';
import { takeTurn } from './take-turn.ts';

/** About ten events each: far from the length at which Temporal ends a workflow. */
const WINDOWS_PER_EXECUTION = 200;
const MAX_FAILURES = 10;
/** Shown in full; the others are counted. */
const KEPT_FAILURES = 10;

/**
 * Runs a job over a span of the past, one window after the other in the order of time. A window that was run before is
 * left as it is, so that a backfill can be started again after it was stopped. Ends early when too many windows fail,
 * or when one fails by what would fail the others too.
 */
export async function backfill(input: BackfillInput): Promise<BackfillResult> {
  const { job, timing, from, to, windows: total } = input;
  const { windowsBetween } = proxyActivities<Activities>(profiles(job).metadata);
  const limit = input.windowsPerExecution ?? WINDOWS_PER_EXECUTION;
  const { windows, next } = await windowsBetween({ timing, from, to, limit });

  let tally = input.done ?? NO_WINDOWS;
  for (const window of windows) {
    setCurrentDetails(`${job.asset}: ${countOf(tally)} of ${total} windows done; now from ${window.from}.`);
    const { tally: counted, hopeless } = await runWindow(input, window, tally);
    tally = counted;
    if (hopeless || tally.failed >= (input.maxFailures ?? MAX_FAILURES)) return finish(job, tally, total);
  }
  if (next === undefined) return finish(job, tally, total);
  return continueAsNew<typeof backfill>({ ...input, from: next, done: tally });
}

async function runWindow(
  { job, overlap, turn }: BackfillInput,
  window: TextWindow,
  tally: BackfillTally,
): Promise<{ tally: BackfillTally; hopeless: boolean }> {
  const run = await takeTurn({
    job,
    options: { mode: 'window', ...window },
    overlap,
    turn,
    summary: `${job.asset}: ${window.from} to ${window.to}, by backfill`,
    onWait: () => setCurrentDetails(`${job.asset}: ${WAITING}.`),
  });
  if (!run) return { tally: { ...tally, skipped: tally.skipped + 1 }, hopeless: false };
  const outcome = await outcomeOf(run);
  // The run was cancelled with this workflow, not for itself.
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure(`${job.asset}: cancelled.`);
  return { tally: add(tally, window, outcome), hopeless: isHopeless(outcome) };
}

function add(tally: BackfillTally, window: TextWindow, outcome: RunOutcome): BackfillTally {
  const { state, result, failure } = outcome;
  const counts = (result?.objects ?? []).map((object) => object.counts);
  const rows = tally.rows + counts.reduce((sum, { committed }) => sum + committed, 0);
  if (windowWasPresent(outcome)) return { ...tally, present: tally.present + 1 };
  if (state === 'success' || state === 'unchanged') {
    const isEmpty = counts.every(({ committed, quarantined }) => committed + quarantined === 0);
    return isEmpty ? { ...tally, empty: tally.empty + 1 } : { ...tally, rows, committed: tally.committed + 1 };
  }
  const cause = failure ?? result?.objects.find((object) => object.failure)?.failure;
  const { code = 'UNEXPECTED', message = 'The run failed.' } = cause ?? {};
  const failures: WindowFailure[] = [...tally.failures, { ...window, code, message }].slice(0, KEPT_FAILURES);
  return { ...tally, rows, failures, failed: tally.failed + 1 };
}

/** The job or its surroundings are wrong: the other windows would fail as this one did. */
function isHopeless(outcome: RunOutcome): boolean {
  if (outcome.state !== 'failed' || windowWasPresent(outcome)) return false;
  const known = Object.entries(ERROR_CATALOGUE).find(([code]) => code === outcome.failure?.code);
  return known?.[1].kind === 'config';
}

function finish(job: ScheduledJob, tally: BackfillTally, total: number): BackfillResult {
  const left = Math.max(0, total - countOf(tally));
  const bad = tally.failed + tally.skipped + left;
  const state = bad === 0 ? 'success' : tally.committed + tally.empty + tally.present > 0 ? 'partial' : 'failed';
  const result: BackfillResult = { ...tally, left, state };
  const words = inWords(job, result);
  setCurrentDetails(words);
  if (state === 'failed') throw ApplicationFailure.nonRetryable(words, 'BackfillFailed', result);
  return result;
}

function inWords({ asset }: ScheduledJob, { committed, empty, present, skipped, failed, left, rows }: BackfillResult) {
  const parts = [
    `${rows} rows committed from ${committed} windows`,
    ...(empty > 0 ? [`${empty} windows without new rows`] : []),
    ...(present > 0 ? [`${present} windows left as they were, because they have rows already`] : []),
    ...(skipped > 0 ? [`${skipped} windows skipped, because a run went on`] : []),
    ...(failed > 0 ? [`${failed} windows failed`] : []),
    ...(left > 0 ? [`${left} windows not begun`] : []),
  ];
  return `${asset}: ${parts.join('; ')}.`;
}

function countOf({ committed, empty, present, skipped, failed }: BackfillTally): number {
  return committed + empty + present + skipped + failed;
}
