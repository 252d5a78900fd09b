import { fail } from '../contracts/errors.ts';
import type { MergeInput, MergeResult } from '../contracts/run.ts';
import { addCounts, NO_ROWS } from '../contracts/run.ts';
import { openScope } from './activity-scope.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { WorkingFolder } from './working-folder.ts';

/** Rows of a run that were older than another row with their key are left out by this rule of the user's. */
const LATEST_BY_RULE = 'latest_by';

export interface MergeActivities {
  /**
   * Upsert: writes anew the files of the table that hold rows with the keys of the staged ones. Nobody sees them until
   * the commit, which fails with TABLE_CHANGED if the table is not the same any more; then it is merged again.
   */
  mergeObject(input: MergeInput): Promise<MergeResult>;
}

export function createMergeActivities(deps: ActivityDependencies): MergeActivities {
  return {
    async mergeObject({ staged, turn }) {
      const { run } = staged;
      await deps.reached('merge:before');
      const job = await deps.openJob(run.job);
      const folder = new WorkingFolder(job.storage, job.workFolder, run.runId);
      const plan = await folder.readPlan(staged.plan);
      if (plan.rule === undefined) throw new RangeError('a merge of a run that does not upsert');
      const chunks = await Promise.all(staged.attempts.map((attempt, chunk) => folder.readStaged(run, chunk, attempt)));
      await using scope = await openScope(deps);
      const sink = job.openSink();
      try {
        if (sink.merge === undefined) throw notMergeable();
        const table = await sink.open(plan.target.namespace, plan.target.table);
        const name = `r${run.round}-merge${turn}`;
        const merged = await sink.merge(await scope.session(), {
          plan: plan.target,
          rule: plan.rule,
          files: chunks.flatMap((chunk) => chunk.files),
          replace: plan.replaces === true,
          folder: table.dataFolder(run.runId, name, scope.connector.attempt),
          fileSizeBytes: job.fileSizeBytes,
        });
        await deps.reached('merge:after-data-files');
        const reference = await folder.writeMerged(run, turn, scope.connector.attempt, merged);
        await deps.reached('merge:after-description');
        const { rows, updated, superseded } = merged;
        const left = { ...NO_ROWS, committed: rows - staged.counts.committed };
        const skipped = superseded === 0 ? {} : { [LATEST_BY_RULE]: superseded };
        return { merge: reference, counts: addCounts(staged.counts, { ...left, skipped }), updated };
      } finally {
        sink.close();
      }
    },
  };
}

function notMergeable() {
  return fail('NOT_AVAILABLE_YET', {
    received: 'write_mode: upsert for a target without keys',
    expected: 'target_connector: iceberg',
    next: 'change the target or the write mode',
  });
}
