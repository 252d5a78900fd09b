import { jsonRowsQuery } from '../connectors/duckdb/json-rows.ts';
import { writeParquet } from '../connectors/duckdb/parquet-file.ts';
import { PROPERTY_PREFIX, RUNS_NAMESPACE, RUNS_TABLE } from '../contracts/ids.ts';
import type { IngestResult, ObjectResult, PublishInput } from '../contracts/run.ts';
import { RUN_RECORD_SCHEMA } from '../contracts/run-record.ts';
import { openScope } from './activity-scope.ts';
import type { ActivityDependencies, OpenedJob } from './dependencies.ts';
import { WorkingFolder } from './working-folder.ts';

export interface PublishActivities {
  /** Writes the run record and removes the run's working folder. A failure here never undoes a commit. */
  publishRun(input: PublishInput): Promise<void>;
}

export function createPublishActivities(deps: ActivityDependencies): PublishActivities {
  return {
    async publishRun({ job: reference, result, mode }) {
      await deps.reached('publish:before');
      const job = await deps.openJob(reference);
      const folder = new WorkingFolder(job.storage, job.workFolder, result.runId);
      await using scope = await openScope(deps);

      const sink = job.openRecords();
      try {
        const table = await sink.open(RUNS_NAMESPACE, RUNS_TABLE);
        if (table.committedRun(result.runId) === undefined) {
          const plan = table.prepare(RUN_RECORD_SCHEMA, { evolve: true });
          const rows = await Promise.all(result.objects.map((object) => toRecord(job, folder, result, object, mode)));
          const query = await jsonRowsQuery(rows, RUN_RECORD_SCHEMA.columns, scope.connector.scratchFolder, 'run');
          const files = await writeParquet(
            await scope.session(),
            query,
            plan.fileSchema,
            table.dataFolder(result.runId, 'record', scope.connector.attempt),
            { storage: job.storage, fileSizeBytes: job.fileSizeBytes },
          );
          const properties = { [`${PROPERTY_PREFIX}job-digest`]: job.digest };
          await sink.commit(result.runId, [{ plan, mode: 'append', files, properties }]);
          await deps.reached('publish:after-record');
        }
        await sink.sweep(result.runId, [{ namespace: RUNS_NAMESPACE, table: RUNS_TABLE }]);
      } finally {
        sink.close();
      }
      await folder.removeRun();
      await deps.reached('publish:after-clean-up');
    },
  };
}

async function toRecord(job: OpenedJob, folder: WorkingFolder, run: IngestResult, object: ObjectResult, mode: string) {
  const { counts, failure } = object;
  const plan = object.plan === undefined ? undefined : await folder.readPlan(object.plan);
  return {
    run_id: run.runId,
    tenant: run.tenant,
    asset: run.asset,
    object: object.object,
    table: object.table,
    state: object.state,
    mode,
    started_at: object.startedAt,
    ended_at: object.endedAt,
    rows_read: counts.read,
    rows_committed: counts.committed,
    rows_quarantined: counts.quarantined,
    rows_dead_lettered: counts.deadLettered,
    rows_skipped: counts.skipped,
    files: object.files,
    bytes: object.bytes,
    chunks: object.chunks,
    snapshot_id: object.snapshotId ?? null,
    job_digest: job.digest,
    schema_changes: plan?.target.changes ?? object.schemaChanges,
    lineage: plan === undefined ? null : JSON.stringify(plan.lineage),
    failure_code: failure?.code ?? null,
    failure_message: failure?.message ?? null,
  };
}
