import { quarantineTableName } from '../contracts/ids.ts';
import type { ObjectRun } from '../contracts/run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { WorkingFolder } from './working-folder.ts';

export interface DiscardActivities {
  /** Removes what a failed or cancelled run staged for one object. What was committed stays. */
  discardObject(run: ObjectRun): Promise<void>;
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
        await sink.sweep(run.runId, [
          { namespace, table },
          { namespace, table: quarantineTableName(table) },
        ]);
      } finally {
        sink.close();
      }
      await new WorkingFolder(job.storage, job.workFolder, run.runId).removeObject(run.object);
      await deps.reached('discard:after');
    },
  };
}
