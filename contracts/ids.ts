/**
 * The names that the system gives to things. All of them are derived, so that the same thing started twice meets
 * itself: a workflow id makes a double start impossible, a chunk id makes a retry find its own files.
 */

/** Workflow id of a job's run: one run of an asset at a time. */
export function ingestWorkflowId(tenant: string, asset: string): string {
  return `ingest/${tenant}/${asset}`;
}

/** Workflow id of the child that brings one object of the job into its table. */
export function objectWorkflowId(tenant: string, asset: string, object: string): string {
  return `${ingestWorkflowId(tenant, asset)}/${object}`;
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

/** Prefix of every property that Dativo writes into a table or a snapshot. */
export const PROPERTY_PREFIX = 'dativo.';

/** Light work: planning, commits, records. */
export const TASK_QUEUE = 'dativo';
/** Work bounded by memory: reading sources and writing Parquet. */
export const HEAVY_TASK_QUEUE = 'dativo-heavy';

/** Letters, digits, `_` and `-`, not starting with `-` or `_`; at most 128 characters: safe in a path and in an id. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;
