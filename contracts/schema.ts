/**
 * The shape of a stream's rows, in Iceberg's type system (spec v2, "Schemas and Data Types").
 *
 * A source describes its columns with these types; a sink stores them. They carry no field ids: ids belong to
 * one table and are assigned where the table is (`connectors/iceberg/schema.ts`).
 */
export const PRIMITIVE_TYPES = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
] as const;

export type PrimitiveType = (typeof PRIMITIVE_TYPES)[number] | `decimal(${number}, ${number})` | `fixed[${number}]`;

export interface StructType {
  readonly type: 'struct';
  readonly fields: readonly Column[];
}

export interface ListType {
  readonly type: 'list';
  readonly element: ColumnType;
  readonly elementRequired: boolean;
}

export interface MapType {
  readonly type: 'map';
  readonly key: ColumnType;
  readonly value: ColumnType;
  readonly valueRequired: boolean;
}

export type ColumnType = PrimitiveType | StructType | ListType | MapType;

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** A required column never holds null; a row that has none goes to quarantine. */
  readonly required: boolean;
  readonly doc?: string;
}

/** One schema: its columns in order and, where known, the columns that identify a row. */
export interface StreamSchema {
  readonly columns: readonly Column[];
  readonly primaryKey: readonly string[];
}

const DECIMAL = /^decimal\((\d+),\s*(\d+)\)$/;
const FIXED = /^fixed\[(\d+)\]$/;

/** Precision (1–38 digits) and scale of a decimal type, or undefined for any other type. */
export function decimalParts(type: ColumnType): { precision: number; scale: number } | undefined {
  const match = typeof type === 'string' ? DECIMAL.exec(type) : null;
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : undefined;
}

/** Length in bytes of a fixed type, or undefined for any other type. */
export function fixedLength(type: ColumnType): number | undefined {
  const match = typeof type === 'string' ? FIXED.exec(type) : null;
  return match ? Number(match[1]) : undefined;
}

/** A type in the words of an error message or a run record: `list<decimal(10, 2)>`. */
export function typeName(type: ColumnType): string {
  if (typeof type === 'string') return type;
  switch (type.type) {
    case 'struct':
      return `struct<${type.fields.map((f) => `${f.name}: ${typeName(f.type)}`).join(', ')}>`;
    case 'list':
      return `list<${typeName(type.element)}>`;
    case 'map':
      return `map<${typeName(type.key)}, ${typeName(type.value)}>`;
  }
}

/** Type promotions that Iceberg readers follow by field id (spec, "Schema Evolution"): from → to. */
const PROMOTIONS: Readonly<Record<string, string>> = { int: 'long', float: 'double' };

/** True if `wide` is the type `narrow` or a promotion of it; a decimal may gain digits, not decimal places. */
export function canHold(wide: ColumnType, narrow: ColumnType): boolean {
  if (typeof wide !== 'string' || typeof narrow !== 'string') return false;
  if (wide === narrow || PROMOTIONS[narrow] === wide) return true;
  const [to, from] = [decimalParts(wide), decimalParts(narrow)];
  return to !== undefined && from !== undefined && to.scale === from.scale && to.precision >= from.precision;
}
