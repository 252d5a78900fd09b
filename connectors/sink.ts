import type { StreamSchema } from '../contracts/schema.ts';
import type { Checkpoint } from './connector.ts';
import type { MergeRule } from './duckdb/merge-sql.ts';
import type { WrittenFile } from './duckdb/parquet-file.ts';
import type { DuckDbSession } from './duckdb/session.ts';
import type { Layout, WantedLayout } from './iceberg/layout.ts';
import type { IcebergSchema } from './iceberg/schema.ts';

/** A table by name; in a plain folder, the folder `namespace/table`. */
export interface TableName {
  readonly namespace: string;
  readonly table: string;
}

/**
 * What the plan of a run decides about a table before any row is read: the ids and types that every file of the
 * run is written with, and what the table looked like. Plain JSON, so that it can be kept in the plan's file.
 */
export interface WritePlan extends TableName {
  /** The columns that the files hold, with their ids and the table's types, in the order of the wanted schema. */
  readonly fileSchema: IcebergSchema;
  /** The table's schema once the run is committed. */
  readonly tableSchema: IcebergSchema;
  /** How the files are divided and ordered; left out where the sink knows no such thing. */
  readonly layout?: Layout;
  /** In plain words, e.g. `add column tags (string)`. Empty for a table that is created or stays as it is. */
  readonly changes: readonly string[];
  /** What the commit finds unchanged, or fails with TABLE_CHANGED. */
  readonly base: PlanBase;
  /** Table properties to set at the commit. */
  readonly properties: Readonly<Record<string, string>>;
  /** Whose checkpoint the commit brings (`TableOwner.job`): a table keeps one for each job that fills it. */
  readonly checkpointOf?: string;
}

/** The state that a plan was made on; every field null for a table that did not exist. */
export interface PlanBase {
  readonly tableId: string | null;
  readonly schemaId: number | null;
  /** Default partition spec; left out where the sink has none. */
  readonly specId?: number | null;
  /** Compared when the commit replaces the content. */
  readonly snapshotId: string | null;
  /** Run that wrote the checkpoint which was read; compared when the commit brings a new one. */
  readonly checkpointRunId: string | null;
}

export interface PrepareOptions extends WantedLayout {
  /**
   * False: any difference between the wanted schema and the table's is a SCHEMA_MISMATCH, another partitioning
   * LAYOUT_INVALID.
   */
  readonly evolve: boolean;
  /** Names of top-level columns whose values must not be copied into table metadata as bounds. */
  readonly withoutBounds?: readonly string[];
}

export interface SinkTable extends TableName {
  readonly exists: boolean;
  /** The current schema, without ids. */
  readonly schema: StreamSchema | undefined;
  /** What the last run that brought one made durable. */
  readonly checkpoint: Checkpoint | undefined;
  /** What the run committed to this table, if it did. */
  committedRun(runId: string): CommitReceipt | undefined;
  /**
   * Fits the wanted schema and layout to the table. Fails with SCHEMA_MISMATCH that lists every difference, or with
   * LAYOUT_INVALID.
   */
  prepare(wanted: StreamSchema, options: PrepareOptions): WritePlan;
  /** URI of the folder for the files of one attempt at one chunk: no other attempt ever writes there. */
  dataFolder(runId: string, chunk: string, attempt: number): string;
}

/** Staged rows that are to take the place of the table's rows with the same key. */
export interface MergeRequest {
  readonly plan: WritePlan;
  readonly rule: MergeRule;
  readonly files: readonly WrittenFile[];
  /** Nothing of the table's content stays: only the staged rows are compared with each other. */
  readonly replace: boolean;
  /** A folder of `SinkTable.dataFolder`, for this request alone. */
  readonly folder: string;
  readonly fileSizeBytes: number;
}

/** What a merge staged. Plain JSON; holds bounds, so it never leaves the lake. */
export interface Merged {
  /** The snapshot that was merged with; the commit finds it current, or fails with TABLE_CHANGED. */
  readonly baseSnapshotId: string | null;
  /** Files to add, and URIs of files that they take the place of. */
  readonly files: readonly WrittenFile[];
  readonly removed: readonly string[];
  /** Incoming rows that will stand in the table, those of them that replace a row, and those that are older than another. */
  readonly rows: number;
  readonly updated: number;
  readonly superseded: number;
}

/**
 * `replace` leaves the table with the files of the change alone; `replace-partitions` leaves each partition that they
 * belong to with them alone, and all others as they are; `merge` puts them in the place of `removed`.
 */
export type ChangeMode = 'append' | 'replace' | 'replace-partitions' | 'merge';

export interface SinkChange {
  readonly plan: WritePlan;
  readonly mode: ChangeMode;
  readonly files: readonly WrittenFile[];
  /** URIs of files of the table that a merge takes away. */
  readonly removed?: readonly string[];
  /** Becomes durable with the rows; left out, the table keeps the one it has. */
  readonly checkpoint?: Checkpoint;
  /** Names start with `dativo.`; kept with the snapshot. */
  readonly properties?: Readonly<Record<string, string>>;
}

export interface CommitReceipt extends TableName {
  /** Absent where the sink has none, and where there was nothing to commit. */
  readonly snapshotId?: string;
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
  /** The run had committed to this table before. */
  readonly alreadyCommitted: boolean;
}

export interface SweepResult {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Stores rows in tables. Files are written beforehand (`duckdb/parquet-file.ts`) into folders that the table
 * names; nobody sees them until the commit.
 */
export interface Sink {
  /** Fails with TABLE_NOT_OURS, TABLE_NEWER, CATALOG_* or STORAGE_*. */
  open(namespace: string, table: string): Promise<SinkTable>;
  /**
   * Merges staged rows with what the table holds now, without making anything visible; see `mergeStaged`. Absent from
   * a sink that has no keys.
   */
  merge?(session: DuckDbSession, request: MergeRequest): Promise<Merged>;
  /**
   * All changes become visible in one step, or none. A change without files, checkpoint and replacement touches
   * nothing. Repeated with the same run id it changes nothing and says so. Loses a race: tries again on what the
   * winner left; fails with TABLE_CHANGED where that would not be the same work, COMMIT_CONFLICT when it keeps
   * losing, COMMIT_STATE_UNKNOWN when the catalog cannot say (repeat it: the run recognises itself).
   */
  commit(runId: string, changes: readonly SinkChange[]): Promise<CommitReceipt[]>;
  /**
   * Removes every file of the run in these tables that no table refers to. After it, the run cannot commit files
   * that it staged before.
   */
  sweep(runId: string, tables: readonly TableName[]): Promise<SweepResult>;
  close(): void;
}
