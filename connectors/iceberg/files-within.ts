import type { DuckDbSession } from '../duckdb/session.ts';
import type { DataFile } from './manifest.ts';
import { boundsOf } from './merge-candidates.ts';
import type { IcebergSchema } from './schema.ts';

/** A range of one column's values, its ends as SQL of the column's type. */
export interface ValueRange {
  readonly column: string;
  /** Inclusive. */
  readonly from?: string;
  /** Exclusive. */
  readonly to?: string;
}

/** The files that may hold a row in a range; one without bounds may hold any. */
export async function filesWithin(
  session: DuckDbSession,
  files: readonly DataFile[],
  schema: IcebergSchema,
  { column, from, to }: ValueRange,
): Promise<DataFile[]> {
  const field = schema.fields.find(({ name }) => name === column);
  if (field === undefined || typeof field.type !== 'string') return [...files];
  const { id, type } = field;
  const bounded = files.map((file) => boundsOf(file, id, type));
  const rows = bounded.flatMap((bounds, index) => (bounds ? [`(${index}, ${bounds.lower}, ${bounds.upper})`] : []));
  if (rows.length === 0) return [...files];
  const overlaps = ['true', ...(from ? [`upper >= ${from}`] : []), ...(to ? [`lower < ${to}`] : [])].join(' AND ');
  const hits = await session.rows(`SELECT i FROM (VALUES ${rows.join(', ')}) f(i, lower, upper) WHERE ${overlaps}`);
  const within = new Set(hits.map(({ i }) => Number(i)));
  return files.filter((_, index) => bounded[index] === undefined || within.has(index));
}
