import type { LakeAddress, TableEntry } from '../../contracts/lake-view.ts';
import { findTable, listTables } from './find-table.ts';
import { withReader } from './open-lake.ts';

/** The tables of those names, each once. Throws TABLE_NOT_FOUND, QUERY_INVALID when several have one of the names. */
export async function namedTables(lake: LakeAddress, names: readonly string[]): Promise<TableEntry[]> {
  return withReader(lake, async (reader) => {
    const tables = new Map<string, TableEntry>();
    for (const name of names) {
      const found = await findTable(reader, lake, name.split('.'));
      tables.set(`${found.namespace}.${found.table}`, found);
    }
    return [...tables.values()];
  });
}

/** Every table of the lake, or of the namespace that is looked into; Dativo's own records come last. */
export async function allTables(lake: LakeAddress): Promise<TableEntry[]> {
  const { namespace } = lake;
  return withReader(lake, async (reader) =>
    namespace === undefined
      ? listTables(reader)
      : (await reader.tables(namespace)).toSorted().map((table) => ({ namespace, table })),
  );
}
