import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { Pool } from 'pg';
import { DativoError, fail } from '../../../contracts/errors.ts';
import { isLoginRefused } from '../../postgres/errors.ts';
import type { TableName } from '../../sink.ts';
import type { SqlDatabase, SqlRow, SqlSession } from './database.ts';
import { CATALOG_COLUMNS, SCHEMA } from './database.ts';
import { postgresError } from './postgres-errors.ts';

const POOL_SIZE = 4;
const IDLE_CONNECTION_MS = 10_000;
const CONNECT_WITHIN_MS = 10_000;
const STATEMENT_WITHIN_MS = 30_000;
/** How long a commit waits for another one to the same tables before it gives up with CATALOG_BUSY. */
const LOCK_WITHIN_MS = 30_000;
/** A commit that has stopped is ended by the server after this long, so that it keeps nobody waiting for ever. */
const COMMIT_IDLE_MS = 120_000;

/** Attempts at what changes nothing, because a connection that was idle may be dead by now. */
const ATTEMPTS = 4;
const PAUSE_MS = 200;

/** A catalog's tables in a Postgres database; found by the connection's search path. */
export class PostgresDatabase implements SqlDatabase {
  #uri: string;
  #pool: Pool;
  /** Host, port and database, for messages. */
  #address: string;
  readonly #reread: () => Promise<string>;

  /** `reread` gives the address as it is now: its password may have been replaced. */
  constructor(uri: string, reread: () => Promise<string> = async () => uri) {
    this.#uri = uri;
    this.#address = addressOf(uri);
    this.#pool = poolOf(uri);
    this.#reread = reread;
  }

  /** Connections are shared by everybody who uses the database, and close by themselves when they are idle. */
  close(): void {}

  /** False for a database without the catalog's tables. Fails with TABLE_NOT_OURS for other tables of those names. */
  async isCatalog(): Promise<boolean> {
    const rows = await this.rows(
      `SELECT column_name::text AS name FROM information_schema.columns
       WHERE table_name = 'iceberg_tables' AND table_schema = ANY (current_schemas(false))`,
      [],
    );
    const names = new Set(rows.map((row) => row['name']));
    if (names.size === 0) return false;
    if (CATALOG_COLUMNS.every((name) => names.has(name))) return true;
    throw fail('TABLE_NOT_OURS', {
      received: `a table iceberg_tables in ${this.#address} that is not an Iceberg catalog's`,
      expected: 'no such table, or the one of PyIceberg or of Java in its version V1',
      next: 'choose another database or schema in target.catalog.uri',
    });
  }

  /** Creates the catalog's tables where they are missing. */
  async prepare(): Promise<void> {
    if (await this.isCatalog()) return;
    // Under a lock: two that create one table at the same time would fail.
    await this.exclusively([], async (session) => {
      for (const statement of SCHEMA) await session.run(statement, []);
    });
  }

  async rows(sql: string, parameters: readonly string[]): Promise<readonly SqlRow[]> {
    return this.#patiently(async () => (await this.#pool.query(numbered(sql), [...parameters])).rows);
  }

  async run(sql: string, parameters: readonly string[]): Promise<number> {
    return this.#letIn(async () => (await this.#pool.query(numbered(sql), [...parameters])).rowCount ?? 0);
  }

