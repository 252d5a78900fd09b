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
  CommitResult,
  IngestObjectInput,
  MergeResult,
  ObjectProgress,
  ObjectResult,
  ObjectRun,
  PlanResult,
  RowCounts,
  StagedObject,
} from '../contracts/run.ts';
import { balances, NO_ROWS, resultWithoutRows } from '../contracts/run.ts';
import { extractObject } from './extract-object.ts';
import { hasCode, toRunFailure } from './failures.ts';
import { objectProgressQuery } from './messages.ts';
import { profiles } from './profiles.ts';

/** How often a run plans again because another writer changed the table's schema under it. */
const MAX_ROUNDS = 3;

/** How often a run begins again because the moment that it read its source at was lost with a worker or a server. */
const MAX_SNAPSHOTS = 20;

/** How often an upsert is merged again because another writer was faster: many jobs may share a table. */
const MAX_TURNS = 50;

/** Brings one object of a job into its table: plan, extract, evaluate, commit. */
export async function ingestObject(input: IngestObjectInput): Promise<ObjectResult> {
  const progress = trackProgress(input.object);
  let [changes, losses] = [0, 0];
  for (let round = 1; ; round++) {
    try {
      return await oneRound(input, round, progress);
    } catch (error) {
      if (hasCode(error, 'TABLE_CHANGED')) changes++;
      else if (hasCode(error, 'SNAPSHOT_LOST')) losses++;
      else throw error;
      if (changes === MAX_ROUNDS || losses === MAX_SNAPSHOTS) throw error;
    }
  }
}

async function oneRound(input: IngestObjectInput, round: number, progress: Progress): Promise<ObjectResult> {
  const profile = profiles(input);
  const { planObject } = proxyActivities<Activities>(profile.metadata);
  const { evaluateObject } = proxyActivities<Activities>(profile.metadata);
  const { commitObject } = proxyActivities<Activities>(profile.commit);

  const startedAt = new Date().toISOString();
  const { job, tenant, asset, object, runId, options, holdsSnapshot = false } = input;
  const snapshot = holdsSnapshot ? { holdsSnapshot } : {};
  const run: ObjectRun = { job, tenant, asset, object, runId, options, round, ...snapshot };
  let plan: PlanResult | undefined;
  let counts = NO_ROWS;
  try {
    progress.enter('planning');
    plan = await planObject(run);
    if (plan.unchanged ?? plan.chunks === 0) return progress.done(unchanged(object, plan, startedAt));

    progress.enter('extracting', plan.chunks);
    const extracted = await extractObject(input, run, plan, progress.chunksDone);
    counts = extracted.counts;
    const staged = { run, plan: plan.plan, attempts: extracted.attempts, counts };
    if (!balances(counts)) throw unbalanced();

    progress.enter('evaluating');
    await evaluateObject(staged);

    if (plan.upserts !== true) {
      progress.enter('committing');
      return progress.done(committed(object, plan, counts, await commitObject(staged), startedAt));
    }
    const { commit, merged } = await mergeAndCommit(input, staged, progress, (known) => {
      counts = known;
    });
    const result = committed(object, plan, counts, commit, startedAt);
    return progress.done({ ...result, updated: merged.updated });
  } catch (error) {
    const landed = await discard(run, input);
    if (landed && plan) return progress.done(committed(object, plan, counts, landed, startedAt));
    const outcome = isCancellation(error) ? 'cancelled' : 'failed';
    setCurrentDetails(`${object}: ${outcome}; nothing was committed.`);
    throw error;
  }
}

/** A merge is right only on the table that it was made with; when another writer was faster it is made again. */
async function mergeAndCommit(
  input: IngestObjectInput,
  staged: StagedObject,
  progress: Progress,
  onCounts: (counts: RowCounts) => void,
): Promise<{ commit: CommitResult; merged: MergeResult }> {
  const profile = profiles(input);
  const { mergeObject } = proxyActivities<Activities>(profile.extract);
  const { commitObject } = proxyActivities<Activities>(profile.commit);
  for (let turn = 1; ; turn++) {
    progress.enter('merging');
    const merged = await mergeObject({ staged, turn });
    onCounts(merged.counts);
    if (!balances(merged.counts)) throw unbalanced();
    progress.enter('committing');
    try {
      return { commit: await commitObject({ ...staged, merge: merged.merge }), merged };
    } catch (error) {
      if (turn === MAX_TURNS || !hasCode(error, 'TABLE_CHANGED')) throw error;
    }
  }
}

/**
 * Removes what was staged, also while the run is being cancelled; what was committed before the failure is returned.
 * That the removal fails must not hide why it was needed.
 */
async function discard(run: ObjectRun, input: IngestObjectInput): Promise<CommitResult | undefined> {
  const { discardObject } = proxyActivities<Activities>(profiles(input).cleanup);
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

function unchanged(object: string, { table, unchangedUnits }: PlanResult, startedAt: string): ObjectResult {
  const endedAt = new Date().toISOString();
  return resultWithoutRows({ object, table, state: 'unchanged', unchangedUnits, startedAt, endedAt });
}

function unbalanced(): ApplicationFailure {
  const message =
    'The rows read do not equal the rows committed, quarantined, dead-lettered and skipped; expected every row to be accounted for; nothing was committed, please report this with the job file.';
  return ApplicationFailure.nonRetryable(message, 'BugError', { code: 'SUM_MISMATCH' satisfies ErrorCode, message });
}

interface Progress {
  enter(stage: ObjectProgress['stage'], chunks?: number): void;
  chunksDone(chunks: number, rows: number): void;
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
    chunksDone(chunks, rows) {
      state = { ...state, chunksDone: state.chunksDone + chunks, rowsDone: state.rowsDone + rows };
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
