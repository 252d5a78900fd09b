import type { IcebergField, IcebergSchema } from '../iceberg/schema.ts';
import { toColumnType } from '../iceberg/schema.ts';
import { identifier, literal, literalList } from './sql.ts';
import { toDuckDb } from './type-names.ts';

/**
 * A query over Parquet files in the columns of a schema, found by field id: a file that was written before a column
 * was added, renamed or widened reads right. Fields inside of structs are found by name, which is as far as DuckDB's
 * reader goes. No file: no row, but the columns. `position` asks for where a row stands: the index of its file in
 * `paths`, and its index in that file; not with no file.
 */
export function selectFiles(
  paths: readonly string[],
  schema: IcebergSchema,
  position: readonly ('file_index' | 'file_row_number')[] = [],
): string {
  const names = [...schema.fields.map((field) => identifier(field.name)), ...position].join(', ');
  if (paths.length === 0) {
    const nulls = schema.fields.map((field) => `CAST(NULL AS ${sqlType(field)}) AS ${identifier(field.name)}`);
    return `SELECT ${nulls.join(', ')} WHERE false`;
  }
  const columns = schema.fields.map(
    (field) => `${field.id}: {name: ${literal(field.name)}, type: ${literal(sqlType(field))}, default_value: NULL}`,
  );
  return `SELECT ${names} FROM read_parquet(${exactPaths(paths)}, schema = MAP {${columns.join(', ')}})`;
}

function sqlType(field: IcebergField): string {
  return toDuckDb(toColumnType(field.type));
}

/** Paths as an argument of `read_parquet`. */
export function exactPaths(paths: readonly string[]): string {
  return literalList(paths.map(withoutPattern));
}

/** A path that means itself alone: DuckDB takes `*` and `?` for a pattern, but not inside of brackets. */
function withoutPattern(path: string): string {
  return /[*?]/.test(path) ? path.replaceAll(/[*?[]/g, '[$&]') : path;
}
