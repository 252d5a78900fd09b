import { randomUUID } from 'node:crypto';
import type { MergeRule } from '../../connectors/duckdb/merge-sql.ts';
import type { WrittenFile } from '../../connectors/duckdb/parquet-file.ts';
import { writeParquet } from '../../connectors/duckdb/parquet-file.ts';
import type { DuckDbSession } from '../../connectors/duckdb/session.ts';
import type { WantedLayout } from '../../connectors/iceberg/layout.ts';
import type { Lake } from '../../connectors/iceberg/open-catalog.ts';
import type { IcebergSinkOptions } from '../../connectors/iceberg/sink.ts';
import { IcebergSink } from '../../connectors/iceberg/sink.ts';
import type { CommitReceipt, Merged, Sink, SinkChange, WritePlan } from '../../connectors/sink.ts';
import { LocalStorage, localUri } from '../../connectors/storage/local.ts';
import type { Storage } from '../../connectors/storage/storage.ts';
import { parsePartitionField } from '../../contracts/partition-by.ts';
import type { StreamSchema } from '../../contracts/schema.ts';
import { parseSortField } from '../../contracts/sort-by.ts';
import { openSession, temporaryFolder } from './duckdb.ts';

export interface Staged {
  readonly runId: string;
  readonly plan: WritePlan;
  readonly files: readonly WrittenFile[];
}

/** What an upsert is to commit. */
export interface StagedMerge {
  readonly runId: string;
  readonly merged: Merged;
  readonly change: SinkChange;
}

interface WriteOptions extends Partial<Omit<SinkChange, 'plan' | 'files'>> {
  readonly runId?: string;
  readonly namespace?: string;
  readonly evolve?: boolean;
  readonly withoutBounds?: readonly string[];
  readonly fileSizeBytes?: number;
  /** Default: the lake's own. */
  readonly sink?: Sink;
  /** As in a job: `day(created_at)`, `amount desc`. */
  readonly partitionBy?: readonly string[];
  readonly sortBy?: readonly string[];
}

/** A lake in a folder of its own, with a DuckDB to write its files; removed at the end of its scope. */
export class TestLake implements AsyncDisposable {
  readonly folder: string;
  readonly storage: Storage;
  /** URI of the lake's folder. */
  readonly warehouse: string;
  readonly session: DuckDbSession;
  readonly sink: Sink;
  readonly #stack: AsyncDisposableStack;

  private constructor(folder: string, place: Lake, session: DuckDbSession, sink: Sink, stack: AsyncDisposableStack) {
    this.folder = folder;
    this.storage = place.storage;
    this.warehouse = place.warehouse;
    this.session = session;
    this.sink = sink;
    this.#stack = stack;
  }

  /** In `place`, else in the folder itself. */
  static async create(
    makeSink: (options: IcebergSinkOptions) => Sink = (options) => new IcebergSink(options),
    place?: Lake,
  ): Promise<TestLake> {
    const stack = new AsyncDisposableStack();
    const { path: folder } = stack.use(await temporaryFolder());
    const lake = place ?? { storage: new LocalStorage(), warehouse: localUri(folder) };
    const session = stack.use(await openSession());
    const sink = makeSink(lake);
    stack.defer(() => sink.close());
    return new TestLake(folder, lake, session, sink, stack);
  }

  /** Plans a run on the table as it is and writes the query's rows; nothing is visible yet. */
  async stage(table: string, schema: StreamSchema, select: string, options: WriteOptions = {}): Promise<Staged> {
    const {
      runId = randomUUID(),
      namespace = 'shop',
      evolve = true,
      withoutBounds = [],
      fileSizeBytes = 1e8,
      sink = this.sink,
    } = options;
    const opened = await sink.open(namespace, table);
    const plan = opened.prepare(schema, { evolve, withoutBounds, ...layoutOf(options) });
    const folder = opened.dataFolder(runId, 'c00000', 1);
    const files = await writeParquet(this.session, select, plan.fileSchema, folder, {
      storage: this.storage,
      fileSizeBytes,
      layout: plan.layout,
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

  /** Stages the query's rows and merges them with the table's by their key; nothing is visible yet. */
  async stageMerge(
    table: string,
    schema: StreamSchema,
    select: string,
    rule: MergeRule,
    options: WriteOptions = {},
  ): Promise<StagedMerge> {
    const { plan, files, runId } = await this.stage(table, schema, select, options);
    const opened = await this.sink.open(plan.namespace, table);
    await using session = await openSession();
    const merged = await this.sink.merge?.(session, {
      ...{ plan, rule, files, replace: false, fileSizeBytes: 1e8 },
      folder: opened.dataFolder(runId, 'merge1', 1),
    });
    if (merged === undefined) throw new Error('the sink cannot merge');
    const base = { ...plan.base, snapshotId: merged.baseSnapshotId };
    const change = { plan: { ...plan, base }, mode: 'merge', files: merged.files, removed: merged.removed } as const;
    return { merged, change, runId };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function layoutOf({ partitionBy, sortBy }: WriteOptions): WantedLayout {
  return {
    partitionBy: partitionBy?.map((text) => {
      const field = parsePartitionField(text);
      if ('expected' in field) throw new Error(`${text} is no partition`);
      return field;
    }),
    sortBy: sortBy?.flatMap((text) => parseSortField(text) ?? []),
  };
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
