import type { JobReference, JsonReference, RunFailure, RunTimeouts } from './run.ts';

/**
 * What keeps a table healthy, in the order in which it is done: each step leaves work for those after it. Types are
 * plain JSON, as in `run.ts`.
 */
export const MAINTENANCE_STEPS = [
  'compact',
  'rewrite_manifests',
  'expire',
  'remove_orphans',
  'clean_metadata',
] as const;
export type MaintenanceStep = (typeof MAINTENANCE_STEPS)[number];

/** What the figures of each step count. */
export const STEP_MEASURES: Readonly<Record<MaintenanceStep, string>> = {
  compact: "data files of the table's rows",
  rewrite_manifests: 'manifests of the current snapshot',
  expire: 'files that snapshots refer to',
  remove_orphans: "files in the table's folder",
  clean_metadata: 'old metadata, and working files of runs',
};

export interface Figures {
  readonly files: number;
  readonly bytes: number;
}

/** How much is kept, and what is worth to be written anew. What is left out has a default. */
export interface MaintenanceSettings {
  /** Size that data files should have. Default: the table's property `write.target-file-size-bytes`, else the job's. */
  readonly targetFileBytes?: number;
  /** Snapshots older than this expire, in milliseconds. Default: the table's properties, else 7 days. */
  readonly olderThanMs?: number;
  /** So many of the latest snapshots of a branch are kept. Default: the table's properties, else 10. */
  readonly keepLast?: number;
  /** A file that nothing refers to is removed when it is older than this, in milliseconds. Default 3 days. */
  readonly orphansOlderThanMs?: number;
}

export interface MaintenanceInput {
  /** Says where the lake is. */
  readonly job: JobReference;
  readonly tenant: string;
  readonly namespace: string;
  readonly table: string;
  readonly steps: readonly MaintenanceStep[];
  readonly settings: MaintenanceSettings;
  /** Finds out what would be done, and changes nothing. */
  readonly dryRun?: boolean;
  /** A table that is not there yet has nothing to be done to; otherwise that is a failure. */
  readonly mayBeAbsent?: boolean;
  /** Groups of files that are written anew at once. */
  readonly parallelGroups?: number;
  readonly timeouts?: RunTimeouts;
}

/** What every activity of one maintenance of one table is told. */
export interface MaintenanceRun
  extends Omit<MaintenanceInput, 'steps' | 'parallelGroups' | 'timeouts' | 'mayBeAbsent'> {
  /** Id of the maintenance: the first execution of its workflow. */
  readonly runId: string;
}

export interface CompactionPlanned {
  /** The groups stay in the lake; absent where there is nothing to do. */
  readonly plan?: JsonReference;
  readonly groups: number;
  /** Groups that are left to the next maintenance, because there are too many for one. */
  readonly groupsLeft: number;
  /** The data files that there were, those of them that are in groups, and about what they become. */
  readonly before: Figures;
  readonly rewritten: Figures;
  readonly expected: Figures;
}

export interface RewriteInput {
  readonly run: MaintenanceRun;
  readonly plan: JsonReference;
  /** Index of the group in the plan, from 0. */
  readonly group: number;
}

export interface RewriteResult {
  readonly group: number;
  /** The attempt whose files count. */
  readonly attempt: number;
}

export interface CommitCompactionInput {
  readonly run: MaintenanceRun;
  readonly plan: JsonReference;
  readonly groups: readonly RewriteResult[];
}

export interface CompactionCommitted {
  /** Groups that are in the table, and those whose files were not all there any more: they stay as they are. */
  readonly committed: number;
  readonly stale: number;
  readonly removed: Figures;
  readonly added: Figures;
}

export interface RecordMaintenanceInput {
  readonly run: MaintenanceRun;
  readonly result: MaintenanceResult;
}

/** `refused`: the table has something that this step cannot deal with. */
export type StepState = 'done' | 'nothing' | 'refused' | 'failed';

export interface StepResult {
  readonly step: MaintenanceStep;
  readonly state: StepState;
  /** Of a dry run: what would be there. Absent where nothing was counted, because there was nothing to do. */
  readonly before?: Figures;
  readonly after?: Figures;
  /** In plain words, such as `12 of 20 snapshots expired`. */
  readonly notes: readonly string[];
  readonly failure?: RunFailure;
}

export type MaintenanceState = 'success' | 'unchanged' | 'partial' | 'failed' | 'cancelled';

export interface MaintenanceResult {
  readonly runId: string;
  readonly tenant: string;
  /** `namespace.table`. */
  readonly table: string;
  readonly state: MaintenanceState;
  readonly dryRun: boolean;
  readonly steps: readonly StepResult[];
  readonly startedAt: string;
  readonly endedAt: string;
  /** The work stands, but its record could not be written. */
  readonly recordFailure?: RunFailure;
}

export const NO_FIGURES: Figures = { files: 0, bytes: 0 };

export function addFigures(a: Figures, b: Figures): Figures {
  return { files: a.files + b.files, bytes: a.bytes + b.bytes };
}

export function subtractFigures(a: Figures, b: Figures): Figures {
  return { files: a.files - b.files, bytes: a.bytes - b.bytes };
}

/** What a schedule maintains: tables that belong together, one after the other. */
export interface ScheduledMaintenanceInput {
  readonly maintenance: Omit<MaintenanceInput, 'namespace' | 'table' | 'dryRun' | 'mayBeAbsent'>;
  /** Tells lakes with tables of one name apart. */
  readonly lake: string;
  /** What the schedule is named by, `namespace.table`. */
  readonly table: string;
  readonly tables: readonly { readonly namespace: string; readonly table: string }[];
}

/** `skipped`: somebody was maintaining the table. */
export interface ScheduledTable {
  /** `namespace.table`. */
  readonly table: string;
  readonly state: MaintenanceState | 'skipped';
  readonly result?: MaintenanceResult;
  readonly failure?: RunFailure;
}

export interface ScheduledMaintenanceResult {
  readonly state: MaintenanceState | 'skipped';
  readonly tables: readonly ScheduledTable[];
}
