import { fail } from '../../contracts/errors.ts';
import type { StreamSchema } from '../../contracts/schema.ts';
import type { Checkpoint } from '../connector.ts';
import { requireWritable } from '../duckdb/writable.ts';
import { evolve } from '../iceberg/evolve.ts';
import { assignIds, FieldIds, lastFieldId, toStreamSchema } from '../iceberg/schema.ts';
import type {
  CommitReceipt,
  PrepareOptions,
  Sink,
  SinkChange,
  SinkTable,
  SweepResult,
  TableName,
  WritePlan,
} from '../sink.ts';
import { requireFolderName } from '../sink-folder.ts';
import type { Storage } from '../storage/storage.ts';
import { inFolder } from '../storage/storage.ts';
import type { TableOwner } from '../table-owner.ts';
import { ownerProperties, requireOwned } from '../table-owner.ts';
import type { FolderCommit } from './commit.ts';
import { commitToFolder, committedRun } from './commit.ts';
import type { FolderManifest, FolderTable } from './manifest.ts';
import { readNewest } from './manifest.ts';
import { sweepFolder } from './sweep.ts';

export interface ParquetSinkOptions {
  readonly storage: Storage;
  /** URI of the folder that holds the namespaces' folders. */
  readonly warehouse: string;
  /** The job that fills tables; without it, nobody is asked whose they are. */
  readonly owner?: TableOwner;
  readonly now?: () => number;
  /** Awaited before and after the manifest appears; tests stop the process there. */
  readonly reached?: (point: 'metadata-written' | 'after-catalog') => Promise<void> | void;
}

/** Parquet files in plain folders, `<warehouse>/<namespace>/<table>/data/<run>/…`, with manifests beside the tables. */
export class ParquetSink implements Sink {
  readonly #options: ParquetSinkOptions;

  constructor(options: ParquetSinkOptions) {
    this.#options = options;
  }

  async open(namespace: string, table: string): Promise<SinkTable> {
    const { storage, owner } = this.#options;
    const folder = this.#folderOf(namespace);
    const manifest = await readNewest(storage, folder);
    if (manifest?.tables[table] === undefined)
      await requireUnused(storage, inFolder(folder, table), `${namespace}.${table}`);
    requireOwned(manifest?.tables[table]?.owner, owner, { namespace, table });
    return new ParquetSinkTable({ namespace, table }, folder, manifest, owner);
  }

  async commit(runId: string, changes: readonly SinkChange[]): Promise<CommitReceipt[]> {
    const [first, ...others] = new Set(changes.map(({ plan }) => plan.namespace));
    if (first === undefined) return [];
    if (others.length > 0) {
      throw fail('UNEXPECTED', {
        received: 'one commit to several namespaces of a plain folder',
        expected: 'changes of one namespace',
        next: 'report it together with the job file',
      });
    }
    const { storage, now = Date.now, reached } = this.#options;
    const deps: FolderCommit = {
      storage,
      folder: this.#folderOf(first),
      now,
      reached: async (point) => reached?.(point),
    };
    return commitToFolder(deps, runId, changes);
  }

  async sweep(runId: string, tables: readonly TableName[]): Promise<SweepResult> {
    const { storage, now = Date.now } = this.#options;
    const byNamespace = Map.groupBy(tables, ({ namespace }) => namespace);
    const results = [];
    for (const [namespace, names] of byNamespace) {
      const folder = this.#folderOf(namespace);
      results.push(
        await sweepFolder(
          { storage, folder, now },
          runId,
          names.map(({ table }) => table),
        ),
      );
    }
    return {
      files: results.reduce((sum, result) => sum + result.files, 0),
      bytes: results.reduce((sum, result) => sum + result.bytes, 0),
    };
  }

  close(): void {
    // Nothing is held open.
  }

  #folderOf(namespace: string): string {
    return inFolder(this.#options.warehouse, namespace);
  }
}

class ParquetSinkTable implements SinkTable {
  readonly namespace: string;
  readonly table: string;
  readonly #folder: string;
  readonly #manifest: FolderManifest | undefined;
  readonly #current: FolderTable | undefined;
  readonly #owner: TableOwner | undefined;

  constructor(
    { namespace, table }: TableName,
    folder: string,
    manifest: FolderManifest | undefined,
    owner: TableOwner | undefined,
  ) {
    this.namespace = namespace;
    this.table = table;
    this.#folder = folder;
    this.#manifest = manifest;
    this.#current = manifest?.tables[table];
    this.#owner = owner;
  }

  get exists(): boolean {
    return this.#current !== undefined;
  }

  get schema(): StreamSchema | undefined {
    return this.#current === undefined ? undefined : toStreamSchema(this.#current.schema);
  }

  get checkpoint(): Checkpoint | undefined {
    return this.#current?.checkpoint;
  }

  committedRun(runId: string): CommitReceipt | undefined {
    return committedRun(this.#manifest, this, runId);
  }

  prepare(wanted: StreamSchema, { evolve: allowed }: PrepareOptions): WritePlan {
    const { namespace, table } = this;
    const current = this.#current;
    if (current === undefined) {
      const schema = assignIds(wanted, new FieldIds(0));
      requireWritable(schema, `${namespace}.${table}`);
      const base = { tableId: null, schemaId: null, snapshotId: null, checkpointRunId: null };
      return {
        namespace,
        table,
        fileSchema: schema,
        tableSchema: schema,
        changes: [],
        base,
        properties: ownerProperties(this.#owner),
      };
    }
    const evolution = evolve(
      current.schema,
      wanted,
      new FieldIds(lastFieldId(current.schema)),
      current.schema['schema-id'] + 1,
      { allowed, name: `${namespace}.${table}` },
    );
    requireWritable(evolution.fileSchema, `${namespace}.${table}`);
    const base = {
      tableId: current.id,
      schemaId: current.schema['schema-id'],
      snapshotId: String(current.sequence),
      checkpointRunId: current.checkpointRun ?? null,
    };
    return { namespace, table, ...evolution, base, properties: ownerProperties(this.#owner) };
  }

  dataFolder(runId: string, chunk: string, attempt: number): string {
    const attemptFolder = requireFolderName(`${chunk}-${attempt}`);
    return inFolder(this.#folder, this.table, 'data', requireFolderName(runId), attemptFolder);
  }
}

/** A new table's folder may hold what dead runs left, but nothing of anybody else. */
async function requireUnused(storage: Storage, folder: string, name: string): Promise<void> {
  const files = await storage.list(folder);
  if (files.every(({ uri }) => uri.startsWith(inFolder(folder, 'data/')))) return;
  throw fail('TABLE_NOT_OURS', {
    received: `for table ${name}, a folder ${storage.nameOf(folder)} with files that Dativo did not write`,
    expected: 'no such folder, or one that holds data of earlier runs',
    next: 'choose another asset, namespace or folder',
  });
}
