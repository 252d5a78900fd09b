import type { StreamSchema } from '../../contracts/schema.ts';
import { tableChanged } from '../commit-rules.ts';
import type { Checkpoint } from '../connector.ts';
import type { DuckDbSession } from '../duckdb/session.ts';
import { requireWritable } from '../duckdb/writable.ts';
import type {
  CommitReceipt,
  Merged,
  MergeRequest,
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
import { ownerIn, ownerProperties, requireOwned } from '../table-owner.ts';
import type { Catalog, CatalogProvider } from './catalog.ts';
import { loadOrAnnounce } from './catalog.ts';
import { checkpointRunId, readCheckpoint } from './checkpoint.ts';
import type { CommitPoint } from './commit.ts';
import { commitRun } from './commit.ts';
import { dataFolder } from './commit-files.ts';
import { withoutBoundsProperties } from './data-file.ts';
import { evolve } from './evolve.ts';
import { planLayout } from './layout.ts';
import { mergeStaged } from './merge.ts';
import type { TableVersion } from './metadata.ts';
import { currentSchema, currentSnapshot, notOurs, snapshotOfId } from './metadata.ts';
import { embeddedCatalog } from './open-catalog.ts';
import { committedRun } from './run-record.ts';
import { assignIds, FieldIds, toStreamSchema } from './schema.ts';
import { sweepRun } from './sweep.ts';

export interface IcebergSinkOptions {
  readonly storage: Storage;
  /** URI of the lake's folder. */
  readonly warehouse: string;
  /** Default: the embedded catalog in that folder. */
  readonly catalog?: CatalogProvider;
  /** The job that fills tables; without it, nobody is asked whose they are. */
  readonly owner?: TableOwner;
  readonly now?: () => number;
  /** Awaited at each point of a commit; tests stop the process there. */
  readonly reached?: (point: CommitPoint) => Promise<void> | void;
}

/** Iceberg tables in one lake. The lake comes into being with the first commit. */
export class IcebergSink implements Sink {
  readonly #options: IcebergSinkOptions;
  readonly #provider: CatalogProvider;
  #catalog: Catalog | undefined;

  constructor(options: IcebergSinkOptions) {
    this.#options = options;
    this.#provider = options.catalog ?? embeddedCatalog(options);
  }

  async open(namespace: string, table: string): Promise<SinkTable> {
    const { storage } = this.#options;
    const name = { namespace, table };
    const catalog = await this.#findCatalog();
    const version = catalog && (await loadOrAnnounce(catalog, name, this.#locationOf(name)));
    const location = version?.metadata.location ?? this.#locationOf(name);
    if (version === undefined) await requireUnused(storage, location, name);
    const { owner } = this.#options;
    if (version !== undefined) requireOwned(ownerIn(version.metadata.properties), owner, name);
    const checkpoint = version === undefined ? undefined : await readCheckpoint(storage, version.metadata, owner?.job);
    return new IcebergSinkTable(name, version, location, checkpoint, owner);
  }

  async commit(runId: string, changes: readonly SinkChange[]): Promise<CommitReceipt[]> {
    const { storage, now = Date.now, reached } = this.#options;
    const catalog = await this.#openCatalog();
    const locationOf = ({ plan }: SinkChange) => this.#locationOf(plan);
    return commitRun({ storage, catalog, locationOf, now, reached: async (point) => reached?.(point) }, runId, changes);
  }

  async merge(session: DuckDbSession, request: MergeRequest): Promise<Merged> {
    const catalog = await this.#findCatalog();
    const version = await catalog?.load(request.plan);
    try {
      return await mergeStaged(this.#options.storage, session, version, request);
    } catch (error) {
      if (version !== undefined) requireUnexpired(version, await catalog?.load(request.plan), request.plan);
      throw error;
    }
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

  async #findCatalog(): Promise<Catalog | undefined> {
    return this.#keep(this.#catalog ?? (await this.#provider.find()));
  }

  async #openCatalog(): Promise<Catalog> {
    const catalog = this.#catalog ?? (await this.#provider.open());
    return this.#keep(catalog) ?? catalog;
  }

  /** Of two calls that opened the catalog at once, one connection is enough. */
  #keep(opened: Catalog | undefined): Catalog | undefined {
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
  readonly #owner: TableOwner | undefined;

  constructor(
    name: TableName,
    version: TableVersion | undefined,
    location: string,
    checkpoint: Checkpoint | undefined,
    owner: TableOwner | undefined,
  ) {
    this.namespace = name.namespace;
    this.table = name.table;
    this.checkpoint = checkpoint;
    this.#version = version;
    this.#location = location;
    this.#owner = owner;
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

  prepare(wanted: StreamSchema, { evolve: allowed, withoutBounds = [], ...layout }: PrepareOptions): WritePlan {
    const { namespace, table } = this;
    const owned = ownerProperties(this.#owner);
    const checkpointOf = this.#owner?.job;
    const own = checkpointOf === undefined ? {} : { checkpointOf };
    const name = `${namespace}.${table}`;
    if (this.#version === undefined) {
      const schema = assignIds(wanted, new FieldIds(0));
      requireWritable(schema, name);
      const base = { tableId: null, schemaId: null, specId: null, snapshotId: null, checkpointRunId: null };
      return {
        namespace,
        table,
        fileSchema: schema,
        tableSchema: schema,
        ...planLayout(undefined, schema, layout, { allowed, name }),
        base,
        properties: {
          'write.parquet.compression-codec': 'zstd',
          ...withoutBoundsProperties(schema, withoutBounds),
          ...owned,
        },
        ...own,
      };
    }
    const { metadata } = this.#version;
    const nextSchemaId = Math.max(...metadata.schemas.map((schema) => schema['schema-id'])) + 1;
    const evolution = evolve(currentSchema(metadata), wanted, new FieldIds(metadata['last-column-id']), nextSchemaId, {
      allowed,
      name,
    });
    requireWritable(evolution.fileSchema, name);
    const planned = planLayout(metadata, evolution.fileSchema, layout, { allowed, name });
    const snapshot = currentSnapshot(metadata);
    const base = {
      tableId: metadata['table-uuid'],
      schemaId: metadata['current-schema-id'],
      specId: metadata['default-spec-id'],
      snapshotId: snapshot === undefined ? null : String(snapshot['snapshot-id']),
      checkpointRunId: checkpointRunId(metadata, checkpointOf) ?? null,
    };
    const properties = { ...withoutBoundsProperties(evolution.tableSchema, withoutBounds), ...owned };
    const changes = [...evolution.changes, ...planned.changes];
    return { namespace, table, ...evolution, layout: planned.layout, changes, base, properties, ...own };
  }

  dataFolder(runId: string, chunk: string, attempt: number): string {
    return inFolder(dataFolder(this.#location), requireFolderName(runId), requireFolderName(`${chunk}-${attempt}`));
  }
}

/** Whoever reads a snapshot that expires meanwhile finds files gone; it is that, and not their being gone, to be said. */
function requireUnexpired(read: TableVersion, now: TableVersion | undefined, name: TableName): void {
  const id = currentSnapshot(read.metadata)?.['snapshot-id'];
  if (id === undefined || snapshotOfId(now?.metadata ?? read.metadata, id) !== undefined) return;
  throw tableChanged(name, 'the snapshot that was being read expired');
}

/** A new table's folder may hold what dead runs left, but nothing of anybody else. */
async function requireUnused(storage: Storage, location: string, { namespace, table }: TableName): Promise<void> {
  const own = [inFolder(location, 'data/'), inFolder(location, 'metadata/')];
  const files = await storage.list(location);
  if (files.every(({ uri }) => own.some((folder) => uri.startsWith(folder)))) return;
  throw notOurs(`${namespace}.${table}`, `a folder ${storage.nameOf(location)} with files that are not a table's`);
}
