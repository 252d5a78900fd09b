import type { CatalogSpec } from './job-catalog.ts';
import type { StorageSpec } from './job-storage.ts';
import type { Column } from './schema.ts';

/** What a command that looks at a lake is told. Plain JSON; 64-bit numbers that JavaScript would round are strings. */
export type CellValue = null | boolean | number | string | readonly CellValue[] | { readonly [key: string]: CellValue };

/** Where a lake is. */
export interface LakeAddress {
  /** An absolute folder or an address. */
  readonly warehouse: string;
  /** Left out for the embedded catalog in the warehouse. May hold secrets: neither stored nor shown. */
  readonly catalog?: CatalogSpec;
  /** How its object store is reached. Holds secrets: neither stored nor shown. */
  readonly storage?: StorageSpec;
  /** Namespace that a table without one is looked up in; undefined where no job says. */
  readonly namespace?: string;
}

export interface QueryColumn {
  readonly name: string;
  /** DuckDB's name of the type, such as `DECIMAL(10,2)`. */
  readonly type: string;
}

export interface QueryResult {
  readonly columns: readonly QueryColumn[];
  readonly rows: readonly (readonly CellValue[])[];
  /** More rows were there than the limit that was asked for. */
  readonly truncated: boolean;
}

/** One state of a table, newest first in a list. */
export interface SnapshotEntry {
  /** As a string of digits. */
  readonly snapshotId: string;
  readonly parentId?: string;
  /** ISO 8601. */
  readonly committedAt: string;
  /** append, overwrite, delete or replace. */
  readonly operation: string;
  /** Id of Dativo's run; absent for another writer's snapshot. */
  readonly runId?: string;
  readonly addedRows: number;
  readonly deletedRows: number;
  readonly totalRows: number;
  readonly addedFiles: number;
  readonly totalFiles: number;
  readonly current: boolean;
}

/** One row of `_dativo.runs`, as far as commands show it. */
export interface RunRecordEntry {
  readonly runId: string;
  readonly tenant: string;
  readonly asset: string;
  readonly object: string;
  readonly table: string;
  readonly state: string;
  readonly mode: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly rowsRead: number;
  readonly rowsCommitted: number;
  readonly rowsQuarantined: number;
  readonly rowsSkipped: number;
  readonly files: number;
  readonly bytes: number;
  readonly snapshotId?: string;
  readonly failureCode?: string;
  readonly failureMessage?: string;
}

/** What is known about an object of a job before any of it is read in full. */
export interface ObjectSample {
  readonly object: string;
  readonly columns: readonly Column[];
  /** In plain words, e.g. `delimiter: ","`. */
  readonly notes: readonly string[];
}

/** What a run would do to one object. */
export interface ObjectDryRun extends ObjectSample {
  readonly table: string;
  readonly chunks: number;
  readonly unchangedUnits: number;
  readonly schemaChanges: readonly string[];
  /** Rows of the sample, after the transformations; undefined when there is nothing to read. */
  readonly sampledRows?: number;
  readonly sampledQuarantined?: number;
  readonly failure?: { readonly code: string; readonly message: string };
}

/** A name that a snapshot has. */
export interface ReferenceEntry {
  readonly name: string;
  /** tag or branch. */
  readonly kind: string;
  readonly snapshotId: string;
}

export interface RollbackResult {
  /** Snapshot ids; equal where the table was there already. */
  readonly from: string;
  readonly to: string;
  readonly totalRows?: number;
}

/** How two snapshots of a table differ. */
export interface TableDifference {
  readonly from: string;
  readonly to: string;
  readonly filesAdded: number;
  readonly filesRemoved: number;
  /** Rows that only the later one has, or more often; a changed row is one removed and one added. */
  readonly rowsAdded: number;
  readonly rowsRemoved: number;
  /** Name and type of each. */
  readonly columnsAdded: readonly string[];
  readonly columnsRemoved: readonly string[];
}

/** A table of a lake, by name. */
export interface TableEntry {
  readonly namespace: string;
  readonly table: string;
}
