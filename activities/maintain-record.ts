import { jsonRowsQuery } from '../connectors/duckdb/json-rows.ts';
import { writeParquet } from '../connectors/duckdb/parquet-file.ts';
import { MAINTENANCE_TABLE, RUNS_NAMESPACE } from '../contracts/ids.ts';
import type { MaintenanceResult, MaintenanceRun, RecordMaintenanceInput } from '../contracts/maintenance.ts';
import { STEP_MEASURES } from '../contracts/maintenance.ts';
import { MAINTENANCE_RECORD_SCHEMA } from '../contracts/maintenance-record.ts';
import { openScope } from './activity-scope.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { WorkingFolder } from './working-folder.ts';

export interface MaintainRecordActivities {
  /** Removes what the maintenance staged and did not commit, and its working folder. */
  sweepMaintenance(run: MaintenanceRun): Promise<void>;
  /** Writes a row for each step that had something to do. */
  recordMaintenance(input: RecordMaintenanceInput): Promise<void>;
}

export function createMaintainRecordActivities(deps: ActivityDependencies): MaintainRecordActivities {
  return {
    async sweepMaintenance(run) {
      const job = await deps.openJob(run.job);
      const sink = job.openRecords();
      try {
        await sink.sweep(run.runId, [{ namespace: run.namespace, table: run.table }]);
      } finally {
        sink.close();
      }
      await new WorkingFolder(job.storage, job.workFolder, run.runId).removeRun();
      await deps.reached('maintain:after-sweep');
    },

    async recordMaintenance({ run, result }) {
      const rows = toRecords(result);
      if (rows.length === 0) return;
      const job = await deps.openJob(run.job);
      await using scope = await openScope(deps);
      const sink = job.openRecords();
      try {
        const table = await sink.open(RUNS_NAMESPACE, MAINTENANCE_TABLE);
        if (table.committedRun(run.runId) === undefined) {
          const plan = table.prepare(MAINTENANCE_RECORD_SCHEMA, { evolve: true });
          const { columns } = MAINTENANCE_RECORD_SCHEMA;
          const query = await jsonRowsQuery(rows, columns, scope.connector.scratchFolder, 'maintenance');
          const folder = table.dataFolder(run.runId, 'record', scope.connector.attempt);
          const options = { storage: job.storage, fileSizeBytes: job.fileSizeBytes };
          const files = await writeParquet(await scope.session(), query, plan.fileSchema, folder, options);
          await sink.commit(run.runId, [{ plan, mode: 'append', files }]);
          await deps.reached('maintain:after-record');
        }
        await sink.sweep(run.runId, [{ namespace: RUNS_NAMESPACE, table: MAINTENANCE_TABLE }]);
      } finally {
        sink.close();
      }
    },
  };
}

function toRecords({ runId, tenant, table, startedAt, endedAt, steps }: MaintenanceResult): Record<string, unknown>[] {
  return steps
    .filter(({ state }) => state !== 'nothing')
    .map(({ step, state, before, after, notes, failure }) => ({
      run_id: runId,
      tenant,
      table,
      step,
      state,
      started_at: startedAt,
      ended_at: endedAt,
      measure: STEP_MEASURES[step],
      files_before: before?.files ?? null,
      bytes_before: before?.bytes ?? null,
      files_after: after?.files ?? null,
      bytes_after: after?.bytes ?? null,
      notes,
      failure_code: failure?.code ?? null,
      failure_message: failure?.message ?? null,
    }));
}
