import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../contracts/errors.ts';
import type { TableName } from '../sink.ts';
import type { Storage } from '../storage/storage.ts';
import { inFolder } from '../storage/storage.ts';
import { checkLake, claimLake } from './lake.ts';
import { isBusy, sqliteError } from './sqlite-errors.ts';

/**
 * The embedded catalog: which metadata file is the current one of each table. The database is the one of PyIceberg's
 * `SqlCatalog` named `default`, so that `pyiceberg` opens the lake as it is.
 */
const CATALOG_NAME = 'default';
const CATALOG_FILE = 'catalog.db';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL,
    table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
  );
  CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL,
    namespace VARCHAR(255) NOT NULL,
    property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
  )`;

/** How long the catalog waits for other writers before it gives up with CATALOG_BUSY. */
const BUSY_LIMIT_MS = 30_000;
const BUSY_PAUSE_MS = 20;

/** A catalog's entry for one table. */
export interface Pointer {
  readonly metadataLocation: string | null;
  readonly kind: string | null;
}

/** Moves a table from one metadata file to the next; `from` undefined creates the entry. */
export interface Move extends TableName {
  readonly from: string | undefined;
  readonly to: string;
}

export interface CatalogOptions {
  readonly storage: Storage;
  /** URI of the lake's folder. */
  readonly warehouse: string;
}

export class SqliteCatalog {
  readonly #database: DatabaseSync;
  readonly #file: string;
  /** Transactions of this connection come one after another. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.#file = file;
  }

  /** Opens the lake's catalog, making the folder a lake if it is none. Fails with TABLE_*, CATALOG_* or STORAGE_*. */
  static async open({ storage, warehouse }: CatalogOptions): Promise<SqliteCatalog> {
    await claimLake(storage, warehouse);
    const file = storage.toLocalPath(inFolder(warehouse, CATALOG_FILE));
    return new SqliteCatalog(await patiently(file, () => connect(file)), file);
  }

  /** Like `open`, but a folder that holds no lake stays as it is. */
  static async find({ storage, warehouse }: CatalogOptions): Promise<SqliteCatalog | undefined> {
    await checkLake(storage, warehouse);
    const uri = inFolder(warehouse, CATALOG_FILE);
    if ((await storage.size(uri)) === undefined) return undefined;
    const file = storage.toLocalPath(uri);
    return new SqliteCatalog(await patiently(file, () => connect(file)), file);
  }

  close(): void {
    this.#database.close();
  }

  async pointer({ namespace, table }: TableName): Promise<Pointer | undefined> {
    const row = await patiently(this.#file, () =>
      this.#database
        .prepare(
          `SELECT metadata_location, iceberg_type FROM iceberg_tables
           WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?`,
        )
        .get(CATALOG_NAME, namespace, table),
    );
    return row === undefined
      ? undefined
      : { metadataLocation: textOrNull(row['metadata_location']), kind: textOrNull(row['iceberg_type']) };
  }

  async namespaces(): Promise<string[]> {
    return this.#texts(
      `SELECT namespace AS name FROM iceberg_namespace_properties WHERE catalog_name = ?
       UNION SELECT table_namespace FROM iceberg_tables WHERE catalog_name = ? ORDER BY name`,
      [CATALOG_NAME, CATALOG_NAME],
    );
  }

  async tables(namespace: string): Promise<string[]> {
    return this.#texts(
      `SELECT table_name AS name FROM iceberg_tables
       WHERE catalog_name = ? AND table_namespace = ? AND coalesce(iceberg_type, 'TABLE') = 'TABLE' ORDER BY name`,
      [CATALOG_NAME, namespace],
    );
  }

  /**
   * Runs `work` while no other process can change the catalog, then makes its moves durable, all or none. Work that
   * throws leaves the catalog as it was.
   */
  async exclusively<T>(work: (move: (move: Move) => boolean) => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => this.#transaction(work));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #transaction<T>(work: (move: (move: Move) => boolean) => Promise<T>): Promise<T> {
    await patiently(this.#file, () => this.#database.exec('BEGIN IMMEDIATE'));
    try {
      const result = await work((move) => this.#move(move));
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#rollBack();
      throw sqliteError(error, this.#file);
    }
  }

  #rollBack(): void {
    try {
      this.#database.exec('ROLLBACK');
    } catch {
      // SQLite rolls back by itself after some errors; what counts is the error that came first.
    }
  }

  /** Compare and swap; false if another writer was faster. */
  #move({ namespace, table, from, to }: Move): boolean {
    if (from !== undefined) {
      const changed = this.#database
        .prepare(
          `UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?
           WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND metadata_location = ?`,
        )
        .run(to, from, CATALOG_NAME, namespace, table, from);
      return changed.changes === 1;
    }
    this.#database
      .prepare(`INSERT OR IGNORE INTO iceberg_namespace_properties VALUES (?, ?, 'exists', 'true')`)
      .run(CATALOG_NAME, namespace);
    const inserted = this.#database
      .prepare(`INSERT OR IGNORE INTO iceberg_tables VALUES (?, ?, ?, ?, NULL, 'TABLE')`)
      .run(CATALOG_NAME, namespace, table, to);
    return inserted.changes === 1;
  }

  async #texts(sql: string, parameters: readonly string[]): Promise<string[]> {
    const rows = await patiently(this.#file, () => this.#database.prepare(sql).all(...parameters));
    return rows.flatMap((row) => textOrNull(row['name']) ?? []);
  }
}

function connect(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA busy_timeout = 0');
    const hasTables = isCatalog(database, file);
    // A commit is on the disk before it is answered, and readers never wait for the writer.
    database.exec('PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL');
    if (!hasTables) database.exec(`BEGIN IMMEDIATE; ${SCHEMA}; COMMIT`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** False for a new database; one of something else is never made into a catalog. */
function isCatalog(database: DatabaseSync, file: string): boolean {
  const tables = database.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).all();
  if (tables.length === 0) return false;
  const columns = database.prepare(`SELECT name FROM pragma_table_info('iceberg_tables')`).all();
  const names = new Set(columns.map((column) => column['name']));
  const expected = ['catalog_name', 'table_namespace', 'table_name', 'metadata_location', 'iceberg_type'];
  if (expected.every((name) => names.has(name))) return true;
  throw fail('TABLE_NOT_OURS', {
    received: `${file}, a SQLite database that is not an Iceberg catalog`,
    expected: 'no such file, or the catalog of a lake',
    next: 'choose another warehouse folder',
  });
}

/**
 * SQLite would wait for a lock on the event loop's own thread, and with it every heartbeat of the process; so it is
 * asked again instead.
 */
async function patiently<T>(file: string, work: () => T): Promise<T> {
  const giveUpAt = Date.now() + BUSY_LIMIT_MS;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || Date.now() > giveUpAt) throw sqliteError(error, file);
      await sleep(BUSY_PAUSE_MS * (0.5 + Math.random()));
    }
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
