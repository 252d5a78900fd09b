import type { IcebergField, IcebergSchema } from '../iceberg/schema.ts';
import { toColumnType } from '../iceberg/schema.ts';
import { identifier, literal, literalList } from './sql.ts';
import { toDuckDb } from './type-names.ts';

/**
 * A query over Parquet files in the columns of a schema, found by field id: a file that was written before a column
 * was added, renamed or widened reads right. Fields inside of structs are found by name, which is as far as DuckDB's
 * reader goes. No file: no row, but the columns.
 */
export function selectFiles(paths: readonly string[], schema: IcebergSchema): string {
  const names = schema.fields.map((field) => identifier(field.name)).join(', ');
  if (paths.length === 0) {
    const nulls = schema.fields.map((field) => `CAST(NULL AS ${sqlType(field)}) AS ${identifier(field.name)}`);
    return `SELECT ${nulls.join(', ')} WHERE false`;
  }
  const columns = schema.fields.map(
    (field) => `${field.id}: {name: ${literal(field.name)}, type: ${literal(sqlType(field))}, default_value: NULL}`,
  );
  return `SELECT ${names} FROM read_parquet(${literalList(paths.map(withoutPattern))}, schema = MAP {${columns.join(', ')}})`;
}

function sqlType(field: IcebergField): string {
  return toDuckDb(toColumnType(field.type));
}

/** A path that means itself alone: DuckDB takes `*` and `?` for a pattern, but not inside of brackets. */
function withoutPattern(path: string): string {
  return /[*?]/.test(path) ? path.replaceAll(/[*?[]/g, '[$&]') : path;
}
