import type { Checkpoint } from '../connectors/connector.ts';
import { highestCursorText } from '../connectors/duckdb/cursor.ts';
import type { Merged, SinkChange } from '../connectors/sink.ts';
import { BugError } from '../contracts/errors.ts';
import { PROPERTY_PREFIX } from '../contracts/ids.ts';
import type { CommitResult, RowCounts, StagedObject } from '../contracts/run.ts';
import { addCounts, NO_ROWS } from '../contracts/run.ts';
import type { ActivityDependencies, OpenedJob } from './dependencies.ts';
import type { ObjectPlan, StagedChunk } from './working-folder.ts';
import { WorkingFolder } from './working-folder.ts';

export interface CommitActivities {
  /**
   * Makes the rows, the quarantined rows and the checkpoint of one object visible in one step. Asked again, it
   * recognises the run in the table and changes nothing.
   */
  commitObject(staged: StagedObject): Promise<CommitResult>;
}

export function createCommitActivities(deps: ActivityDependencies): CommitActivities {
  return {
    async commitObject(staged) {
      const { run } = staged;
      const job = await deps.openJob(run.job);
      const folder = new WorkingFolder(job.storage, job.workFolder, run.runId);
      const plan = await folder.readPlan(staged.plan);
      const chunks = await Promise.all(staged.attempts.map((attempt, chunk) => folder.readStaged(run, chunk, attempt)));
      assertSameCounts(chunks, staged.counts);

      await deps.reached('commit:before');
      const sink = job.openSink();
      try {
        const merged = staged.merge === undefined ? undefined : await folder.readMerged(staged.merge);
        const changes = describeChanges(job, staged, plan, chunks, merged);
        const [receipt] = await sink.commit(run.runId, changes);
        await deps.reached('commit:done');
        // Attempts that lost, and files that a retry made superfluous: nothing of the run stays but what it committed.
        await sink.sweep(run.runId, [plan.target, plan.quarantine]);
        await deps.reached('commit:after-sweep');
        return {
          ...(receipt?.snapshotId === undefined ? {} : { snapshotId: receipt.snapshotId }),
          files: receipt?.files ?? 0,
          bytes: receipt?.bytes ?? 0,
          alreadyCommitted: receipt?.alreadyCommitted ?? false,
        };
      } finally {
        sink.close();
      }
    },
  };
}

function describeChanges(
  job: OpenedJob,
  { run, counts }: StagedObject,
  plan: ObjectPlan,
  chunks: readonly StagedChunk[],
  merged: Merged | undefined,
): SinkChange[] {
  const properties = {
    [`${PROPERTY_PREFIX}job-digest`]: job.digest,
    [`${PROPERTY_PREFIX}rows-read`]: String(counts.read),
    [`${PROPERTY_PREFIX}rows-quarantined`]: String(counts.quarantined),
  };
  const target: SinkChange = {
    ...(merged === undefined
      ? { plan: plan.target, mode: plan.mode, files: chunks.flatMap((chunk) => chunk.files) }
      : afterMerge(plan, merged)),
    properties,
    ...(plan.checkpoint === 'stays' ? {} : { checkpoint: checkpointAfter(job, plan, chunks) }),
  };
  const quarantineFiles = chunks.flatMap((chunk) => chunk.quarantineFiles);
  if (quarantineFiles.length === 0) return [target];
  return [
    target,
    {
      plan: plan.quarantine,
      mode: 'append',
      files: quarantineFiles,
      properties: { [`${PROPERTY_PREFIX}object`]: run.object },
    },
  ];
}

/** What was merged is right only on the snapshot that it was merged with. */
function afterMerge({ target, mode }: ObjectPlan, { baseSnapshotId, files, removed }: Merged) {
  const base = { ...target.base, snapshotId: baseSnapshotId };
  return { plan: { ...target, base }, mode, files, removed };
}

function checkpointAfter(job: OpenedJob, plan: ObjectPlan, chunks: readonly StagedChunk[]): Checkpoint {
  if (plan.checkpoint === 'marked') return plan.nextCheckpoint;
  const cursors = chunks.flatMap(({ highestCursor }) => highestCursor ?? []);
  const memories = chunks.flatMap(({ memory }) => memory ?? []);
  return job.openSource().checkpointAfter(plan.nextCheckpoint, highestCursorText(cursors), memories);
}

/** The descriptions in the lake must be those that the workflow added up. */
function assertSameCounts(chunks: readonly StagedChunk[], expected: RowCounts): void {
  const found = chunks.reduce((sum, chunk) => addCounts(sum, chunk.counts), NO_ROWS);
  if (
    found.read === expected.read &&
    found.committed === expected.committed &&
    found.quarantined === expected.quarantined
  )
    return;
  throw new BugError('SUM_MISMATCH', {
    received: `${found.read} rows read and ${found.committed} staged in the files of the run`,
    expected: `${expected.read} read and ${expected.committed} staged, as the run had counted`,
    next: 'start the run again; nothing was committed',
  });
}
