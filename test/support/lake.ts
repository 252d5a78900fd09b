import { randomUUID } from 'node:crypto';
import type { WrittenFile } from '../../connectors/duckdb/parquet-file.ts';
import { writeParquet } from '../../connectors/duckdb/parquet-file.ts';
import type { DuckDbSession } from '../../connectors/duckdb/session.ts';
import type { IcebergSinkOptions } from '../../connectors/iceberg/sink.ts';
import { IcebergSink } from '../../connectors/iceberg/sink.ts';
import type { CommitReceipt, Sink, SinkChange, WritePlan } from '../../connectors/sink.ts';
import { LocalStorage, localUri } from '../../connectors/storage/local.ts';
import type { StreamSchema } from '../../contracts/schema.ts';
import { openSession, temporaryFolder } from './duckdb.ts';

export interface Staged {
  readonly runId: string;
  readonly plan: WritePlan;
  readonly files: readonly WrittenFile[];
}

interface WriteOptions extends Partial<Omit<SinkChange, 'plan' | 'files'>> {
  readonly runId?: string;
  readonly namespace?: string;
  readonly evolve?: boolean;
  readonly withoutBounds?: readonly string[];
  readonly fileSizeBytes?: number;
}

/** A lake in a folder of its own, with a DuckDB to write its files; removed at the end of its scope. */
export class TestLake implements AsyncDisposable {
  readonly folder: string;
  readonly storage = new LocalStorage();
  readonly session: DuckDbSession;
  readonly sink: Sink;
  readonly #stack: AsyncDisposableStack;

  private constructor(folder: string, session: DuckDbSession, sink: Sink, stack: AsyncDisposableStack) {
    this.folder = folder;
    this.session = session;
    this.sink = sink;
    this.#stack = stack;
  }

  static async create(
    makeSink: (options: IcebergSinkOptions) => Sink = (options) => new IcebergSink(options),
  ): Promise<TestLake> {
    const stack = new AsyncDisposableStack();
    const { path: folder } = stack.use(await temporaryFolder());
    const session = stack.use(await openSession());
    const sink = makeSink({ storage: new LocalStorage(), warehouse: localUri(folder) });
    stack.defer(() => sink.close());
    return new TestLake(folder, session, sink, stack);
  }

  get warehouse(): string {
    return localUri(this.folder);
  }

  /** Plans a run on the table as it is and writes the query's rows; nothing is visible yet. */
  async stage(table: string, schema: StreamSchema, select: string, options: WriteOptions = {}): Promise<Staged> {
    const {
      runId = randomUUID(),
      namespace = 'shop',
      evolve = true,
      withoutBounds = [],
      fileSizeBytes = 1e8,
    } = options;
    const opened = await this.sink.open(namespace, table);
    const plan = opened.prepare(schema, { evolve, withoutBounds });
    const folder = opened.dataFolder(runId, 'c00000', 1);
    const files = await writeParquet(this.session, select, plan.fileSchema, folder, {
      storage: this.storage,
      fileSizeBytes,
    });
    return { runId, plan, files };
  }

  /** Plans, writes and commits. */
  async write(
    table: string,
    schema: StreamSchema,
    select: string,
    options: WriteOptions = {},
  ): Promise<CommitReceipt & { readonly runId: string }> {
    const { runId, plan, files } = await this.stage(table, schema, select, options);
    const [receipt] = await this.sink.commit(runId, [change({ plan, files }, options)]);
    if (receipt === undefined) throw new Error('a commit of one change gives one receipt');
    return { ...receipt, runId };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** What a sink is asked to commit of staged work. */
export function change(
  { plan, files }: Omit<Staged, 'runId'>,
  { mode = 'append', checkpoint, properties }: WriteOptions = {},
): SinkChange {
  return {
    plan,
    mode,
    files,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(properties === undefined ? {} : { properties }),
  };
}

export function optionalColumn(
  name: string,
  type: StreamSchema['columns'][number]['type'],
): StreamSchema['columns'][number] {
  return { name, type, required: false };
}
