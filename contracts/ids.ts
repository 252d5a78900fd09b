/**
 * The names that the system gives to things. All of them are derived, so that the same thing started twice meets
 * itself: a workflow id makes a double start impossible, a chunk id makes a retry find its own files.
 */

/** The tenant of jobs that name none. */
export const DEFAULT_TENANT = 'default';

/** Workflow id of a job's run: one run of an asset at a time. */
export function ingestWorkflowId(tenant: string, asset: string): string {
  return `ingest/${tenant}/${asset}`;
}

/** Workflow id of the child that brings one object of the job into its table. */
export function objectWorkflowId(tenant: string, asset: string, object: string): string {
  return `${ingestWorkflowId(tenant, asset)}/${object}`;
}

/** The name of an object without the schema that it may stand behind a dot of. */
export function tableOfObject(object: string): string {
  return object.slice(object.indexOf('.') + 1);
}

/** Id of the schedule of a job: an asset has one. */
export function scheduleId(tenant: string, asset: string): string {
  return ingestWorkflowId(tenant, asset);
}

/**
 * Workflow id of what a schedule starts. Temporal adds the time to it, so it cannot keep two runs of an asset apart:
 * what it starts in its turn can, under the id of every other run.
 */
export function scheduledWorkflowId(tenant: string, asset: string): string {
  return `schedule/${tenant}/${asset}`;
}

/** Workflow id of a backfill: one of an asset at a time. */
export function backfillWorkflowId(tenant: string, asset: string): string {
  return `backfill/${tenant}/${asset}`;
}

/**
 * Workflow id of the maintenance of a table (`namespace.table`): one at a time. Several lakes may have a table of that
 * name, so `lake` tells which one (see `lakeId`). A dry run changes nothing, and is in nobody's way.
 */
export function maintenanceWorkflowId(tenant: string, table: string, lake: string, { dryRun = false } = {}): string {
  return `maintain/${tenant}/${table}@${lake}${dryRun ? '/dry-run' : ''}`;
}

/** Id of the schedule that maintains a table. */
export function maintenanceScheduleId(tenant: string, table: string, lake: string): string {
  return maintenanceWorkflowId(tenant, table, lake);
}

/** Workflow id of what that schedule starts; Temporal adds the time to it. */
export function scheduledMaintenanceWorkflowId(tenant: string, table: string, lake: string): string {
  return `schedule/${maintenanceWorkflowId(tenant, table, lake)}`;
}

/** Chunks are numbered from 0 in the order of the plan. */
export function chunkId(index: number): string {
  return `c${String(index).padStart(5, '0')}`;
}

export const QUARANTINE_SUFFIX = '__quarantine';

/** The table beside `table` that keeps the rows which did not fit, each with its reason. */
export function quarantineTableName(table: string): string {
  return `${table}${QUARANTINE_SUFFIX}`;
}

/** Namespace and table of the run records. */
export const RUNS_NAMESPACE = '_dativo';
export const RUNS_TABLE = 'runs';
/** The table beside it with what maintenance did. */
export const MAINTENANCE_TABLE = 'maintenance';

/** Prefix of every property that Dativo writes into a table or a snapshot. */
export const PROPERTY_PREFIX = 'dativo.';

/** Light work: planning, commits, records. */
export const TASK_QUEUE = 'dativo';
/** Work bounded by memory: reading sources and writing Parquet. */
export const HEAVY_TASK_QUEUE = 'dativo-heavy';

/** Connections that are held open as long as a run goes on: they do nothing, and there may be many. */
export const HOLD_TASK_QUEUE = 'dativo-hold';

/** The task queue for work that only one host can do; only its own workers take from it. */
export function taskQueueOf(queue: string, host: string | undefined): string {
  return host === undefined ? queue : `${queue}@${host}`;
}

/** Letters, digits, `_` and `-`, not starting with `-` or `_`; at most 128 characters: safe in a path and in an id. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;
