import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  log,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { Activities } from '../activities/activities.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import type {
  ChunkResult,
  CommitResult,
  IngestObjectInput,
  ObjectProgress,
  ObjectResult,
  ObjectRun,
  PlanResult,
  RowCounts,
} from '../contracts/run.ts';
import { addCounts, balances, NO_ROWS } from '../contracts/run.ts';
import { mapBounded } from './bounded.ts';
import { hasCode, toRunFailure } from './failures.ts';
import { objectProgressQuery } from './messages.ts';
import { profiles } from './profiles.ts';

/** How often a run plans again because another writer changed the table's schema under it. */
const MAX_ROUNDS = 3;

/** Brings one object of a job into its table: plan, extract, evaluate, commit. */
export async function ingestObject(input: IngestObjectInput): Promise<ObjectResult> {
  const progress = trackProgress(input.object);
  for (let round = 1; ; round++) {
    try {
      return await oneRound(input, round, progress);
    } catch (error) {
      if (round < MAX_ROUNDS && hasCode(error, 'TABLE_CHANGED')) continue;
      throw error;
    }
  }
}

async function oneRound(input: IngestObjectInput, round: number, progress: Progress): Promise<ObjectResult> {
  const profile = profiles(input.timeouts);
  const { planObject } = proxyActivities<Activities>(profile.metadata);
  const { evaluateObject } = proxyActivities<Activities>(profile.metadata);
  const { commitObject } = proxyActivities<Activities>(profile.commit);

  const startedAt = new Date().toISOString();
  const { job, tenant, asset, object, runId, options } = input;
  const run: ObjectRun = { job, tenant, asset, object, runId, options, round };
  let plan: PlanResult | undefined;
  let counts = NO_ROWS;
  try {
    progress.enter('planning');
    plan = await planObject(run);
    if (plan.unchanged ?? plan.chunks === 0) return progress.done(unchanged(object, plan, startedAt));

    progress.enter('extracting', plan.chunks);
    const chunks = await extractAll(input, run, plan, progress);
    counts = chunks.reduce((sum, chunk) => addCounts(sum, chunk.counts), NO_ROWS);
    const staged = { run, plan: plan.plan, attempts: chunks.map((chunk) => chunk.attempt), counts };
    if (!balances(counts)) throw unbalanced();

    progress.enter('evaluating');
    await evaluateObject(staged);

    progress.enter('committing');
    const commit = await commitObject(staged);
    return progress.done(committed(object, plan, counts, commit, startedAt));
  } catch (error) {
    const landed = await discard(run, input);
    if (landed && plan) return progress.done(committed(object, plan, counts, landed, startedAt));
    const outcome = isCancellation(error) ? 'cancelled' : 'failed';
    setCurrentDetails(`${object}: ${outcome}; nothing was committed.`);
    throw error;
  }
}

/**
 * Removes what was staged, also while the run is being cancelled; what was committed before the failure is returned.
 * That the removal fails must not hide why it was needed.
 */
async function discard(run: ObjectRun, { timeouts }: IngestObjectInput): Promise<CommitResult | undefined> {
  const { discardObject } = proxyActivities<Activities>(profiles(timeouts).cleanup);
  try {
    return (await CancellationScope.nonCancellable(() => discardObject(run))) ?? undefined;
  } catch (error) {
    log.warn('staged files could not be removed', { code: toRunFailure(error).code });
    return undefined;
  }
}

function committed(
  object: string,
  plan: PlanResult,
  counts: RowCounts,
  { snapshotId, files, bytes }: CommitResult,
  startedAt: string,
): ObjectResult {
  return {
    object,
    table: plan.table,
    state: 'success',
    counts,
    files,
    bytes,
    chunks: plan.chunks,
    ...(snapshotId === undefined ? {} : { snapshotId }),
    schemaChanges: plan.schemaChanges,
    unchangedUnits: plan.unchangedUnits,
    ...(plan.notices === undefined ? {} : { notices: plan.notices }),
    startedAt,
    endedAt: new Date().toISOString(),
    plan: plan.plan,
  };
}

async function extractAll(
  input: IngestObjectInput,
  run: ObjectRun,
  plan: PlanResult,
  progress: Progress,
): Promise<ChunkResult[]> {
  const extract = profiles(input.timeouts).extract;
  return mapBounded(Array.from({ length: plan.chunks }), input.parallelChunks, async (_, chunk) => {
    const summary = `${run.object} chunk ${chunk + 1}/${plan.chunks}`;
    const { extractChunk } = proxyActivities<Activities>({ ...extract, summary });
    const result = await extractChunk({ run, plan: plan.plan, chunk });
    progress.chunkDone(result.counts.read);
    return result;
  });
}

function unchanged(object: string, plan: PlanResult, startedAt: string): ObjectResult {
  return {
    object,
    table: plan.table,
    state: 'unchanged',
    counts: NO_ROWS,
    files: 0,
    bytes: 0,
    chunks: 0,
    schemaChanges: [],
    unchangedUnits: plan.unchangedUnits,
    startedAt,
    endedAt: new Date().toISOString(),
  };
}

function unbalanced(): ApplicationFailure {
  const message =
    'The rows read do not equal the rows committed, quarantined, dead-lettered and skipped; expected every row to be accounted for; nothing was committed, please report this with the job file.';
  return ApplicationFailure.nonRetryable(message, 'BugError', { code: 'SUM_MISMATCH' satisfies ErrorCode, message });
}

interface Progress {
  enter(stage: ObjectProgress['stage'], chunks?: number): void;
  chunkDone(rows: number): void;
  done(result: ObjectResult): ObjectResult;
}

/** Keeps the answer of the progress query and the plain words that Temporal's UI shows. */
function trackProgress(object: string): Progress {
  let state: ObjectProgress = { object, stage: 'planning', chunks: 0, chunksDone: 0, rowsDone: 0 };
  setHandler(objectProgressQuery, () => state);
  const words = () => {
    const chunks =
      state.chunks > 0 ? `, ${state.chunksDone} of ${state.chunks} chunks done, ${state.rowsDone} rows read` : '';
    setCurrentDetails(`${object}: ${state.stage}${chunks}.`);
  };
  return {
    enter(stage, chunks) {
      state = { ...state, stage, ...(chunks === undefined ? {} : { chunks, chunksDone: 0, rowsDone: 0 }) };
      words();
    },
    chunkDone(rows) {
      state = { ...state, chunksDone: state.chunksDone + 1, rowsDone: state.rowsDone + rows };
      words();
    },
    done(result) {
      state = { ...state, stage: 'done' };
      setCurrentDetails(
        result.state === 'unchanged'
          ? `${object}: nothing new in the source; ${result.table} is as it was.`
          : `${object}: ${result.counts.committed} rows committed to ${result.table}, ${result.counts.quarantined} quarantined.`,
      );
      return result;
    },
  };
}
