import type { MaintainedTable } from '../connectors/iceberg/maintenance/maintained-table.ts';
import { fail } from '../contracts/errors.ts';
import type { MaintenanceRun } from '../contracts/maintenance.ts';
import type { WorkScope } from './activity-scope.ts';
import { openScope } from './activity-scope.ts';
import type { ActivityDependencies, OpenedJob } from './dependencies.ts';

/** What one activity of a maintenance holds while it works. */
export interface MaintenanceWork {
  readonly table: MaintainedTable;
  readonly job: OpenedJob;
  readonly scope: WorkScope;
}

/** Opens the table of a maintenance for the time of the work. Fails with TABLE_NOT_FOUND or MAINTENANCE_REFUSED. */
export async function withTable<T>(
  deps: ActivityDependencies,
  run: MaintenanceRun,
  work: (opened: MaintenanceWork) => Promise<T>,
): Promise<T> {
  const job = await deps.openJob(run.job);
  await using scope = await openScope(deps);
  const catalog = await job.findCatalog();
  if (catalog === undefined) throw noTables(run);
  try {
    const table: MaintainedTable = {
      storage: job.storage,
      catalog,
      name: { namespace: run.namespace, table: run.table },
      runId: run.runId,
      signal: scope.connector.signal,
      now: () => deps.now().getTime(),
      reached: (point) => deps.reached(`maintain:${point}`),
      onProgress: () => scope.connector.onProgress?.(),
    };
    return await work({ table, job, scope });
  } finally {
    catalog.close();
  }
}

function noTables({ namespace, table }: MaintenanceRun) {
  return fail('TABLE_NOT_FOUND', {
    received: `the table ${namespace}.${table}, where no lake with Iceberg tables is`,
    expected: 'a table that a run has written',
    next: 'check the name and the warehouse',
  });
}
