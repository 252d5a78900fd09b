import type { DiscoveredObject } from '../contracts/discovery.ts';
import type { RunOptions } from '../contracts/run.ts';
import type { Column, StreamSchema } from '../contracts/schema.ts';
import type { DuckDbSession } from './duckdb/session.ts';

/**
 * What a system can do, one small interface for each capability. A connector implements those that it has and is
 * listed once in `registry.ts`; the conformance suite (`test/connectors/conformance.test.ts`) runs over the list.
 *
 * A connector never imports Temporal: it gets a signal and reports progress, and so runs in a plain script.
 */
export interface ConnectorContext {
  /** Aborts on cancellation and on the worker's shutdown. */
  readonly signal: AbortSignal;
  /** A folder on a local disk for temporary files of this piece of work; removed afterwards. */
  readonly scratchFolder: string;
  /** 1 for the first try of this piece of work. After a failed one a source may choose a slower, safer way. */
  readonly attempt: number;
  /** The moment at which a database is read, as `holdSnapshot` named it; left out where each connection has its own. */
  readonly snapshot?: string;
  /** Called every so often while the source works and no query runs that would tell so. */
  readonly onProgress?: () => void;
}

/** The position in a source up to which rows are in the table; opaque to everyone but the source. Plain JSON. */
export type Checkpoint = { readonly [key: string]: unknown };

export interface StreamDescription {
  readonly schema: StreamSchema;
  /** In plain words for `dativo validate --sample`, e.g. `delimiter: ","`. Doubts are among them. */
  readonly notes: readonly string[];
  readonly doubts?: readonly Doubt[];
}

/** What a sample could not settle: how it was taken, and what to write to have it otherwise. */
export interface Doubt {
  /** The column whose type is in doubt; absent when all of them are. */
  readonly column?: string;
  readonly text: string;
}

/** What is known already when a stream is described, so that it need not be found out again. */
export interface DescribeRequest {
  readonly checkpoint?: Checkpoint | undefined;
  /** The run that it is described for; default: one that reads what is new. */
  readonly options?: RunOptions;
}

/** One unit of parallel work. The same source and checkpoint give the same chunks in the same order. */
export interface SourceChunk {
  /** Opaque to everyone but the source. Plain JSON. */
  readonly position: { readonly [key: string]: unknown };
  /** Roughly how many bytes will be read; for progress and for the order of work. */
  readonly estimatedBytes: number;
}

export interface SourcePlan {
  readonly chunks: readonly SourceChunk[];
  /** Files, partitions or tables left out because nothing changed since the checkpoint. */
  readonly unchangedUnits: number;
  /** Units of the checkpoint that the source no longer has. */
  readonly goneUnits: number;
  /** Nothing in the source is new, has changed or is gone since the checkpoint. */
  readonly upToDate: boolean;
  /** Names of units that were read before, have changed, and are read again as a whole; some of them, at most 20. */
  readonly changedUnits: readonly string[];
  /** Runs over windows have brought rows that this run would read again. */
  readonly repeatsWindows: boolean;
  /**
   * What becomes durable with the commit. A value that is only known after reading (the highest cursor) is
   * merged in by `checkpointAfter`, but for a window: its plan says all, and is the checkpoint that there was where
   * the window changes nothing.
   */
  readonly nextCheckpoint: Checkpoint;
  /** What the user should know though the run goes on. */
  readonly notices?: readonly string[];
}

export interface PlanRequest {
  readonly object: string;
  /** The schema that rows are read with: the contract's, or the described one reconciled with the table. */
  readonly schema: StreamSchema;
  readonly checkpoint: Checkpoint | undefined;
  readonly options: RunOptions;
  /** All rows must come in one chunk: a window function looks at all of them. */
  readonly wholeRun?: boolean;
}

/** A row that could not be read, with where it stood. Kept in quarantine, never in a log. */
export interface RejectedRow {
  readonly sourceFile: string;
  /** 1-based line where the row starts, if the source has lines. */
  readonly line: number | null;
  readonly column: string | null;
  /** A code such as `CAST`, `TOO_MANY_COLUMNS`, `REQUIRED`. */
  readonly reason: string;
  /** The row as it was read; text, or JSON. */
  readonly raw: string;
}

