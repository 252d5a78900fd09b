import { transformParts } from '../../contracts/partition-by.ts';
import type { PrimitiveType } from '../../contracts/schema.ts';
import { decimalParts } from '../../contracts/schema.ts';
import type { Layout } from '../iceberg/layout.ts';
import { decimalBytes } from '../iceberg/partition.ts';
import type { IcebergSchema } from '../iceberg/schema.ts';
import { fromText } from '../iceberg/single-value.ts';
import type { PartitionValue } from '../iceberg/transform.ts';
import { resultType } from '../iceberg/transform.ts';
import type { HashFunctions } from './hash-functions.ts';
import { identifier } from './sql.ts';

/** A partition transform of a column as SQL. */
export interface PartitionSql {
  /** Gives one of DuckDB's own values, which sort and group as partitions do. */
  readonly value: string;
  /** SQL that prints such a value, given the name of the column that holds it. */
  readonly text: (value: string) => string;
  /** Reads what it printed. Undefined for what no partition can have as its value. */
  readonly read: (text: string | null) => PartitionValue | undefined;
}

/**
 * The transforms of the spec ("Partition Transforms") over a column of DuckDB's in a session that is set to UTC.
 * `iceberg/transform.ts` has the same for single values. `truncate` fails for a number whose truncation its type does
 * not hold: see `withoutPartition`.
 */
export function partitionSql(
  transform: string,
  type: PrimitiveType,
  column: string,
  hashes: HashFunctions,
): PartitionSql {
  const { name, parameter = 0 } = transformParts(transform);
  if (name === 'truncate' && decimalParts(type)) return truncatedDecimal(column, parameter);
  const result = resultType(transform, type);
  const printed = result === 'binary' || result.startsWith('fixed') ? 'hex' : 'CAST';
  return {
    value: valueSql(name, parameter, type, column, hashes),
    text: (value) => (printed === 'hex' ? `hex(${value})` : `CAST(${value} AS VARCHAR)`),
    read: (text) => (text === null ? null : fromText(result, text)),
  };
}

function valueSql(name: string, parameter: number, type: PrimitiveType, column: string, hashes: HashFunctions): string {
  // Calendar functions work on timestamps without a zone several times faster, and the zone is UTC.
  const time = type === 'timestamptz' ? `make_timestamp(epoch_us(${column}))` : column;
  switch (name) {
    case 'identity':
      // -0.0 and 0.0 are one partition, since they are one value to who asks for either.
      return type === 'float' || type === 'double' ? `(${column} + 0)` : column;
    case 'year':
      return `(year(${time}) - 1970)::INTEGER`;
    case 'month':
      return `((year(${time}) - 1970) * 12 + month(${time}) - 1)::INTEGER`;
    case 'day':
      return `${time}::DATE`;
    case 'hour':
      return `(epoch_us(date_trunc('hour', ${time})) // 3600000000)::INTEGER`;
    case 'bucket':
      return `(${hashes.sql(column, type)} % ${parameter})::INTEGER`;
    case 'truncate':
      return truncated(type, column, parameter);
    case 'void':
      return 'NULL::VARCHAR';
    default:
      throw new RangeError(`no transform ${name}`);
  }
}

function truncated(type: PrimitiveType, column: string, width: number): string {
  if (type === 'string') return `left(${column}, ${width})`;
  if (type === 'binary') return `unhex(left(hex(${column}), ${width * 2}))`;
  return `(${floored(`${column}::BIGINT`, width)})::${type === 'int' ? 'INTEGER' : 'BIGINT'}`;
}

/** The unscaled value is truncated; DuckDB's decimals do not reach the multiples of a width below the lowest one. */
function truncatedDecimal(column: string, width: number): PartitionSql {
  return {
    value: floored(unscaled(column), width),
    text: (value) => `CAST(${value} AS VARCHAR)`,
    read: (text) => (text === null ? null : BigInt(text)),
  };
}

function unscaled(column: string): string {
  return `replace(CAST(${column} AS VARCHAR), '.', '')::HUGEINT`;
}

/** Conditions for rows that have no partition in a layout: the truncation of a value is below what its type holds. */
export function withoutPartition(
  layout: Layout | undefined,
  schema: IcebergSchema,
): { readonly column: string; readonly when: string }[] {
  return (layout?.partition ?? []).flatMap(({ sourceId, transform }) => {
    const source = schema.fields.find(({ id }) => id === sourceId);
    if (typeof source?.type !== 'string') return [];
    const when = untruncatable(transform, source.type, identifier(source.name));
    return when === undefined ? [] : [{ column: source.name, when }];
  });
}

const LOWEST: Readonly<Record<string, bigint>> = { int: -(2n ** 31n), long: -(2n ** 63n) };

function untruncatable(transform: string, type: PrimitiveType, column: string): string | undefined {
  const { name, parameter = 1 } = transformParts(transform);
  const decimal = decimalParts(type);
  const lowest = decimal ? -(2n ** BigInt(8 * decimalBytes(decimal.precision) - 1)) : LOWEST[type];
  if (name !== 'truncate' || lowest === undefined) return undefined;
  const lowestMultiple = (lowest / BigInt(parameter)) * BigInt(parameter);
  return `${decimal ? unscaled(column) : `${column}::BIGINT`} < ${lowestMultiple}`;
}

/** `%` takes the sign of the dividend, in DuckDB as in the spec's own formula. */
function floored(value: string, width: number): string {
  return `${value} - ((${value} % ${width}) + ${width}) % ${width}`;
}
