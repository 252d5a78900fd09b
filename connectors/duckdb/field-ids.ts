import type { IcebergField, IcebergType } from '../iceberg/schema.ts';
import { identifier } from './sql.ts';

/** DuckDB's FIELD_IDS: `{a: 1, s: {__duckdb_field_id: 2, x: 3}, l: {__duckdb_field_id: 4, element: 5}}`. */
export function fieldIds(fields: readonly IcebergField[]): string {
  return `{${fields.map((field) => `${identifier(field.name)}: ${fieldId(field.id, field.type)}`).join(', ')}}`;
}

function fieldId(id: number, type: IcebergType): string {
  const inner = children(type).map((child) => `${identifier(child.name)}: ${fieldId(child.id, child.type)}`);
  return inner.length === 0 ? String(id) : `{__duckdb_field_id: ${id}, ${inner.join(', ')}}`;
}

interface Child {
  readonly name: string;
  readonly id: number;
  readonly type: IcebergType;
}

/** The parts of a nested type under the names that DuckDB gives them in a Parquet file. */
function children(type: IcebergType): readonly Child[] {
  if (typeof type === 'string') return [];
  switch (type.type) {
    case 'struct':
      return type.fields;
    case 'list':
      return [{ name: 'element', id: type['element-id'], type: type.element }];
    case 'map':
      return [
        { name: 'key', id: type['key-id'], type: type.key },
        { name: 'value', id: type['value-id'], type: type.value },
      ];
  }
}

/** Path of every leaf as RETURN_STATS spells it (`"s"."x"`) → field id. */
export function leafIds(fields: readonly Child[], prefix = ''): Map<string, number> {
  const found = new Map<string, number>();
  for (const { name, id, type } of fields) {
    const columnPath = `${prefix}${identifier(name)}`;
    const inner = children(type);
    if (inner.length === 0) found.set(columnPath, id);
    for (const [leaf, leafId] of leafIds(inner, `${columnPath}.`)) found.set(leaf, leafId);
  }
  return found;
}
