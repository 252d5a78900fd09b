import type { Column, ColumnType, PrimitiveType } from '../../contracts/schema.ts';
import { decimalParts, fixedLength } from '../../contracts/schema.ts';
import { identifier } from './sql.ts';

const DUCKDB_OF: Record<string, string> = {
  boolean: 'BOOLEAN',
  int: 'INTEGER',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  string: 'VARCHAR',
  uuid: 'UUID',
  binary: 'BLOB',
};

/** The DuckDB type that holds every value of a column type, as SQL. */
export function toDuckDb(type: ColumnType): string {
  if (typeof type === 'string') {
    const decimal = decimalParts(type);
    if (decimal) return `DECIMAL(${decimal.precision}, ${decimal.scale})`;
    if (fixedLength(type) !== undefined) return 'BLOB';
    const name = DUCKDB_OF[type];
    if (name === undefined) throw new RangeError(`no DuckDB type for ${type}`);
    return name;
  }
  switch (type.type) {
    case 'struct':
      return `STRUCT(${type.fields.map((f: Column) => `${identifier(f.name)} ${toDuckDb(f.type)}`).join(', ')})`;
    case 'list':
      return `${toDuckDb(type.element)}[]`;
    case 'map':
      return `MAP(${toDuckDb(type.key)}, ${toDuckDb(type.value)})`;
  }
}

/**
 * DuckDB's own scalar types → Iceberg. Unsigned and 128-bit integers go to the next type that keeps every value;
 * types without an Iceberg counterpart are kept as text.
 */
const COLUMN_TYPE_OF: Record<string, PrimitiveType> = {
  BOOLEAN: 'boolean',
  TINYINT: 'int',
  SMALLINT: 'int',
  INTEGER: 'int',
  BIGINT: 'long',
  UTINYINT: 'int',
  USMALLINT: 'int',
  UINTEGER: 'long',
  UBIGINT: 'decimal(20, 0)',
  HUGEINT: 'decimal(38, 0)',
  UHUGEINT: 'decimal(38, 0)',
  FLOAT: 'float',
  DOUBLE: 'double',
  DATE: 'date',
  TIME: 'time',
  TIMESTAMP: 'timestamp',
  TIMESTAMP_S: 'timestamp',
  TIMESTAMP_MS: 'timestamp',
  TIMESTAMP_NS: 'timestamp',
  'TIMESTAMP WITH TIME ZONE': 'timestamptz',
  VARCHAR: 'string',
  UUID: 'uuid',
  BLOB: 'binary',
};

/** The column type of a scalar DuckDB type name, `string` where Iceberg has none. Nested types: `describe.ts`. */
export function scalarFromDuckDb(name: string): PrimitiveType {
  const decimal = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(name);
  if (decimal) return `decimal(${Number(decimal[1])}, ${Number(decimal[2])})`;
  return COLUMN_TYPE_OF[name] ?? 'string';
}
