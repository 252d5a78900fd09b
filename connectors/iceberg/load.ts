import type { TableName } from '../sink.ts';
import type { Storage } from '../storage/storage.ts';
import type { TableVersion } from './metadata.ts';
import { notOurs, readMetadata } from './metadata.ts';
import type { SqliteCatalog } from './sqlite-catalog.ts';

/** The current version of a table, or undefined if the catalog has none. Fails with TABLE_NOT_OURS or TABLE_NEWER. */
export async function loadTable(
  catalog: SqliteCatalog | undefined,
  storage: Storage,
  name: TableName,
): Promise<TableVersion | undefined> {
  const pointer = await catalog?.pointer(name);
  if (pointer === undefined) return undefined;
  const label = `${name.namespace}.${name.table}`;
  // Catalogs of the older layout have no kind; everything in them is a table.
  if (pointer.kind !== null && pointer.kind !== 'TABLE') throw notOurs(label, 'a view of that name');
  if (pointer.metadataLocation === null) throw notOurs(label, 'a catalog entry without a metadata file');
  return readMetadata(storage, pointer.metadataLocation, label);
}
