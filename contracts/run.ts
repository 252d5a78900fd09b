/**
 * What workflow and activities tell each other: references and counts, never a row, a file's bounds or a secret.
 * Plain JSON; 64-bit ids are strings; every type only ever grows optional fields.
 */

/** A small JSON file in the lake's working folder, named by what it holds; the digest makes tampering visible. */
export interface JsonReference {
  readonly uri: string;
  readonly sha256: string;
}

/** A stored job. */
export interface JobReference extends JsonReference {
  /** Only where its storage has settings: without them it could not be read. */
  readonly storage?: StorageReference;
  /** Only where the lake is on the disk of one machine among several: the name of that host. */
  readonly host?: string;
}

/** The settings of a storage as the job writes them: what is secret in them is a variable, which stays unresolved. */
export interface StorageReference {
  readonly settings: Readonly<Record<string, string | boolean>>;
  /** Absolute folder that files named in `${file:…}` are relative to. */
  readonly folder: string;
}

export type RunMode =
  /** What is new or changed since the last checkpoint. */
  | 'incremental'
  /** Everything, replacing what the table holds. */
  | 'full_refresh'
  /** The rows whose cursor lies in [from, to); the checkpoint stays where it is. */
  | 'window';

export interface RunOptions {
  readonly mode: RunMode;
  /** Inclusive start of a window, ISO 8601 or a number. */
  readonly from?: string;
  /** Exclusive end of a window. */
  readonly to?: string;
}

/** Durations in milliseconds, each with a default in the workflows, so that a test can shorten it. */
export interface RunTimeouts {
  readonly heartbeatMs?: number;
  readonly extractStartToCloseMs?: number;
  readonly retryInitialMs?: number;
  /** How long an activity goes on beginning chunks of those that it was given. */
  readonly takeChunksMs?: number;
}

export interface IngestInput {
  readonly job: JobReference;
  readonly tenant: string;
  readonly asset: string;
  /** Names of the objects to bring in, each into its own table. */
  readonly objects: readonly string[];
  readonly options: RunOptions;
  /** How many chunks of one object, and how many objects, are worked on at once. */
  readonly parallelChunks: number;
  readonly parallelObjects: number;
  /** The source is a database: all objects of the run read it at one moment, which an activity holds meanwhile. */
  readonly holdsSnapshot?: boolean;
  readonly timeouts?: RunTimeouts;
}

export interface IngestObjectInput extends Omit<IngestInput, 'objects' | 'parallelObjects'> {
  readonly object: string;
  /** Id of the whole run: the first execution of the parent workflow. */
  readonly runId: string;
}

/** What every activity of one object of one run is told. */
export interface ObjectRun {
  readonly job: JobReference;
  readonly tenant: string;
  readonly asset: string;
  readonly object: string;
  readonly runId: string;
  readonly options: RunOptions;
  /** Counts from 1; a run plans again when another writer changed the table under it, or its snapshot was lost. */
  readonly round: number;
  /** An activity holds the moment that is read at, and says in the run's working folder which one it is. */
  readonly holdsSnapshot?: boolean;
}

export interface HoldSnapshotInput {
  readonly job: JobReference;
  readonly runId: string;
}

/** Law 2: `read` is the sum of all the others. */
export interface RowCounts {
  readonly read: number;
  readonly committed: number;
  readonly quarantined: number;
  readonly deadLettered: number;
  /** Rows left out by a rule that the user wrote, by the name of the rule. */
  readonly skipped: Readonly<Record<string, number>>;
}

export const NO_ROWS: RowCounts = { read: 0, committed: 0, quarantined: 0, deadLettered: 0, skipped: {} };

export function addCounts(a: RowCounts, b: RowCounts): RowCounts {
  const skipped: Record<string, number> = { ...a.skipped };
  for (const [rule, rows] of Object.entries(b.skipped)) skipped[rule] = (skipped[rule] ?? 0) + rows;
  return {
    read: a.read + b.read,
    committed: a.committed + b.committed,
    quarantined: a.quarantined + b.quarantined,
    deadLettered: a.deadLettered + b.deadLettered,
    skipped,
  };
}

/** True when every row that was read is accounted for. */
export function balances(counts: RowCounts): boolean {
  const skipped = Object.values(counts.skipped).reduce((sum, rows) => sum + rows, 0);
  return counts.read === counts.committed + counts.quarantined + counts.deadLettered + skipped;
}

export interface PlanResult {
  /** The plan's details (files, positions, schema, next checkpoint) stay in the lake. */
  readonly plan: JsonReference;
  /** `namespace.table`, or the folder of a Parquet target. */
  readonly table: string;
  readonly chunks: number;
  /** In plain words, e.g. `add column tags (string)`. */
  readonly schemaChanges: readonly string[];
  /** Source units (files, partitions) that have not changed since the last checkpoint. */
  readonly unchangedUnits: number;
  /** The staged rows are merged with the table's by their key before they are committed. */
  readonly upserts?: boolean;
  /** There is nothing to do, not even to replace the table's content by nothing. */
  readonly unchanged?: boolean;
  /** What the user should know though the run goes on. */
  readonly notices?: readonly string[];
}