/** A rule of the job's `source` section that leaves rows out. They are counted as skipped under its name. */
export interface SkipRule {
  readonly rule: string;
  /** SQL over the relation's columns; a row stays where it is true, and leaves where it is false or null. */
  readonly keep: string;
}

/** The rows of one chunk as something that a DuckDB session can select from, read as it is consumed. */
export interface Relation {
  /** A SQL query whose columns begin with the names and types of `columns`, as they are read. */
  readonly sql: string;
  readonly columns: readonly Column[];
  /** What `incremental` or a window leaves out; applied by the gate, before everything else. */
  readonly skip?: readonly SkipRule[];
  /**
   * SQL over the query's rows that names the file a row came from. It may use one more column of `sql` than
   * `columns` lists.
   */
  readonly sourceFile?: string;
  /** The column whose highest written value `checkpointAfter` wants; int, long, date, timestamp or timestamptz. */
  readonly cursorField?: string;
  /** Texts that mean null in a column that is not text, where the reader has not made them null. */
  readonly nullTexts?: readonly string[];
  /**
   * Gives rows that the gate put aside the line and the text that they have in the source, in the same order; it
   * may read the source again. Only for rows whose `raw` is the relation's row as JSON.
   */
  locate?(rows: readonly RejectedRow[]): Promise<readonly RejectedRow[]>;
  /**
   * To be called after the rows were consumed, in the same session: rows that the reader had to leave out.
   * At most `limit` are returned in full; `count` is exact. `rowsRead` is the number of rows that the query gave
   * (the gate's `read`): a source that can count its rows by other means fails when they differ, which is tried
   * again. Throws as well if the source ended early or changed.
   */
  finish(limit: number, rowsRead: number): Promise<{ readonly count: number; readonly rows: readonly RejectedRow[] }>;
  /**
   * What `checkpointAfter` shall know of the rows beyond the highest cursor that was written; plain JSON. To be called
   * after `finish`, in the same session.
   */
  remember?(highestCursor: string | undefined): Promise<Readonly<Record<string, unknown>>>;
  /**
   * The rows of the chunk that come after these, or undefined; to be called after `finish`. Of a source that can read a
   * chunk in one go alone: it lands the rows in pieces, so that a disk need not hold all of them at once.
   */
  more?(): Promise<Relation | undefined>;
  /** To be called on the first relation of a chunk when the chunk is done with or given up, wherever `read` is called. */
  close?(): Promise<void>;
}

/** One moment of a database, at which several connections can read as long as this one is held. */
export interface HeldSnapshot extends AsyncDisposable {
  /** For `ConnectorContext.snapshot`; holds no value of a row. */
  readonly name: string;
  /** Settles when it cannot be read at any more. */
  readonly lost: Promise<void>;
}

/** Reads streams of rows. Settings are the job's `source`, with variables resolved. */
export interface Source {
  /** Cheap: can the source be reached and read with these settings? */
  check(context: ConnectorContext): Promise<void>;
  /** Names of the objects that the job's settings select. */
  objects(): Promise<readonly string[]>;
  /** Columns and types, from the source's catalog or from a bounded sample. */
  describe(object: string, context: ConnectorContext, request?: DescribeRequest): Promise<StreamDescription>;
  plan(request: PlanRequest, context: ConnectorContext): Promise<SourcePlan>;
  read(
    object: string,
    schema: StreamSchema,
    chunk: SourceChunk,
    session: DuckDbSession,
    context: ConnectorContext,
  ): Promise<Relation>;
  /**
   * The checkpoint after a commit: `planned.nextCheckpoint` with the highest cursor value that was written
   * (as text, undefined if no row was), and with what the chunks' relations remembered.
   */
  checkpointAfter(planned: Checkpoint, highestCursor: string | undefined, memories?: readonly unknown[]): Checkpoint;
  /** Of a source that knows what is in it: everything that a job could name, in the order of the names. */
  discover?(context: ConnectorContext): Promise<readonly DiscoveredObject[]>;
  /** Of a source that is read by several connections which shall all see one moment. */
  holdSnapshot?(context: ConnectorContext): Promise<HeldSnapshot>;
}
