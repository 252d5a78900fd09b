import type { StreamSchema } from '../contracts/schema.ts';
import type { Checkpoint } from './connector.ts';
import type { WrittenFile } from './duckdb/parquet-file.ts';
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
  /** In plain words, e.g. `add column tags (string)`. Empty for a table that is created or stays as it is. */
  readonly changes: readonly string[];
  /** What the commit finds unchanged, or fails with TABLE_CHANGED. */
  readonly base: PlanBase;
  /** Table properties to set at the commit. */
  readonly properties: Readonly<Record<string, string>>;
}

/** The state that a plan was made on; every field null for a table that did not exist. */
export interface PlanBase {
  readonly tableId: string | null;
  readonly schemaId: number | null;
  /** Compared when the commit replaces the content. */
  readonly snapshotId: string | null;
  /** Run that wrote the checkpoint which was read; compared when the commit brings a new one. */
  readonly checkpointRunId: string | null;
}

export interface PrepareOptions {
  /** False: any difference between the wanted schema and the table's is a SCHEMA_MISMATCH. */
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
  /** Fits the wanted schema to the table. Fails with SCHEMA_MISMATCH that lists every difference. */
  prepare(wanted: StreamSchema, options: PrepareOptions): WritePlan;
  /** URI of the folder for the files of one attempt at one chunk: no other attempt ever writes there. */
  dataFolder(runId: string, chunk: string, attempt: number): string;
}

export interface SinkChange {
  readonly plan: WritePlan;
  /** `replace` leaves the table with these files alone. */
  readonly mode: 'append' | 'replace';
  readonly files: readonly WrittenFile[];
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
