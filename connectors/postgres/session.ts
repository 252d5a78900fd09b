import { Socket } from 'node:net';
import type { Client } from 'pg';
import type { SessionSettings } from '../database/session-settings.ts';
import type { PostgresAddress } from './address.ts';
import { parseAddress } from './address.ts';
import { isLoginRefused, postgresError } from './errors.ts';
import { takeSnapshot } from './snapshot.ts';

const CONNECT_WITHIN_MS = 15_000;

/**
 * One connection in one transaction that only reads and sees one moment: that of `snapshot` if there is one, else its
 * own. Everything is in UTC and in the forms that lose nothing.
 */
export class PostgresSession implements AsyncDisposable {
  readonly address: PostgresAddress;
  #connection: Connected;
  readonly #settings: SessionSettings;
  readonly #signal: AbortSignal;
  readonly #snapshot: string | undefined;
  readonly #abort = () => this.#connection.socket.destroy();

  private constructor(
    connection: Connected,
    address: PostgresAddress,
    settings: SessionSettings,
    signal: AbortSignal,
    snapshot: string | undefined,
  ) {
    this.#connection = connection;
    this.address = address;
    this.#settings = settings;
    this.#signal = signal;
    this.#snapshot = snapshot;
    // Whatever waits for an answer gets an error; the server ends the transaction by itself.
    signal.addEventListener('abort', this.#abort);
  }

  get client(): Client {
    return this.#connection.client;
  }

  /** Settles when the connection has ended, whoever ended it. */
  get broken(): Promise<void> {
    return this.#connection.ended;
  }

  /** Errors: SOURCE_UNREACHABLE, SOURCE_DENIED, SOURCE_NOT_FOUND, SNAPSHOT_LOST. */
  static async open(settings: SessionSettings, signal: AbortSignal, snapshot?: string): Promise<PostgresSession> {
    signal.throwIfAborted();
    const address = parseAddress(settings.connection);
    try {
      const connection = await connect(address, settings);
      return await PostgresSession.#begin(connection, address, settings, signal, snapshot);
    } catch (error) {
      signal.throwIfAborted();
      const renewed = isLoginRefused(error) ? await settings.reread?.() : undefined;
      if (renewed === undefined || renewed === settings.connection) throw postgresError(error, address.shown);
      return PostgresSession.open({ ...settings, connection: renewed, reread: undefined }, signal, snapshot);
    }
  }

  static async #begin(
    connection: Connected,
    address: PostgresAddress,
    settings: SessionSettings,
    signal: AbortSignal,
    snapshot: string | undefined,
  ): Promise<PostgresSession> {
    const session = new PostgresSession(connection, address, settings, signal, snapshot);
    try {
      if (snapshot !== undefined) await takeSnapshot(session, snapshot);
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Rows as objects; every value as the client library gives it. */
  async rows(sql: string, parameters: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
    try {
      return (await this.client.query(sql, [...parameters])).rows;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw postgresError(error, this.address.shown);
    }
  }

  /** Another connection at the same moment, where an answer was not read to its end. */
  async restart(): Promise<void> {
    await close(this.#connection);
    this.#connection = await connect(this.address, this.#settings).catch((error: unknown) => {
      throw postgresError(error, this.address.shown);
    });
    if (this.#snapshot !== undefined) await takeSnapshot(this, this.#snapshot);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#abort);
    await close(this.#connection);
  }
}

interface Connected {
  readonly client: Client;
  readonly socket: Socket;
  readonly ended: Promise<void>;
}

async function connect(
  { host, port, database, user, password, ssl }: PostgresAddress,
  { statementTimeoutSeconds, lockTimeoutSeconds }: SessionSettings,
): Promise<Connected> {
  // Loaded with the first job that names a Postgres.
  const pg = await import('pg');
  const socket = new Socket();
  const client = new pg.Client({
    stream: () => socket,
    host,
    port,
    database,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ssl,
    application_name: 'dativo',
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    keepAlive: true,
  });
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
  // A connection that breaks says so here as well; the next question to it fails anyway.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(
      `SET TIME ZONE 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'iso_8601'; SET extra_float_digits = 3;
       SET bytea_output = 'hex'; SET client_encoding = 'UTF8'; SET xmloption = 'content'; SET row_security = off;
       SET idle_in_transaction_session_timeout = 0; SET statement_timeout = ${statementTimeoutSeconds * 1000};
       SET lock_timeout = ${lockTimeoutSeconds * 1000}; BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY`,
    );
    return { client, socket, ended };
  } catch (error) {
    await close({ client, socket, ended });
    throw error;
  }
}

/** After a failure in the middle of an answer the server would wait for ever for it to be read. */
async function close({ client, socket }: Connected): Promise<void> {
  socket.destroy();
  await client.end().catch(() => {});
}