/** Chunks that follow each other in the plan, for one activity. */
export interface ChunkRange {
  /** Index of the first one in the plan, from 0. */
  readonly first: number;
  readonly count: number;
  /**
   * Attempts at these chunks count from here, so that no two of them ever have the same number: 1, or more for chunks that
   * an activity before handed back.
   */
  readonly firstAttempt: number;
}

export interface ExtractChunksInput {
  readonly run: ObjectRun;
  readonly plan: JsonReference;
  readonly chunks: ChunkRange;
  /** After so many milliseconds no other chunk is begun, and those that are left are handed back. */
  readonly takeForMs: number;
}

export interface ChunksResult {
  /** For each chunk that was extracted, in order from the first one, the attempt whose files count. */
  readonly attempts: readonly number[];
  /** The sum of these chunks. */
  readonly counts: RowCounts;
  /** Chunks that were not begun. */
  readonly handedBack?: ChunkRange;
}

/** One chunk for one activity, as runs did it that an earlier version began. */
export interface ExtractInput {
  readonly run: ObjectRun;
  readonly plan: JsonReference;
  /** Index of the chunk in the plan, from 0. */
  readonly chunk: number;
}

export interface ChunkResult {
  /** The attempt whose files count: its folder and its description in the lake are named by it. */
  readonly attempt: number;
  readonly counts: RowCounts;
  readonly files: number;
  readonly bytes: number;
}

export interface StagedObject {
  readonly run: ObjectRun;
  readonly plan: JsonReference;
  /** For each chunk of the plan, in order, the attempt that staged it. */
  readonly attempts: readonly number[];
  readonly counts: RowCounts;
  /** What an upsert made of the staged files. */
  readonly merge?: JsonReference;
}

export interface MergeInput {
  readonly staged: StagedObject;
  /** Counts from 1; a run merges again when another writer was faster. */
  readonly turn: number;
}

export interface MergeResult {
  readonly merge: JsonReference;
  /** The counts of the run, without the rows that a newer one superseded. */
  readonly counts: RowCounts;
  /** Rows among the committed ones that replace a row of the table. */
  readonly updated: number;
}

export interface CommitResult {
  /** Snapshot id as a string of digits; absent where the sink has none or nothing was committed. */
  readonly snapshotId?: string;
  readonly files: number;
  readonly bytes: number;
  /** The commit had already landed when it was asked for. */
  readonly alreadyCommitted: boolean;
}

export interface PublishInput {
  readonly job: JobReference;
  readonly mode: RunMode;
  readonly result: IngestResult;
}

export type ObjectState = 'success' | 'unchanged' | 'failed' | 'cancelled';
export type RunState = 'success' | 'unchanged' | 'partial' | 'failed' | 'cancelled';

export interface RunFailure {
  readonly code: string;
  readonly message: string;
}

export interface ObjectResult {
  readonly object: string;
  /** `namespace.table`, or the folder of a Parquet target. */
  readonly table: string;
  readonly state: ObjectState;
  readonly counts: RowCounts;
  readonly files: number;
  readonly bytes: number;
  readonly chunks: number;
  /** Of the committed rows, those that replaced a row of the table; only of an upsert. */
  readonly updated?: number;
  readonly snapshotId?: string;
  readonly schemaChanges: readonly string[];
  readonly unchangedUnits: number;
  readonly notices?: readonly string[];
  readonly startedAt: string;
  readonly endedAt: string;
  /** The plan that was followed; it stays until the run is recorded. */
  readonly plan?: JsonReference;
  readonly failure?: RunFailure;
}

/** Of an object of which nothing was committed. */
export function resultWithoutRows({
  object,
  table,
  state,
  unchangedUnits = 0,
  startedAt,
  endedAt,
}: Pick<ObjectResult, 'object' | 'table' | 'state' | 'startedAt' | 'endedAt'> & {
  readonly unchangedUnits?: number;
}): ObjectResult {
  const nothing = { counts: NO_ROWS, files: 0, bytes: 0, chunks: 0, schemaChanges: [] };
  return { object, table, state, ...nothing, unchangedUnits, startedAt, endedAt };
}

export interface IngestResult {
  readonly runId: string;
  readonly tenant: string;
  readonly asset: string;
  readonly state: RunState;
  readonly objects: readonly ObjectResult[];
  /** The commits stand, but the run record could not be written. */
  readonly recordFailure?: RunFailure;
}

/** Answer of the `progress` query of a running object. */
export interface ObjectProgress {
  readonly object: string;
  readonly stage: 'planning' | 'extracting' | 'evaluating' | 'merging' | 'committing' | 'publishing' | 'done';
  readonly chunks: number;
  readonly chunksDone: number;
  readonly rowsDone: number;
}
