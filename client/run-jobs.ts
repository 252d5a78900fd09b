import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadedJob } from '../config/validate.ts';
import type { RunOptions } from '../contracts/run.ts';
import type { CommandContext } from './command.ts';
import { EXIT } from './exit-code.ts';
import { finishRun } from './finish-run.ts';
import { RunFollower } from './follow-run.ts';
import { leave, onInterrupt } from './interrupts.ts';
import type { RunView } from './progress.ts';
import { ProgressDisplay } from './progress-display.ts';
import type { FinishedRun } from './run-summary.ts';
import type { Session } from './session.ts';
import { openSession } from './session.ts';
import type { StartedRun } from './start-run.ts';
import { startRun } from './start-run.ts';
import { boundTo, missingWorker } from './worker-notice.ts';
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

export interface RunOutcome {
  /** How the runs ended, in the order of the jobs. */
  readonly runs: readonly FinishedRun[];
  /** Jobs whose turn had not come when the command was interrupted. */
  readonly notStarted: readonly LoadedJob[];
}

/** Runs the jobs through Temporal, shows how they go on, and returns how they ended. Ctrl-C cancels them. */
export async function runJobs(context: CommandContext, request: RunRequest): Promise<RunOutcome> {
  const display = new ProgressDisplay(context.terminal.err);
  const interruption = new AbortController();
  let cancelRuns = () => {
    display.say('Cancelled before a run was started; nothing was committed.');
    leave(EXIT.failed);
  };
  const stopListening = onInterrupt(() => {
    interruption.abort();
    cancelRuns();
  });
  try {
    await using session = await openSession(context, { worker: request.withWorker ? 'always' : 'embedded' });
    const active: ActiveRuns = new Map();
    cancelRuns = () => {
      const runs = [...active.values()].map(({ run }) => run);
      display.say(cancelWords(runs));
      for (const run of runs) cancelRun(session, run);
    };
    return await runAll(context, session, request, { display, active, signal: interruption.signal });
  } finally {
    stopListening();
  }
}

type ActiveRuns = Map<LoadedJob, { readonly run: StartedRun; readonly follower: RunFollower }>;

interface Surroundings {
  readonly display: ProgressDisplay;
  readonly active: ActiveRuns;
  readonly signal: AbortSignal;
}

async function runAll(
  context: CommandContext,
  session: Session,
  { jobs, options }: RunRequest,
  { display, active, signal }: Surroundings,
): Promise<RunOutcome> {
  const runOne = async (job: LoadedJob): Promise<FinishedRun | undefined> => {
    const run = await startJob(context, session, job, { options, signal, waits: (why) => display.say(why) });
    if (!run) return undefined;
    if (run.joined)
      display.say(`${job.asset}: already running (run ${run.runId}): following it, with the job as it was then.`);
    active.set(job, { run, follower: new RunFollower(session.client, run) });
    // Interrupted between its start and here: nobody has cancelled it yet.
    if (signal.aborted) cancelRun(session, run);
    try {
      const finished = await finishRun(session.client, run, workflowLink(session.server, run.workflowId, run.runId));
      display.conclude(job.asset, finished.objects);
      return finished;
    } finally {
      active.delete(job);
    }
  };

  const ended = new AbortController();
  const showing = showUntil(ended.signal, display, () => [...active.values()].map(({ follower }) => follower.look()));
  try {
    return await Promise.race([inLanes(jobs, signal, runOne), session.broken]);
  } finally {
    ended.abort();
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
  how: Required<Pick<Parameters<typeof startRun>[1], 'options' | 'signal' | 'waits'>>,
): Promise<StartedRun | undefined> {
  const { storeJob } = await import('../worker/job-store.ts');
  const { bindingHost } = await import('../worker/host.ts');
  const reference = await storeJob(job, { env: context.env, host: await bindingHost(context.env) });
  if (reference.host !== undefined) how.waits(`${job.asset}: ${boundTo(reference.host)}`);
  const missing = await missingWorker(session, reference.host);
  if (missing !== undefined) how.waits(`${job.asset}: ${missing}`);
  return startRun(session.client, { ...how, job, reference, env: context.env });
}

function cancelWords(runs: readonly StartedRun[]): string {
  const named = runs.map(({ job, runId }) => `${job.asset} (run ${runId})`).join(' and ');
  return named === ''
    ? 'Cancelling; no run has been started yet.'
    : `Cancelling ${named}; waiting until what is staged is removed. Ctrl-C again leaves at once.`;
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
  work: (job: LoadedJob) => Promise<FinishedRun | undefined>,
): Promise<RunOutcome> {
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
  return {
    runs: results.flatMap((result) => result ?? []),
    notStarted: jobs.filter((_, index) => results[index] === undefined),
  };
}
