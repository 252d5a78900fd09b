import { quarantineTableName } from '../contracts/ids.ts';
import type { CommitResult, ObjectRun } from '../contracts/run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { WorkingFolder } from './working-folder.ts';

export interface DiscardActivities {
  /**
   * Removes what a failed or cancelled run staged for one object. What was committed stays, and is returned: an
   * activity can be lost after its commit landed and before it could say so.
   */
  discardObject(run: ObjectRun): Promise<CommitResult | undefined>;
}

export function createDiscardActivities(deps: ActivityDependencies): DiscardActivities {
  return {
    async discardObject(run) {
      await deps.reached('discard:before');
      const job = await deps.openJob(run.job);
      const { namespace } = job;
      const table = job.tableOf(run.object);
      const sink = job.openSink();
      try {
        const tables = [
          { namespace, table },
          { namespace, table: quarantineTableName(table) },
        ];
        const swept = await sink.sweep(run.runId, tables).then(
          () => undefined,
          (error: unknown) => ({ error }),
        );
        // Asked after the sweep: it lets a commit that is still on its way land or fail.
        const landed = (await sink.open(namespace, table)).committedRun(run.runId);
        // Files that nobody sees are no reason to call a commit that stands a failure.
        if (landed === undefined && swept !== undefined) throw swept.error;
        if (landed !== undefined) {
          const { snapshotId, files, bytes } = landed;
          return { ...(snapshotId === undefined ? {} : { snapshotId }), files, bytes, alreadyCommitted: true };
        }
      } finally {
        sink.close();
      }
      await new WorkingFolder(job.storage, job.workFolder, run.runId).removeObject(run.object);
      await deps.reached('discard:after');
      return undefined;
    },
  };
}
