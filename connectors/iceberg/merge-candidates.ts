import type { PrimitiveType } from '../../contracts/schema.ts';
import { MERGE } from '../duckdb/merge-sql.ts';
import type { DuckDbSession } from '../duckdb/session.ts';
import { identifier } from '../duckdb/sql.ts';
import { boundSql } from './bound-values.ts';
import type { DataFile } from './manifest.ts';
import type { IcebergSchema } from './schema.ts';

/**
 * The files of a table that may hold a row with the key of an incoming row: in each column of the key, an incoming
 * value lies between the file's bounds. A file without bounds may hold any row.
 */
export async function mergeCandidates(
  session: DuckDbSession,
  files: readonly DataFile[],
  schema: IcebergSchema,
  key: readonly string[],
): Promise<DataFile[]> {
  let candidates = files;
  for (const name of key) {
    const field = schema.fields.find((one) => one.name === name);
    if (field === undefined || typeof field.type !== 'string') throw new RangeError(`no key column ${name}`);
    candidates = await overlapping(session, candidates, field.id, field.type, name);
  }
  return [...candidates];
}

async function overlapping(
  session: DuckDbSession,
  files: readonly DataFile[],
  fieldId: number,
  type: PrimitiveType,
  name: string,
): Promise<DataFile[]> {
  const bounded = files.map((file) => ({ file, bounds: boundsOf(file, fieldId, type) }));
  const rows = bounded.flatMap(({ bounds }, index) =>
    bounds === undefined ? [] : [`(${index}, ${bounds.lower}, ${bounds.upper})`],
  );
  if (rows.length === 0) return [...files];
  // For each file the lowest incoming value that is not below its lower bound; that one is the first to be within.
  const hits = await session.rows(
    `SELECT f.i FROM (VALUES ${rows.join(', ')}) f(i, lower, upper)
     ASOF JOIN (SELECT DISTINCT ${identifier(name)} AS value FROM ${MERGE.incoming}) k ON f.lower <= k.value
     WHERE k.value <= f.upper`,
  );
  const within = new Set(hits.map(({ i }) => Number(i)));
  return bounded.flatMap(({ file, bounds }, index) => (bounds === undefined || within.has(index) ? [file] : []));
}

/** What lies between is SQL of the column's type; undefined for a file that does not say what it holds. */
export function boundsOf(
  file: DataFile,
  fieldId: number,
  type: PrimitiveType,
): { lower: string; upper: string } | undefined {
  const sqlOf = (bounds: DataFile['lower_bounds']) => {
    const bytes = bounds?.find(({ key }) => key === fieldId)?.value;
    return bytes === undefined ? undefined : boundSql(type, bytes);
  };
  const [lower, upper] = [sqlOf(file.lower_bounds), sqlOf(file.upper_bounds)];
  return lower === undefined || upper === undefined ? undefined : { lower, upper };
}
