import type { DuckDBType } from '@duckdb/node-api';
import { DuckDBArrayType, DuckDBListType, DuckDBMapType, DuckDBStructType } from '@duckdb/node-api';
import type { Column, ColumnType } from '../../contracts/schema.ts';
import type { DuckDbSession } from './session.ts';
import { identifier } from './sql.ts';
import { scalarFromDuckDb, toDuckDb } from './type-names.ts';

/** The column type of a DuckDB type; `string` where Iceberg has none (enum, interval, union, …). */
export function fromDuckDb(type: DuckDBType): ColumnType {
  if (type instanceof DuckDBStructType) {
    return {
      type: 'struct',
      fields: type.entryNames.map((name, index) => {
        const entry = type.entryTypes[index];
        if (entry === undefined) throw new RangeError(`struct field ${index} has no type`);
        return { name, type: fromDuckDb(entry), required: false };
      }),
    };
  }
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    return { type: 'list', element: fromDuckDb(type.valueType), elementRequired: false };
  }
  if (type instanceof DuckDBMapType) {
    return { type: 'map', key: fromDuckDb(type.keyType), value: fromDuckDb(type.valueType), valueRequired: false };
  }
  return scalarFromDuckDb(type.toString());
}

/** Names and types of a query's columns, by binding it and not running it. Errors: QUERY_INVALID. */
export async function describeQuery(session: DuckDbSession, sql: string): Promise<Column[]> {
  const statement = await session.prepare(sql);
  try {
    return Array.from({ length: statement.columnCount }, (_, index) => ({
      name: statement.columnName(index),
      type: fromDuckDb(statement.columnType(index)),
      required: false,
    }));
  } finally {
    statement.destroySync();
  }
}

/** A query without rows that has these columns: something to check expressions against before data is read. */
export function emptyRelation(columns: readonly Column[]): string {
  const list = columns.map((column) => `NULL::${toDuckDb(column.type)} AS ${identifier(column.name)}`);
  return `SELECT ${list.join(', ')} LIMIT 0`;
}
