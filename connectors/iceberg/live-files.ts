import { fail } from '../../contracts/errors.ts';
import type { Storage } from '../storage/storage.ts';
import type { DataFile } from './manifest.ts';
import { MANIFEST_CONTENT, readManifestList } from './manifest.ts';
import { readManifests } from './manifest-reader.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';
import { renamedNestedField } from './nested-renames.ts';

/**
 * The data files whose rows are the table's rows in a snapshot. Fails with NOT_AVAILABLE_YET for a table of other
 * writers whose files do not hold exactly its rows. `table` is `namespace.table`.
 */
export async function liveFiles(
  storage: Storage,
  metadata: TableMetadata,
  snapshot: Snapshot | undefined,
  table: string,
): Promise<DataFile[]> {
  const manifests = snapshot === undefined ? [] : await readManifestList(storage, snapshot['manifest-list']);
  const files: DataFile[] = [];
  for await (const { manifest, live } of readManifests(storage, manifests)) {
    if (manifest.content === MANIFEST_CONTENT.deletes && live.length > 0) {
      throw notReadable(table, 'rows that another writer marked as deleted in files of their own');
    }
    for (const { data_file: file } of live) files.push(file);
  }
  const hindrance = files.map(unreadableFile).find((found) => found !== undefined) ?? unreadableTable(metadata);
  if (files.length > 0 && hindrance !== undefined) throw notReadable(table, hindrance);
  return files;
}

/** Why the columns of a data file cannot be found by their ids; undefined where they can. */
export function unreadableFile({ file_format: format, key_metadata: key }: DataFile): string | undefined {
  if (format.toUpperCase() !== 'PARQUET') return 'data files that are not Parquet';
  return key === null || key === undefined ? undefined : 'data files that are encrypted';
}

/** The same for what a table as a whole says of its files. */
export function unreadableTable(metadata: TableMetadata): string | undefined {
  // Files that were not written for Iceberg have no field ids; every column of theirs would read as null.
  if (metadata.properties['schema.name-mapping.default'] !== undefined) {
    return 'a name mapping for files without field ids';
  }
  const renamed = renamedNestedField(metadata);
  return renamed === undefined ? undefined : `a field ${renamed} inside of a struct that was renamed`;
}

/** The refusal to read a table whose files alone do not tell its rows. */
function notReadable(table: string, received: string) {
  return fail('NOT_AVAILABLE_YET', {
    received: `table ${table} with ${received}`,
    expected: 'a table whose data files hold exactly its rows',
    next: 'let the engine that wrote them rewrite the table (compaction), or read it with that engine',
  });
}