  async exclusively<T>(tables: readonly TableName[], work: (session: SqlSession) => Promise<T>): Promise<T> {
    const client = await this.#patiently(() => this.#begin(tables));
    // A connection that breaks while nobody asks it anything says so here; the next question to it fails anyway.
    client.on('error', ignore);
    let broken = true;
    try {
      const result = await work(this.#sessionOf(client));
      await this.#translating(() => client.query('COMMIT'));
      broken = false;
      return result;
    } catch (error) {
      broken = await client.query('ROLLBACK').then(
        () => false,
        () => true,
      );
      throw error;
    } finally {
      client.off('error', ignore);
      client.release(broken);
    }
  }

  /** A connection in a transaction that has the lock of each table. */
  async #begin(tables: readonly TableName[]): Promise<PoolClient> {
    const client = await this.#pool.connect();
    try {
      await client.query(
        `BEGIN; SET LOCAL lock_timeout = ${LOCK_WITHIN_MS}; SET LOCAL statement_timeout = ${STATEMENT_WITHIN_MS + LOCK_WITHIN_MS};
         SET LOCAL idle_in_transaction_session_timeout = ${COMMIT_IDLE_MS}`,
      );
      const keys = tables.map(({ namespace, table }) => `dativo ${namespace}.${table}`);
      // Everybody locks in the same order, so that nobody waits in a circle.
      for (const key of keys.length === 0 ? ['dativo'] : [...new Set(keys)].sort()) {
        await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [key]);
      }
      return client;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  #sessionOf(client: PoolClient): SqlSession {
    const query = (sql: string, parameters: readonly string[]) =>
      this.#translating(() => client.query(numbered(sql), [...parameters]));
    return {
      rows: async (sql, parameters) => (await query(sql, parameters)).rows,
      run: async (sql, parameters) => (await query(sql, parameters)).rowCount ?? 0,
    };
  }

  /** For work that may be done twice. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#letIn(work);
      } catch (error) {
        const mayPass = error instanceof DativoError && error.code === 'CATALOG_UNAVAILABLE';
        if (!mayPass || attempt === ATTEMPTS) throw error;
        await sleep(PAUSE_MS * 2 ** attempt * Math.random());
      }
    }
  }

  /**
   * A login that is refused is tried once more with the address as it is now; nothing was asked before it, so nothing is
   * done twice. Connections that are open stay so in Postgres.
   */
  async #letIn<T>(work: () => Promise<T>): Promise<T> {
    const uri = this.#uri;
    return this.#translating(async () => {
      try {
        return await work();
      } catch (error) {
        if (!isLoginRefused(error)) throw error;
        if (uri === this.#uri) this.#move(await this.#reread());
        if (uri === this.#uri) throw error;
        return work();
      }
    });
  }

  #move(uri: string): void {
    this.#address = addressOf(uri);
    this.#pool = poolOf(uri);
    this.#uri = uri;
  }

  async #translating<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw postgresError(error, this.#address);
    }
  }
}

const pools = new Map<string, Pool>();
const POOLS_KEPT = 32;

/** Connections are worth keeping: one takes longer to make than the whole of a commit. */
function poolOf(uri: string): Pool {
  const pool = pools.get(uri) ?? createPool(uri);
  // The one that was used last is at the end; the first one is dropped, and closes when it is idle.
  pools.delete(uri);
  pools.set(uri, pool);
  const [oldest] = pools.keys();
  if (pools.size > POOLS_KEPT && oldest !== undefined) pools.delete(oldest);
  return pool;
}

function createPool(uri: string): Pool {
  const pool = new Pool({
    connectionString: uri,
    application_name: 'dativo',
    max: POOL_SIZE,
    idleTimeoutMillis: IDLE_CONNECTION_MS,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    // Longer than the server's own limits, which end the statement there too.
    query_timeout: STATEMENT_WITHIN_MS + LOCK_WITHIN_MS + 5_000,
    allowExitOnIdle: true,
    keepAlive: true,
  });
  // An idle connection that breaks is taken out of the pool; whoever needs one gets another.
  return pool.on('error', ignore);
}

/** Host, port and database of a connection string, and nothing that is secret. Fails with CATALOG_NOT_FOUND. */
function addressOf(uri: string): string {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url !== undefined && url.pathname.length > 1) {
    return `Postgres at ${url.hostname || 'localhost'}:${url.port || '5432'}${url.pathname}`;
  }
  throw fail('CATALOG_NOT_FOUND', {
    received: 'an address of the SQL catalog that is not a URL with a database',
    expected: 'postgresql://user:password@host:5432/database',
    next: 'correct target.catalog.uri',
  });
}

/** Postgres numbers its parameters. */
function numbered(sql: string): string {
  return sql
    .split('?')
    .map((part, index) => (index === 0 ? part : `$${index}${part}`))
    .join('');
}

function ignore(): void {}
