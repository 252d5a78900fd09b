import type { ExtractProgress } from '../contracts/extract-progress.ts';
import { toExtractProgress } from '../contracts/extract-progress.ts';
import type {
  ChunkResult,
  ChunksResult,
  ExtractChunksInput,
  ExtractInput,
  ObjectRun,
  RowCounts,
} from '../contracts/run.ts';
import { addCounts, NO_ROWS } from '../contracts/run.ts';
import { openScope } from './activity-scope.ts';
import type { ActivityDependencies, OpenedJob } from './dependencies.ts';
import type { ChunkFolders } from './stage-chunk.ts';
import { stageChunk } from './stage-chunk.ts';
import type { ObjectPlan, StagedChunk } from './working-folder.ts';
import { stagedName, WorkingFolder } from './working-folder.ts';

export interface ExtractActivities {
  /**
   * Stages chunks one after the other, each in one pass. A retry goes on behind those that are done; when the time is
   * up, chunks that were not begun are handed back.
   */
  extractChunks(input: ExtractChunksInput): Promise<ChunksResult>;
  /** One chunk, for runs that an earlier version began. */
  extractChunk(input: ExtractInput): Promise<ChunkResult>;
}

export function createExtractActivities(deps: ActivityDependencies): ExtractActivities {
  return {
    async extractChunks(input) {
      const { run, chunks } = input;
      const startedAt = performance.now();
      const context = deps.context();
      const attempt = chunks.firstAttempt - 1 + (context?.info.attempt ?? 1);
      const work = await openWork(deps, input, attempt);
      const before = toExtractProgress(context?.info.heartbeatDetails);
      const attempts = [...(before?.attempts ?? [])];
      // What is done is counted from the lake: a heartbeat holds no more than where to find it.
      let counts = await stagedCounts(work.folder, run, chunks.first, attempts);
      while (attempts.length < chunks.count) {
        // Always at least one, so that every activity brings its run further.
        if (attempts.length > 0 && performance.now() - startedAt >= input.takeForMs) break;
        const chunk = chunks.first + attempts.length;
        const tries = before?.chunk === chunk ? before.tries + 1 : 1;
        const progress = { chunk, rows: counts.read, tries, attempts: [...attempts] };
        const staged = await extractOne(deps, work, progress);
        counts = addCounts(counts, staged.counts);
        attempts.push(attempt);
      }
      const left = chunks.count - attempts.length;
      const handedBack = { first: chunks.first + attempts.length, count: left, firstAttempt: attempt + 1 };
      return { attempts, counts, ...(left === 0 ? {} : { handedBack }) };
    },

    async extractChunk(input) {
      const attempt = deps.context()?.info.attempt ?? 1;
      const work = await openWork(deps, input, attempt);
      const progress = { chunk: input.chunk, rows: 0, tries: attempt, attempts: [] };
      const { counts, files } = await extractOne(deps, work, progress);
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      return { attempt, counts, files: files.length, bytes };
    },
  };
}

/** What the chunks of one activity share. */
interface ExtractWork {
  readonly run: ObjectRun;
  readonly job: OpenedJob;
  readonly plan: ObjectPlan;
  readonly folder: WorkingFolder;
  /** Stands in the names of everything that is written. */
  readonly attempt: number;
  readonly foldersOf: (chunk: number) => ChunkFolders;
}

async function openWork(
  deps: ActivityDependencies,
  { run, plan: reference }: Pick<ExtractInput, 'run' | 'plan'>,
  attempt: number,
): Promise<ExtractWork> {
  const job = await deps.openJob(run.job);
  const folder = new WorkingFolder(job.storage, job.workFolder, run.runId);
  const plan = await folder.readPlan(reference);
  const sink = job.openSink();
  try {
    const target = await sink.open(plan.target.namespace, plan.target.table);
    const quarantine = await sink.open(plan.quarantine.namespace, plan.quarantine.table);
    const foldersOf = (chunk: number): ChunkFolders => ({
      target: target.dataFolder(run.runId, stagedName(run, chunk), attempt),
      quarantine: quarantine.dataFolder(run.runId, stagedName(run, chunk), attempt),
    });
    return { run, job, plan, folder, attempt, foldersOf };
  } finally {
    sink.close();
  }
}

/** Heartbeats come from the rows themselves, so that a query that hangs is told from one that is slow. */
async function extractOne(
  deps: ActivityDependencies,
  { run, job, plan, folder, attempt, foldersOf }: ExtractWork,
  progress: ExtractProgress,
): Promise<StagedChunk> {
  const { chunk, tries } = progress;
  await using scope = await openScope(deps, { tries, snapshot: plan.snapshot });
  // Before anything can fail: the next attempt has to know which chunk it was, and what was done before.
  scope.heartbeat(progress);
  await deps.reached('extract:before-read');
  const staged = await stageChunk(deps, job, plan, run, chunk, scope, foldersOf(chunk), (rows) =>
    scope.heartbeat({ ...progress, rows: progress.rows + rows } satisfies ExtractProgress),
  );
  await folder.writeStaged(run, chunk, attempt, staged);
  await deps.reached('extract:after-description');
  return staged;
}

async function stagedCounts(
  folder: WorkingFolder,
  run: ObjectRun,
  first: number,
  attempts: readonly number[],
): Promise<RowCounts> {
  let counts = NO_ROWS;
  for (const [index, attempt] of attempts.entries()) {
    counts = addCounts(counts, (await folder.readStaged(run, first + index, attempt)).counts);
  }
  return counts;
}
