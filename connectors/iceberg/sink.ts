import type { StreamSchema } from '../../contracts/schema.ts';
import type { Checkpoint } from '../connector.ts';
import { requireWritable } from '../duckdb/writable.ts';
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
import { checkpointRunId, readCheckpoint } from './checkpoint.ts';
import type { CommitPoint } from './commit.ts';
import { commitRun } from './commit.ts';
import { dataFolder } from './commit-files.ts';
import { withoutBoundsProperties } from './data-file.ts';
import { evolve } from './evolve.ts';
import { loadTable } from './load.ts';
import type { TableVersion } from './metadata.ts';
import { currentSchema, currentSnapshot, currentSpec, notOurs } from './metadata.ts';
import { committedRun } from './run-record.ts';
import { assignIds, FieldIds, toStreamSchema } from './schema.ts';
import { SqliteCatalog } from './sqlite-catalog.ts';
import { sweepRun } from './sweep.ts';

export interface IcebergSinkOptions {
  readonly storage: Storage;
  /** URI of the lake's folder. */
  readonly warehouse: string;
  readonly now?: () => number;
  /** Awaited at each point of a commit; tests stop the process there. */
  readonly reached?: (point: CommitPoint) => Promise<void> | void;
}

/** Iceberg tables in one lake with the embedded catalog. The lake comes into being with the first commit. */
export class IcebergSink implements Sink {
  readonly #options: IcebergSinkOptions;
  #catalog: SqliteCatalog | undefined;

  constructor(options: IcebergSinkOptions) {
    this.#options = options;
  }

  async open(namespace: string, table: string): Promise<SinkTable> {
    const { storage } = this.#options;
    const name = { namespace, table };
    const version = await loadTable(await this.#findCatalog(), storage, name);
    const location = version?.metadata.location ?? this.#locationOf(name);
    if (version === undefined) await requireUnused(storage, location, name);
    else requireUnpartitioned(version, name);
    const checkpoint = version === undefined ? undefined : await readCheckpoint(storage, version.metadata);
    return new IcebergSinkTable(name, version, location, checkpoint);
  }

  async commit(runId: string, changes: readonly SinkChange[]): Promise<CommitReceipt[]> {
    const { storage, now = Date.now, reached } = this.#options;
    const catalog = await this.#openCatalog();
    const locationOf = ({ plan }: SinkChange) => this.#locationOf(plan);
    return commitRun({ storage, catalog, locationOf, now, reached: async (point) => reached?.(point) }, runId, changes);
  }

  async sweep(runId: string, tables: readonly TableName[]): Promise<SweepResult> {
    const catalog = await this.#findCatalog();
    const locationOf = (name: TableName) => this.#locationOf(name);
    return sweepRun({ storage: this.#options.storage, catalog, locationOf }, runId, tables);
  }

  close(): void {
    this.#catalog?.close();
    this.#catalog = undefined;
  }

  #locationOf({ namespace, table }: TableName): string {
    return inFolder(this.#options.warehouse, namespace, table);
  }

  async #findCatalog(): Promise<SqliteCatalog | undefined> {
    return this.#keep(this.#catalog ?? (await SqliteCatalog.find(this.#options)));
  }

  async #openCatalog(): Promise<SqliteCatalog> {
    const catalog = this.#catalog ?? (await SqliteCatalog.open(this.#options));
    return this.#keep(catalog) ?? catalog;
  }

  /** Of two calls that opened the catalog at once, one connection is enough. */
  #keep(opened: SqliteCatalog | undefined): SqliteCatalog | undefined {
    if (this.#catalog !== undefined && opened !== this.#catalog) opened?.close();
    this.#catalog ??= opened;
    return this.#catalog;
  }
}

class IcebergSinkTable implements SinkTable {
  readonly namespace: string;
  readonly table: string;
  readonly checkpoint: Checkpoint | undefined;
  readonly #version: TableVersion | undefined;
  readonly #location: string;

  constructor(
    name: TableName,
    version: TableVersion | undefined,
    location: string,
    checkpoint: Checkpoint | undefined,
  ) {
    this.namespace = name.namespace;
    this.table = name.table;
    this.checkpoint = checkpoint;
    this.#version = version;
    this.#location = location;
  }

  get exists(): boolean {
    return this.#version !== undefined;
  }

  get schema(): StreamSchema | undefined {
    return this.#version === undefined ? undefined : toStreamSchema(currentSchema(this.#version.metadata));
  }

  committedRun(runId: string): CommitReceipt | undefined {
    return this.#version === undefined ? undefined : committedRun(this.#version.metadata, runId, this);
  }

  prepare(wanted: StreamSchema, { evolve: allowed, withoutBounds = [] }: PrepareOptions): WritePlan {
    const { namespace, table } = this;
    if (this.#version === undefined) {
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
        properties: { 'write.parquet.compression-codec': 'zstd', ...withoutBoundsProperties(schema, withoutBounds) },
      };
    }
    const { metadata } = this.#version;
    const nextSchemaId = Math.max(...metadata.schemas.map((schema) => schema['schema-id'])) + 1;
    const evolution = evolve(currentSchema(metadata), wanted, new FieldIds(metadata['last-column-id']), nextSchemaId, {
      allowed,
      name: `${namespace}.${table}`,
    });
    requireWritable(evolution.fileSchema, `${namespace}.${table}`);
    const snapshot = currentSnapshot(metadata);
    const base = {
      tableId: metadata['table-uuid'],
      schemaId: metadata['current-schema-id'],
      snapshotId: snapshot === undefined ? null : String(snapshot['snapshot-id']),
      checkpointRunId: checkpointRunId(metadata) ?? null,
    };
    const properties = withoutBoundsProperties(evolution.tableSchema, withoutBounds);
    return { namespace, table, ...evolution, base, properties };
  }

  dataFolder(runId: string, chunk: string, attempt: number): string {
    return inFolder(dataFolder(this.#location), requireFolderName(runId), requireFolderName(`${chunk}-${attempt}`));
  }
}

function requireUnpartitioned({ metadata }: TableVersion, { namespace, table }: TableName): void {
  if (currentSpec(metadata).fields.length > 0) throw notOurs(`${namespace}.${table}`, 'a table with partitions');
}

/** A new table's folder may hold what dead runs left, but nothing of anybody else. */
async function requireUnused(storage: Storage, location: string, { namespace, table }: TableName): Promise<void> {
  const own = [inFolder(location, 'data/'), inFolder(location, 'metadata/')];
  const files = await storage.list(location);
  if (files.every(({ uri }) => own.some((folder) => uri.startsWith(folder)))) return;
  throw notOurs(`${namespace}.${table}`, `a folder ${storage.toLocalPath(location)} with files that are not a table's`);
}
