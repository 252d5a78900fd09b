import type { TableName } from '../sink.ts';
import type { CommitFiles } from './commit-files.ts';
import type { TableMetadata, TableVersion } from './metadata.ts';

/**
 * Which version of each table is the current one. Every method fails with CATALOG_*, TABLE_NOT_OURS, TABLE_NEWER or
 * STORAGE_*.
 */
export interface Catalog {
  /** The current version of a table, or undefined if there is none of that name. */
  load(name: TableName): Promise<TableVersion | undefined>;
  /**
   * Called before files are written for a table that does not exist yet, by whoever is about to: a catalog that lends
   * the access to its tables' files has to be asked for it. `location` is the URI of the folder that it is to have.
   */
  readonly announce?: (name: TableName, location: string) => Promise<void>;
  namespaces(): Promise<string[]>;
  /** Names of the tables of a namespace; views are left out. */
  tables(namespace: string): Promise<string[]>;
  /**
   * Moves tables from the version that a commit was prepared on to the next. Moves become visible in one step where
   * the catalog can do that, else one after the other in their order; each says what became of it. An error that is
   * thrown means that none of them landed or ever will.
   */
  commit(moves: readonly TableMove[], moments: CommitMoments): Promise<readonly MoveOutcome[]>;
  /**
   * Returns when every commit whose guard had passed before the call has landed or never will. Undefined for a catalog
   * without a lock: there only another commit to the same table makes those on their way fail.
   */
  readonly settle?: (names: readonly TableName[]) => Promise<void>;
  /** True where references that the table's metadata does not tell of may need files which it has done with. */
  readonly sharesFiles?: boolean;
  close(): void;
}

/** One table's step from the version that a commit was prepared on to the next. */
export interface TableMove {
  readonly name: TableName;
  /** Undefined creates the table. */
  readonly base: TableVersion | undefined;
  /** The whole metadata that the table is to have. */
  readonly next: TableMetadata;
  /** Where a catalog that keeps metadata in files of ours writes them. */
  readonly files: CommitFiles;
  /** Whether a later version of the table has this move in it. Default: whether it has its new snapshot. */
  readonly isIn?: (metadata: TableMetadata) => boolean;
}

/** Awaited by a catalog in the course of a commit. */
export interface CommitMoments {
  /**
   * Fails unless every file that the moves refer to is there and nobody is about to remove it. Called when nothing but
   * the visible step is left to do, and inside of the catalog's lock where it has one.
   */
  guard(): Promise<void>;
  reached(point: CatalogPoint): Promise<void>;
}

/** Everything is written and nothing visible; the step that makes it visible has begun. */
export type CatalogPoint = 'metadata-written' | 'catalog-moving';

export type MoveOutcome =
  | { readonly state: 'landed' }
  /** Another writer was faster; nothing of this move will ever be visible. */
  | { readonly state: 'lost' }
  /** Like lost, because the table had to be created first: it is there now, without rows. */
  | { readonly state: 'created' }
  /** The catalog did not say; it may have landed, or may do so later. */
  | { readonly state: 'unknown'; readonly error: unknown }
  /** The move did not land, and never will. */
  | { readonly state: 'refused'; readonly error: unknown };

/** After these outcomes nothing refers, or ever will, to what was written for the move. */
export const NEVER_VISIBLE: readonly MoveOutcome['state'][] = ['lost', 'created', 'refused'];

/** How the catalog of a lake is reached. */
export interface CatalogProvider {
  /** Undefined where no lake is yet; creates nothing. */
  find(): Promise<Catalog | undefined>;
  /** Creates what is missing. */
  open(): Promise<Catalog>;
}

/**
 * The current version of a table whose files are about to be read or written. One that is not there yet is announced
 * with the folder that it is to have.
 */
export async function loadOrAnnounce(
  catalog: Catalog,
  name: TableName,
  location: string,
): Promise<TableVersion | undefined> {
  const version = await catalog.load(name);
  if (version === undefined) await catalog.announce?.(name, location);
  return version;
}
