import type { Context } from '@temporalio/activity';
import type { Source } from '../connectors/connector.ts';
import type { DuckDbBudget, DuckDbSession } from '../connectors/duckdb/session.ts';
import type { Catalog } from '../connectors/iceberg/catalog.ts';
import type { CommitPoint } from '../connectors/iceberg/commit.ts';
import type { ValueRange } from '../connectors/iceberg/files-within.ts';
import type { WantedLayout } from '../connectors/iceberg/layout.ts';
import type { MaintenancePoint } from '../connectors/iceberg/maintenance/maintained-table.ts';
import type { Sink, TableName } from '../connectors/sink.ts';
import type { Storage } from '../connectors/storage/storage.ts';
import type { SchemaMode } from '../contracts/job.ts';
import type { OverwriteScope, WriteMode } from '../contracts/job-target.ts';
import type { Transformation } from '../contracts/job-transformations.ts';
import type { JobReference } from '../contracts/run.ts';
import type { StreamSchema } from '../contracts/schema.ts';

/** A job as an activity needs it. Variables are resolved section by section, when a section is opened. */
export interface OpenedJob {
  readonly tenant: string;
  readonly asset: string;
  /** SHA-256 of the stored job. */
  readonly digest: string;
  readonly namespace: string;
  /** The table of an object: the asset itself where the job has one object. */
  tableOf(object: string): string;
  readonly schemaMode: SchemaMode;
  readonly writeMode: WriteMode;
  /** What identifies a row for an upsert, as the job says; the contract may say it instead. */
  readonly primaryKey: readonly string[];
  readonly latestBy: string | undefined;
  /** How the target's files are divided and sorted; what the job leaves out stays as the table has it. */
  readonly layout: WantedLayout;
  /** What `write_mode: overwrite` replaces. */
  readonly overwrites: OverwriteScope;
  readonly maxBadRows: number;
  readonly fileSizeBytes: number;
  /** URI of the lake's folder for Dativo's own files; nothing in it is a table's. */
  readonly workFolder: string;
  readonly storage: Storage;
  openSource(): Source;
  /** Where the job's tables are. */
  openSink(): Sink;
  /** Whether other jobs fill the same tables. */
  readonly shared: boolean;
  /** Where the run records are: always Iceberg tables. */
  openRecords(): Sink;
  /** Which version of each table is the current one; undefined where no lake is yet. The caller closes it. */
  findCatalog(): Promise<Catalog | undefined>;
  /**
   * A query for the rows that a table holds now, at least those of a range; undefined where there is no such table, or no
   * way to ask it.
   */
  rowsWithin(name: TableName, range: ValueRange, session: DuckDbSession): Promise<string | undefined>;
  readonly cursorField: string | undefined;
  transformations(): readonly Transformation[];
  /** What the job's contract promises for the object's table; undefined without a contract. */
  contractOf(object: string): StreamSchema | undefined;
}

/** What activities are given by the composition root; a test gives others. */
export interface ActivityDependencies {
  openJob(reference: JobReference): Promise<OpenedJob>;
  /** A fresh folder on a local disk, removed on disposal; those of dead processes are removed by the next worker. */
  openScratchFolder(): Promise<{ readonly path: string } & AsyncDisposable>;
  budget(spillFolder: string): DuckDbBudget;
  now(): Date;
  /** Ids of the runs and maintenances that go on, of all tenants: what they staged is theirs. */
  runningRuns(): Promise<readonly string[]>;
  /** Called at named points with an effect on the world, so that a test can stop the process exactly there. */
  reached(point: FaultPoint): Promise<void>;
  /** The context of the running activity; absent in a plain script. */
  context(): Context | undefined;
}

/** Named moments at which the outside world has just changed, or is about to. */
export type FaultPoint =
  | 'hold:held'
  | 'plan:before'
  | 'plan:before-write'
  | 'plan:after-write'
  | 'extract:before-read'
  | 'extract:reading'
  | 'extract:after-data-files'
  | 'extract:after-quarantine-files'
  | 'extract:after-description'
  | 'evaluate:before'
  | 'merge:before'
  | 'merge:after-data-files'
  | 'merge:after-description'
  | 'commit:before'
  | `commit:${CommitPoint}`
  | 'commit:done'
  | 'commit:after-sweep'
  | 'publish:before'
  | 'publish:after-record'
  | 'publish:after-clean-up'
  | 'discard:before'
  | 'discard:after'
  | `maintain:${MaintenancePoint}`
  | 'maintain:after-data-files'
  | 'maintain:after-description'
  | 'maintain:after-sweep'
  | 'maintain:after-record';
