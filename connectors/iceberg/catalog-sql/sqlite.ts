import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../../contracts/errors.ts';
import type { TableName } from '../../sink.ts';
import type { SqlDatabase, SqlRow, SqlSession } from './database.ts';
import { CATALOG_COLUMNS, SCHEMA } from './database.ts';
import { isBusy, sqliteError } from './sqlite-errors.ts';

/** How long the catalog waits for other writers before it gives up with CATALOG_BUSY. */
const BUSY_LIMIT_MS = 30_000;
const BUSY_PAUSE_MS = 20;

/** A catalog's database in a file on a local disk. */
export class SqliteDatabase implements SqlDatabase {
  readonly #database: DatabaseSync;
  readonly #file: string;
  /** Transactions of this connection come one after another. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.#file = file;
  }

  /** Creates the file if it is missing. Fails with TABLE_NOT_OURS, CATALOG_* or STORAGE_*. */
  static async open(file: string): Promise<SqliteDatabase> {
    return new SqliteDatabase(await patiently(file, () => connect(file)), file);
  }

  close(): void {
    this.#database.close();
  }

  async rows(sql: string, parameters: readonly string[]): Promise<readonly SqlRow[]> {
    return patiently(this.#file, () => this.#database.prepare(sql).all(...parameters));
  }

  async run(sql: string, parameters: readonly string[]): Promise<number> {
    return patiently(this.#file, () => Number(this.#database.prepare(sql).run(...parameters).changes));
  }

  /** SQLite has one lock for the whole database. */
  async exclusively<T>(_tables: readonly TableName[], work: (session: SqlSession) => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => this.#transaction(work));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #transaction<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
    await patiently(this.#file, () => this.#database.exec('BEGIN IMMEDIATE'));
    try {
      const result = await work(this);
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
}

function connect(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA busy_timeout = 0');
    const hasTables = isCatalog(database, file);
    // A commit is on the disk before it is answered, and readers never wait for the writer.
    database.exec('PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL');
    if (!hasTables) database.exec(`BEGIN IMMEDIATE; ${SCHEMA.join(';')}; COMMIT`);
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
  if (CATALOG_COLUMNS.every((name) => names.has(name))) return true;
  throw fail('TABLE_NOT_OURS', {
    received: `${file}, a SQLite database that is not an Iceberg catalog`,
    expected: 'no such file, or the catalog of a lake',
    next: 'choose another warehouse folder, or another file as target.catalog.uri',
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
