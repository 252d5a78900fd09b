import type { Column } from '../../contracts/schema.ts';
import { identifier } from './sql.ts';

/** How rows of a run find the rows that they replace. */
export interface MergeRule {
  /** Columns that identify a row; at least one. */
  readonly key: readonly string[];
  /** The column whose highest value says which of two rows with one key is the newer. */
  readonly latestBy?: string;
}

/** Names of the relations that a merge makes in its session. */
export const MERGE = { incoming: '__dativo_incoming', matched: '__dativo_matched' } as const;
const HIT = '__dativo_hit';

const list = (columns: readonly string[], prefix = '') =>
  columns.map((column) => `${prefix}${identifier(column)}`).join(', ');

/** SQL for the number of keys that more than one row of a relation has. */
export function countDuplicateKeys(from: string, { key }: MergeRule): string {
  return `SELECT count(*)::INTEGER AS n FROM (SELECT 1 FROM (${from}) GROUP BY ${list(key)} HAVING count(*) > 1)`;
}

/**
 * SQL for the newest row of each key, of rows that have `file_index` and `file_row_number`: of two that are equally new
 * the one that was read later.
 */
export function newestOfEachKey(from: string, { key, latestBy }: MergeRule): string {
  const order = [...(latestBy === undefined ? [] : [`${identifier(latestBy)} DESC NULLS LAST`])];
  order.push('file_index DESC', 'file_row_number DESC');
  return `SELECT * EXCLUDE (file_index, file_row_number) FROM (${from})
    QUALIFY row_number() OVER (PARTITION BY ${list(key)} ORDER BY ${order.join(', ')}) = 1`;
}

/** SQL for the stored rows, by key and file, that incoming rows replace. `stored` has the key and `file_index`. */
export function matchedRows(stored: string, { key, latestBy }: MergeRule): string {
  const order = latestBy === undefined ? 'NULL' : identifier(latestBy);
  return `SELECT ${list(key)}, file_index, ${order} AS stored_order FROM (${stored}) SEMI JOIN ${MERGE.incoming} USING (${list(key)})`;
}

/** SQL for the keys of incoming rows that are older than the stored row. */
export function supersededKeys({ key, latestBy }: MergeRule): string {
  if (latestBy === undefined) return `SELECT ${list(key)} FROM ${MERGE.incoming} WHERE false`;
  const order = identifier(latestBy);
  return `SELECT ${list(key, 'i.')} FROM ${MERGE.incoming} i
    JOIN (SELECT ${list(key)}, max(stored_order) AS stored_order FROM ${MERGE.matched} GROUP BY ${list(key)}) m USING (${list(key)})
    WHERE m.stored_order > i.${order} OR (i.${order} IS NULL AND m.stored_order IS NOT NULL)`;
}

/**
 * SQL for what the rewritten files hold: their rows, replaced in their place where an incoming row has the same key,
 * and the incoming rows that no stored row has the key of. So the files keep their order, and the ranges of their
 * columns stay narrow. `stored` is a query for the rows of those files, undefined for none.
 */
export function mergedRows(stored: string | undefined, columns: readonly Column[], { key }: MergeRule): string {
  const names = columns.map(({ name }) => name);
  if (stored === undefined) return `SELECT ${list(names)} FROM ${MERGE.incoming}`;
  const values = names.map((name) => {
    const column = identifier(name);
    return key.includes(name) ? `s.${column}` : `CASE WHEN i.${HIT} THEN i.${column} ELSE s.${column} END AS ${column}`;
  });
  const on = key.map((name) => `s.${identifier(name)} = i.${identifier(name)}`).join(' AND ');
  return `SELECT ${values.join(', ')} FROM (${stored}) s LEFT JOIN (SELECT *, true AS ${HIT} FROM ${MERGE.incoming}) i ON ${on}
    UNION ALL
    SELECT ${list(names)} FROM ${MERGE.incoming} ANTI JOIN ${MERGE.matched} USING (${list(key)})`;
}

/** The same for stored rows of which several have one key: all of them leave, and one comes. */
export function mergedOverDuplicates(stored: string, columns: readonly Column[], { key }: MergeRule): string {
  const names = list(columns.map(({ name }) => name));
  return `SELECT ${names} FROM (${stored}) ANTI JOIN ${MERGE.incoming} USING (${list(key)})
    UNION ALL SELECT ${names} FROM ${MERGE.incoming}`;
}
