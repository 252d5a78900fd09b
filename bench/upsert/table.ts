import { randomUUID } from 'node:crypto';
import type { WrittenFile } from '../../connectors/duckdb/parquet-file.ts';
import { writeParquet } from '../../connectors/duckdb/parquet-file.ts';
import { DuckDbSession } from '../../connectors/duckdb/session.ts';
import { IcebergSink } from '../../connectors/iceberg/sink.ts';
import type { WritePlan } from '../../connectors/sink.ts';
import { LocalStorage, localUri } from '../../connectors/storage/local.ts';
import type { StreamSchema } from '../../contracts/schema.ts';

export const FILES = 60;
export const TABLE = { namespace: 'bench', table: 'orders' };

/** Of `ordersSql`. */
export const ORDERS_SCHEMA: StreamSchema = {
  columns: [
    { name: 'id', type: 'long', required: true },
    { name: 'customer', type: 'string', required: false },
    { name: 'amount', type: 'decimal(12, 2)', required: false },
    { name: 'updated_at', type: 'timestamp', required: false },
    { name: 'note', type: 'string', required: false },
  ],
  primaryKey: ['id'],
};

/** Rows with these ids, about 100 bytes each as text; `version` changes every value but the id. */
export function ordersSql(ids: string, version: number): string {
  return `SELECT id, concat('customer-', hash(id * 31 + ${version}) % 1000000) AS customer,
      ((hash(id + ${version}) % 10000000) / 100)::DECIMAL(12, 2) AS amount,
      TIMESTAMP '2024-01-01' + INTERVAL (id % 31536000) SECOND + INTERVAL (${version}) DAY AS updated_at,
      concat('order ', id, ', version ${version}, left at door ', hash(id) % 9999) AS note
    FROM (${ids})`;
}

export interface Batch {
  readonly runId: string;
  readonly plan: WritePlan;
  readonly files: readonly WrittenFile[];
}

/** One process's view of the lake: what the worker's activities are made of, without the workflow around them. */
export class BenchLake implements AsyncDisposable {
  readonly storage = new LocalStorage();
  readonly sink: IcebergSink;
  readonly session: DuckDbSession;

  private constructor(folder: string, session: DuckDbSession) {
    this.session = session;
    this.sink = new IcebergSink({ storage: this.storage, warehouse: localUri(folder) });
  }

  static async open(folder: string, scratch: string): Promise<BenchLake> {
    const budget = { memoryBytes: 256 * 1_048_576, threads: 2, spillFolder: scratch };
    return new BenchLake(folder, await DuckDbSession.open(budget, new AbortController().signal));
  }

  /** Writes rows as data files that no snapshot has yet. */
  async stage(sql: string): Promise<Batch> {
    const runId = randomUUID();
    const table = await this.sink.open(TABLE.namespace, TABLE.table);
    const plan = table.prepare(ORDERS_SCHEMA, { evolve: false });
    const folder = table.dataFolder(runId, 'c00000', 1);
    const options = { storage: this.storage, fileSizeBytes: 160 * 1_048_576 };
    return { runId, plan, files: await writeParquet(this.session, sql, plan.fileSchema, folder, options) };
  }

  async append({ runId, plan, files }: Batch): Promise<void> {
    await this.sink.commit(runId, [{ plan, mode: 'append', files }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sink.close();
    await this.session[Symbol.asyncDispose]();
  }
}

/** A table of that many rows in `FILES` files, each of them a range of ids. */
export async function createTable(folder: string, scratch: string, rows: number): Promise<void> {
  await using lake = await BenchLake.open(folder, scratch);
  for (let file = 0; file < FILES; file++) {
    const [from, to] = [Math.floor((rows * file) / FILES), Math.floor((rows * (file + 1)) / FILES)];
    await lake.append(await lake.stage(ordersSql(`SELECT i AS id FROM range(${from}, ${to}) t(i)`, 0)));
  }
}
