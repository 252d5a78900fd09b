import { fail } from '../../contracts/errors.ts';
import { selectFiles } from '../duckdb/parquet-select.ts';
import type { TableName } from '../sink.ts';
import type { Storage } from '../storage/storage.ts';
import { loadTable } from './load.ts';
import type { DataFile } from './manifest.ts';
import { ENTRY_STATUS, MANIFEST_CONTENT, readManifest, readManifestList } from './manifest.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';
import { currentSchema, currentSnapshot } from './metadata.ts';
import type { IcebergField } from './schema.ts';
import { SqliteCatalog } from './sqlite-catalog.ts';

/** A snapshot for people: ids as text, the time in ISO 8601. */
export interface SnapshotLine {
  readonly id: string;
  readonly parent: string | undefined;
  readonly time: string;
  readonly operation: string;
  readonly current: boolean;
  readonly summary: Readonly<Record<string, string>>;
}

/** What can be asked of a lake without writing to it. */
export class IcebergReader {
  readonly #storage: Storage;
  readonly #catalog: SqliteCatalog | undefined;

  private constructor(storage: Storage, catalog: SqliteCatalog | undefined) {
    this.#storage = storage;
    this.#catalog = catalog;
  }

  /** `warehouse` is the URI of the lake's folder; one that holds no lake has no tables. */
  static async open(storage: Storage, warehouse: string): Promise<IcebergReader> {
    return new IcebergReader(storage, await SqliteCatalog.find({ storage, warehouse }));
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

  /** A query for a DuckDB session that gives the rows of the table's current snapshot. */
  async select(name: TableName): Promise<string> {
    const metadata = await this.#load(name);
    refuseNestedRenames(metadata, label(name));
    const files = await this.#liveFiles(metadata, label(name));
    return selectFiles(
      files.map((file) => this.#storage.toLocalPath(file.file_path)),
      currentSchema(metadata),
    );
  }

  /** Oldest first. */
  async snapshots(name: TableName): Promise<SnapshotLine[]> {
    const metadata = await this.#load(name);
    const current = currentSnapshot(metadata);
    return metadata.snapshots.map((snapshot) => snapshotLine(snapshot, snapshot === current));
  }

  async #load(name: TableName): Promise<TableMetadata> {
    const version = await loadTable(this.#catalog, this.#storage, name);
    if (version !== undefined) return version.metadata;
    const known = await this.tables(name.namespace);
    throw fail('TABLE_NOT_FOUND', {
      received: `table ${label(name)}`,
      expected: known.length === 0 ? 'a table that a run has written' : `one of ${known.slice(0, 10).join(', ')}`,
      next: 'check the name and the warehouse',
    });
  }

  async #liveFiles(metadata: TableMetadata, table: string): Promise<DataFile[]> {
    const snapshot = currentSnapshot(metadata);
    const manifests = snapshot === undefined ? [] : await readManifestList(this.#storage, snapshot['manifest-list']);
    const files: DataFile[] = [];
    for (const manifest of manifests) {
      const entries = await readManifest(this.#storage, manifest);
      const live = entries.filter((entry) => entry.status !== ENTRY_STATUS.deleted).map((entry) => entry.data_file);
      if (manifest.content === MANIFEST_CONTENT.deletes && live.length > 0) {
        throw notReadable(table, 'rows that another writer marked as deleted in files of their own');
      }
      if (live.some((file) => file.file_format.toUpperCase() !== 'PARQUET')) {
        throw notReadable(table, 'data files that are not Parquet');
      }
      files.push(...live);
    }
    // Files that were not written for Iceberg have no field ids; every column of theirs would read as null.
    if (files.length > 0 && metadata.properties['schema.name-mapping.default'] !== undefined) {
      throw notReadable(table, 'a name mapping for files without field ids');
    }
    return files;
  }
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

function notReadable(table: string, received: string) {
  return fail('NOT_AVAILABLE_YET', {
    received: `table ${table} with ${received}`,
    expected: 'a table whose data files hold exactly its rows',
    next: 'let the engine that wrote them rewrite the table (compaction), or read it with that engine',
  });
}

/**
 * Fields inside of structs are read by name, so one that ever had another name, or a name that was given to another
 * field, would read wrong.
 */
function refuseNestedRenames(metadata: TableMetadata, table: string): void {
  const idOfName = new Map<string, number>();
  const nameOfId = new Map<number, string>();
  for (const { id, name } of metadata.schemas.flatMap((schema) => nestedFields(schema.fields, ''))) {
    if ((idOfName.get(name) ?? id) !== id || (nameOfId.get(id) ?? name) !== name) {
      throw notReadable(table, `a field ${name} inside of a struct that was renamed`);
    }
    idOfName.set(name, id);
    nameOfId.set(id, name);
  }
}

/** Fields below the top level, each named by the id of its column and its path in it. */
function nestedFields(fields: readonly IcebergField[], prefix: string): { id: number; name: string }[] {
  return fields.flatMap((field) => {
    const own = prefix === '' ? String(field.id) : `${prefix}.${field.name}`;
    const inner = structsIn(field.type).flatMap((nested) => nestedFields(nested.fields, `${own}${nested.path}`));
    return prefix === '' ? inner : [{ id: field.id, name: own }, ...inner];
  });
}

/** The structs that a type consists of, also inside of lists and maps. */
function structsIn(type: IcebergField['type'], path = ''): { path: string; fields: readonly IcebergField[] }[] {
  if (typeof type === 'string') return [];
  switch (type.type) {
    case 'struct':
      return [{ path, fields: type.fields }];
    case 'list':
      return structsIn(type.element, `${path}.element`);
    case 'map':
      return [...structsIn(type.key, `${path}.key`), ...structsIn(type.value, `${path}.value`)];
  }
}
