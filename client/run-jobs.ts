import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadedJob } from '../config/validate.ts';
import type { RunOptions } from '../contracts/run.ts';
import type { CommandContext } from './command.ts';
import { finishRun } from './finish-run.ts';
import { RunFollower } from './follow-run.ts';
import { onInterrupt } from './interrupts.ts';
import type { RunView } from './progress.ts';
import { ProgressDisplay } from './progress-display.ts';
import type { FinishedRun } from './run-summary.ts';
import type { Session } from './session.ts';
import { openSession } from './session.ts';
import type { StartedRun } from './start-run.ts';
import { startRun } from './start-run.ts';
import { workflowLink } from './workflow-link.ts';

/** Jobs of one command that run at once; each may work on several objects and chunks at once. */
const JOBS_AT_ONCE = 4;
const LOOK_EVERY_MS = 300;

export interface RunRequest {
  readonly jobs: readonly LoadedJob[];
  readonly options: RunOptions;
  /** Work on this machine although a server is configured. */
  readonly withWorker: boolean;
}

/** Runs the jobs through Temporal, shows how they go on, and returns how they ended, in the order of the jobs. */
export async function runJobs(
  context: CommandContext,
  { jobs, options, withWorker }: RunRequest,
): Promise<FinishedRun[]> {
  await using session = await openSession(context, { worker: withWorker ? 'always' : 'embedded' });
  const display = new ProgressDisplay(context.terminal.err);
  const active = new Map<LoadedJob, { run: StartedRun; follower: RunFollower }>();
  const interruption = new AbortController();
  const stopListening = onInterrupt(() => {
    interruption.abort();
    display.say('Cancelling; what is staged is removed. Ctrl-C again leaves at once.');
    for (const { run } of active.values()) cancelRun(session, run);
  });

  const runOne = async (job: LoadedJob): Promise<FinishedRun> => {
    const run = await startJob(context, session, job, options);
    if (run.joined)
      display.say(`${job.asset}: already running (run ${run.runId}): following it, with the job as it was then.`);
    active.set(job, { run, follower: new RunFollower(session.client, run) });
    // Interrupted between its start and here: nobody has cancelled it yet.
    if (interruption.signal.aborted) cancelRun(session, run);
    try {
      return await finishRun(session.client, run, workflowLink(session.server, run.workflowId, run.runId));
    } finally {
      active.delete(job);
    }
  };

  const ended = new AbortController();
  const showing = showUntil(ended.signal, display, () => [...active.values()].map(({ follower }) => follower.look()));
  try {
    return await Promise.race([inLanes(jobs, interruption.signal, runOne), session.broken]);
  } finally {
    ended.abort();
    stopListening();
    await showing;
    display.clear();
  }
}

/** Waits for its last look too: the connection must not be closed under it. */
async function showUntil(
  signal: AbortSignal,
  display: ProgressDisplay,
  look: () => readonly Promise<RunView>[],
): Promise<void> {
  while (!signal.aborted) {
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const views = await Promise.all(look());
    if (!signal.aborted) display.update(views);
  }
}

async function startJob(
  context: CommandContext,
  session: Session,
  job: LoadedJob,
  options: RunOptions,
): Promise<StartedRun> {
  const { storeJob } = await import('../worker/job-store.ts');
  const reference = await storeJob(job, context.env);
  return startRun(session.client, { job, reference, options, env: context.env });
}

function cancelRun({ client }: Session, { workflowId, runId }: StartedRun): void {
  // It may have ended in this moment, which is as good.
  client.workflow
    .getHandle(workflowId, runId)
    .cancel()
    .catch(() => {});
}

/** Works on the jobs in order, a few at once; starts no further one after an interruption. */
async function inLanes(
  jobs: readonly LoadedJob[],
  signal: AbortSignal,
  work: (job: LoadedJob) => Promise<FinishedRun>,
): Promise<FinishedRun[]> {
  const results: (FinishedRun | undefined)[] = jobs.map(() => undefined);
  let next = 0;
  const lane = async () => {
    while (next < jobs.length && !signal.aborted) {
      const index = next++;
      const job = jobs[index];
      if (job) results[index] = await work(job);
    }
  };
  await Promise.all(Array.from({ length: Math.min(JOBS_AT_ONCE, jobs.length) }, lane));
  return results.flatMap((result) => (result ? [result] : []));
}
