import type { DuckDBConnection, DuckDBPreparedStatement, Json } from '@duckdb/node-api';
import { DuckDBInstance } from '@duckdb/node-api';
import { translateDuckDbError } from './errors.ts';
import { literal } from './sql.ts';

/** What one DuckDB instance may use. */
export interface DuckDbBudget {
  /** Bytes of DuckDB's buffer manager; what does not fit is spilled to `spillFolder`. */
  readonly memoryBytes: number;
  readonly threads: number;
  /** An existing folder on a local disk. */
  readonly spillFolder: string;
}

/**
 * One DuckDB instance for one piece of work, with its own memory and threads, always in UTC.
 * Every query stops within milliseconds of the signal. Dispose it (`await using`) to free the memory.
 */
export class DuckDbSession implements AsyncDisposable {
  readonly connection: DuckDBConnection;
  readonly signal: AbortSignal;
  /** A folder on a local disk for temporary files of this piece of work. */
  readonly scratchFolder: string;
  readonly #instance: DuckDBInstance;
  readonly #release: () => void;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, folder: string, signal: AbortSignal) {
    this.#instance = instance;
    this.connection = connection;
    this.scratchFolder = folder;
    this.signal = signal;
    const interrupt = () => connection.interrupt();
    signal.addEventListener('abort', interrupt);
    this.#release = () => signal.removeEventListener('abort', interrupt);
  }

  static async open(budget: DuckDbBudget, signal: AbortSignal): Promise<DuckDbSession> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(budget.threads),
      memory_limit: `${Math.floor(budget.memoryBytes / 1_048_576)}MiB`,
      temp_directory: budget.spillFolder,
    });
    const connection = await instance.connect();
    // Progress is only computed while the progress bar is on; printing it is not wanted.
    await connection.run(`SET timezone = 'UTC'; SET enable_progress_bar = true; SET enable_progress_bar_print = false`);
    return new DuckDbSession(instance, connection, budget.spillFolder, signal);
  }

  /** Runs one statement for its effect. */
  async run(sql: string): Promise<void> {
    await this.#guarded(() => this.connection.run(sql));
  }

  /** Runs one statement and returns its rows with values as plain JSON (64-bit integers as strings). */
  async rows(sql: string): Promise<Record<string, Json>[]> {
    return this.#guarded(async () => (await this.connection.runAndReadAll(sql)).getRowObjectsJson());
  }

  /** Binds one statement without running it. The caller destroys it. */
  async prepare(sql: string): Promise<DuckDBPreparedStatement> {
    return this.#guarded(() => this.connection.prepare(sql));
  }

  /** Sets a DuckDB option for this session. */
  async set(option: string, value: string): Promise<void> {
    await this.run(`SET ${option} = ${literal(value)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#release();
    this.connection.closeSync();
    this.#instance.closeSync();
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      this.signal.throwIfAborted();
      throw translateDuckDbError(error);
    }
  }
}
