import type { Socket } from 'node:net';
import { connect as connectSocket, isIP } from 'node:net';
import type { Connection, FieldPacket, PrepareStatementInfo } from 'mysql2';
import type { SessionSettings } from '../database/session-settings.ts';
import type { MySqlAddress } from './address.ts';
import { parseAddress } from './address.ts';
import { isLoginRefused, isOfServer, mysqlError } from './errors.ts';
import type { WireColumn } from './type-rules.ts';

const CONNECT_WITHIN_MS = 15_000;
/** A connection may wait for DuckDB between two of its statements, and in the middle of one. */
const PATIENCE_SECONDS = 86_400;

/**
 * One connection in one transaction that only reads, and sees one moment of all tables that keep versions (InnoDB). Its
 * time zone is UTC. A server cannot let another connection see the same moment, so whatever has to be of one moment is
 * read by one session.
 */
export class MySqlSession implements AsyncDisposable {
  readonly address: MySqlAddress;
  readonly connection: Connection;
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  readonly #abort = () => this.giveUp();

  private constructor(connection: Connection, socket: Socket, address: MySqlAddress, signal: AbortSignal) {
    this.connection = connection;
    this.#socket = socket;
    this.address = address;
    this.#signal = signal;
    signal.addEventListener('abort', this.#abort);
  }

  /** Errors: SOURCE_UNREACHABLE, SOURCE_DENIED, SOURCE_NOT_FOUND. */
  static async open(settings: SessionSettings, signal: AbortSignal): Promise<MySqlSession> {
    signal.throwIfAborted();
    const address = parseAddress(settings.connection);
    const { connection, socket } = await connectTo(address);
    const session = new MySqlSession(connection, socket, address, signal);
    try {
      await session.#begin(settings);
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      signal.throwIfAborted();
      const renewed = isLoginRefused(error) ? await settings.reread?.() : undefined;
      if (renewed === undefined || renewed === settings.connection) throw mysqlError(error, address.shown);
      return MySqlSession.open({ ...settings, connection: renewed, reread: undefined }, signal);
    }
  }

  async #begin({ statementTimeoutSeconds, lockTimeoutSeconds }: SessionSettings): Promise<void> {
    const [row] = await ask(this.connection, 'SELECT VERSION() AS version');
    const isMariaDb = /MariaDB/i.test(String(row?.['version']));
    const statementTimeout = isMariaDb
      ? `max_statement_time = ${statementTimeoutSeconds}, idle_transaction_timeout = 0, idle_readonly_transaction_timeout = 0`
      : `max_execution_time = ${Math.min(statementTimeoutSeconds * 1000, 4_294_967_295)}`;
    await ask(
      this.connection,
      `SET SESSION time_zone = '+00:00', sql_mode = '', sql_big_selects = 1, wait_timeout = ${PATIENCE_SECONDS},
       net_write_timeout = ${PATIENCE_SECONDS}, lock_wait_timeout = ${lockTimeoutSeconds},
       innodb_lock_wait_timeout = ${lockTimeoutSeconds}, ${statementTimeout}`,
    );
    await ask(this.connection, 'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await ask(this.connection, 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
  }

  /** Rows as objects. Every value that is asked for should be cast to a text or a small integer. */
  async rows(sql: string, what?: string): Promise<readonly Record<string, unknown>[]> {
    try {
      return await ask(this.connection, sql);
    } catch (error) {
      throw this.error(error, what);
    }
  }

  /** What the columns of a query are, without running it. */
  async columns(sql: string, what?: string): Promise<readonly WireColumn[]> {
    try {
      const statement = await prepare(this.connection, sql);
      this.connection.unprepare(sql);
      const columns: unknown = Reflect.get(statement, 'columns');
      if (Array.isArray(columns)) return columns.map(wireColumn);
    } catch (error) {
      throw this.error(error, what);
    }
    throw new TypeError('a prepared statement without its columns');
  }

  /** `what` names the object that is asked for. */
  error(error: unknown, what?: string): unknown {
    if (this.#signal.aborted) return this.#signal.reason;
    if (!isOfServer(error)) return error;
    return mysqlError(error, what === undefined ? this.address.shown : `${this.address.shown}, asked for ${what},`);
  }

  /** Ends the connection in the middle of a statement; whatever waits for an answer gets an error. */
  giveUp(): void {
    if (this.#socket.destroyed) return;
    this.#socket.destroy(new Error('the work was given up'));
    void endElsewhere(this.address, this.connection.threadId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#abort);
    // The library, asked to end a connection, waits for answers, and forgets whoever waits for one.
    this.#socket.destroy();
  }
}

/**
 * A server notices that nobody listens any more when it has something to say, which for a long statement may be never.
 * Whatever goes wrong here, its own time-out still ends the statement.
 */
async function endElsewhere(address: MySqlAddress, thread: number | undefined): Promise<void> {
  if (thread === undefined) return;
  const { connection, socket } = await connectTo(address);
  await ask(connection, `KILL CONNECTION ${thread}`).catch(() => {});
  connection.destroy();
  socket.destroy();
}

interface Connected {
  readonly connection: Connection;
  readonly socket: Socket;
}

async function connectTo({ host, port, socket: path, ...address }: MySqlAddress): Promise<Connected> {
  // Loaded with the first job that names a MySQL.
  const { createConnection } = await import('mysql2');
  const { user, password, database, ssl } = address;
  const socket = path === undefined ? connectSocket(port, host) : connectSocket(path);
  socket.setNoDelay(true);
  socket.setKeepAlive(true);
  const connection = createConnection({
    stream: () => socket,
    // Of an address the library would compare no name with the certificate but `localhost`. With a dot at its end it is
    // a name to the library, and the address that it is to the comparison, which takes the dot away.
    host: isIP(host) === 0 ? host : `${host}.`,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    database,
    ...(ssl === undefined ? {} : { ssl }),
    charset: 'utf8mb4_bin',
    connectTimeout: CONNECT_WITHIN_MS,
    connectAttributes: { program_name: 'dativo' },
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    // A server may ask a client for any file of its machine.
    flags: ['-LOCAL_FILES'],
  });
  // A connection that breaks says so here as well; the next question to it fails anyway.
  connection.on('error', () => {});
  return { connection, socket };
}

function ask(connection: Connection, sql: string): Promise<readonly Record<string, unknown>[]> {
  return new Promise((resolve, reject) => {
    connection.query(sql, (error, rows) => (error ? reject(error) : resolve(rowsOf(rows))));
  });
}

export function prepare(connection: Connection, sql: string): Promise<PrepareStatementInfo> {
  return new Promise((resolve, reject) => {
    connection.prepare(sql, (error, statement) => (error ? reject(error) : resolve(statement)));
  });
}

function rowsOf(answer: unknown): Record<string, unknown>[] {
  return Array.isArray(answer) ? answer.filter(isRow) : [];
}

function isRow(row: unknown): row is Record<string, unknown> {
  return typeof row === 'object' && row !== null && !Array.isArray(row);
}

export function wireColumn(field: FieldPacket): WireColumn {
  const { name, columnType = -1, flags, columnLength = 0, decimals, characterSet = 0 } = field;
  return {
    name,
    columnType,
    flags: typeof flags === 'number' ? flags : 0,
    length: columnLength,
    decimals,
    characterSet,
    extension: field.extendedFormat ?? field.extendedTypeName,
  };
}
