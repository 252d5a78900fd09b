import { fail } from '../../contracts/errors.ts';
import type { Column } from '../../contracts/schema.ts';
import { selectFiles } from '../duckdb/parquet-select.ts';
import type { DuckDbSession } from '../duckdb/session.ts';
import type { TableName } from '../sink.ts';
import type { Storage, Transfer } from '../storage/storage.ts';
import type { Catalog, CatalogProvider } from './catalog.ts';
import type { ValueRange } from './files-within.ts';
import { filesWithin } from './files-within.ts';
import { liveFiles } from './live-files.ts';
import type { DataFile } from './manifest.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';
import { currentSchema, currentSnapshot, ofId } from './metadata.ts';
import { embeddedCatalog } from './open-catalog.ts';
import type { IcebergSchema } from './schema.ts';
import { toStreamSchema } from './schema.ts';
import { MAIN, snapshotAt } from './snapshot-names.ts';

/** A snapshot for people: ids as text, the time in ISO 8601. */
export interface SnapshotLine {
  readonly id: string;
  readonly parent: string | undefined;
  readonly time: string;
  readonly operation: string;
  readonly current: boolean;
  readonly summary: Readonly<Record<string, string>>;
}

export interface ReferenceLine {
  readonly name: string;
  /** tag or branch. */
  readonly kind: string;
  readonly snapshotId: string;
}

export interface SnapshotDifference {
  readonly from: string;
  readonly to: string;
  readonly filesRemoved: number;
  readonly filesAdded: number;
  readonly columnsBefore: readonly Column[];
  readonly columnsAfter: readonly Column[];
  /** Queries for the rows of the files that only one of them has, in the columns of the later one. */
  readonly before: string;
  readonly after: string;
}

/** What can be asked of a lake without writing to it. */
export class IcebergReader {
  readonly #storage: Storage;
  readonly #catalog: Catalog | undefined;

  private constructor(storage: Storage, catalog: Catalog | undefined) {
    this.#storage = storage;
    this.#catalog = catalog;
  }

  /** `warehouse` is the URI of the lake's folder; one that holds no lake has no tables. */
  static async open(
    storage: Storage,
    warehouse: string,
    catalog: CatalogProvider = embeddedCatalog({ storage, warehouse }),
  ): Promise<IcebergReader> {
    return new IcebergReader(storage, await catalog.find());
  }

  close(): void {
    this.#catalog?.close();
  }

  async namespaces(): Promise<string[]> {
    return (await this.#catalog?.namespaces()) ?? [];
  }

  async tables(namespace: string): Promise<string[]> {
    return (await this.#catalog?.tables(namespace)) ?? [];
  }

  /**
   * A query for a DuckDB session that gives the rows of the table's current snapshot, or of the one that `asOf` names
   * (see `snapshotAt`) in the columns that it was written with. It reads the data files where they are if that is a
   * local disk, else copies in the scratch folder.
   */
  async select(name: TableName, transfer: Transfer, asOf?: string): Promise<string> {
    const { metadata, snapshot, files } = await this.#liveFiles(name, asOf);
    const schema = asOf === undefined ? currentSchema(metadata) : schemaOf(metadata, snapshot);
    return this.#selectFrom(files, schema, transfer);
  }

  /** The same for a question about a range of one column: files that hold no row of it are left out. */
  async selectWithin(name: TableName, range: ValueRange, session: DuckDbSession): Promise<string> {
    const { metadata, files } = await this.#liveFiles(name);
    const schema = currentSchema(metadata);
    return this.#selectFrom(await filesWithin(session, files, schema, range), schema, session);
  }

  /** A query that has the table's columns and no row, for questions about the table itself; opens no data file. */
  async selectNothing(name: TableName): Promise<string> {
    return selectFiles([], currentSchema(await this.#load(name)));
  }

  /** What another snapshot holds beyond one, and what it lacks, from the data files in which they differ. */
  async difference(name: TableName, from: string, to: string, transfer: Transfer): Promise<SnapshotDifference> {
    const older = await this.#liveFiles(name, from);
    const newer = await this.#liveFiles(name, to);
    const schema = schemaOf(newer.metadata, newer.snapshot);
    const only = (files: readonly DataFile[], others: readonly DataFile[]) => {
      const known = new Set(others.map((file) => file.file_path));
      return files.filter((file) => !known.has(file.file_path));
    };
    const [removed, added] = [only(older.files, newer.files), only(newer.files, older.files)];
    return {
      from: String(older.snapshot?.['snapshot-id']),
      to: String(newer.snapshot?.['snapshot-id']),
      filesRemoved: removed.length,
      filesAdded: added.length,
      columnsBefore: toStreamSchema(schemaOf(older.metadata, older.snapshot)).columns,
      columnsAfter: toStreamSchema(schema).columns,
      before: await this.#selectFrom(removed, schema, transfer),
      after: await this.#selectFrom(added, schema, transfer),
    };
  }

  /** Tags and branches, main first. */
  async references(name: TableName): Promise<ReferenceLine[]> {
    const { refs } = await this.#load(name);
    const lines = Object.entries(refs).map(([reference, { type, 'snapshot-id': id }]) => ({
      name: reference,
      kind: type,
      snapshotId: String(id),
    }));
    return lines.toSorted((a, b) => Number(b.name === MAIN) - Number(a.name === MAIN) || (a.name < b.name ? -1 : 1));
  }

  /** Oldest first. */
  async snapshots(name: TableName): Promise<SnapshotLine[]> {
    const metadata = await this.#load(name);
    const current = currentSnapshot(metadata);
    return metadata.snapshots.map((snapshot) => snapshotLine(snapshot, snapshot === current));
  }

  async #liveFiles(name: TableName, asOf?: string) {
    const metadata = await this.#load(name);
    const snapshot = asOf === undefined ? currentSnapshot(metadata) : snapshotAt(metadata, asOf, label(name));
    return { metadata, snapshot, files: await liveFiles(this.#storage, metadata, snapshot, label(name)) };
  }

  async #selectFrom(files: readonly DataFile[], schema: IcebergSchema, transfer: Transfer): Promise<string> {
    const uris = files.map((file) => file.file_path);
    return selectFiles(await this.#storage.localise(uris, transfer), schema);
  }

  async #load(name: TableName): Promise<TableMetadata> {
    const version = await this.#catalog?.load(name);
    if (version !== undefined) return version.metadata;
    const known = await this.tables(name.namespace);
    throw fail('TABLE_NOT_FOUND', {
      received: `table ${label(name)}`,
      expected: known.length === 0 ? 'a table that a run has written' : `one of ${known.slice(0, 10).join(', ')}`,
      next: 'check the name and the warehouse',
    });
  }
}

/** The columns that a snapshot was written with; writers before version 2 did not say. */
function schemaOf(metadata: TableMetadata, snapshot: Snapshot | undefined): IcebergSchema {
  const id = snapshot?.['schema-id'];
  return id === undefined || id === null ? currentSchema(metadata) : ofId(metadata.schemas, 'schema-id', id, metadata);
}

function snapshotLine(snapshot: Snapshot, current: boolean): SnapshotLine {
  const parent = snapshot['parent-snapshot-id'];
  const { operation = 'unknown', ...summary } = snapshot.summary;
  return {
    id: String(snapshot['snapshot-id']),
    parent: parent === undefined || parent === null ? undefined : String(parent),
    time: new Date(snapshot['timestamp-ms']).toISOString(),
    operation,
    current,
    summary,
  };
}

function label({ namespace, table }: TableName): string {
  return `${namespace}.${table}`;
}
