import type { ColumnType, PrimitiveType } from '../../contracts/schema.ts';
import { decimalParts, fixedLength, typeName } from '../../contracts/schema.ts';
import { literal } from './sql.ts';
import { toDuckDb } from './type-names.ts';

/** How a value becomes one of another type: SQL that is null when it cannot, and SQL that tells so. */
export interface Cast {
  readonly sql: string;
  /** Given the name of what `sql` gave. */
  readonly failed: (result: string) => string;
}

/** Scalar types of one family become one another, value by value; so does everything that is text, or becomes text. */
const FAMILIES: readonly (readonly string[])[] = [
  ['boolean', 'int', 'long', 'float', 'double', 'decimal'],
  ['date', 'timestamp', 'timestamptz'],
  ['timestamp', 'time'],
  ['binary', 'fixed'],
];

/** Whether values of a type can become another at all. Nested types do when their parts do, fields by their names. */
export function canCast(from: ColumnType, to: ColumnType): boolean {
  if (sameType(from, to) || isText(from) || isText(to)) return true;
  if (typeof from === 'string' || typeof to === 'string') {
    if (typeof from !== 'string' || typeof to !== 'string') return false;
    if (from === 'time' && to === 'timestamp') return false;
    return FAMILIES.some((family) => family.includes(withoutLength(from)) && family.includes(withoutLength(to)));
  }
  if (from.type === 'list') return to.type === 'list' && canCast(from.element, to.element);
  if (from.type === 'map') return to.type === 'map' && canCast(from.key, to.key) && canCast(from.value, to.value);
  if (to.type !== 'struct') return false;
  const fields = new Map(from.fields.map(({ name, type }) => [name, type]));
  const shared = to.fields.flatMap(({ name, type }) => {
    const before = fields.get(name);
    return before === undefined ? [] : [canCast(before, type)];
  });
  return shared.length > 0 && shared.every(Boolean);
}

function withoutLength(type: PrimitiveType): string {
  return type.replace(/[([].*$/, '');
}

/** True when both types hold the same values in DuckDB, so that nothing has to be done. */
export function sameType(from: ColumnType, to: ColumnType): boolean {
  return typeName(from) === typeName(to);
}

/**
 * The cast of `value` (SQL of type `from`) to type `to`. It fails for a value that is not null and that the other
 * type cannot hold; a number with a fraction does not fit an integer, and is not rounded to one.
 * Text becomes a struct, list or map as JSON; binary as hexadecimal digits after `\x` or `0x`, or else as base64.
 * Where `canCast` is false, it fails for every value.
 */
export function castTo(value: string, from: ColumnType, to: ColumnType): Cast {
  // In this order: most rows are done with after the first test.
  const failed = (result: string) => `${result} IS NULL AND ${value} IS NOT NULL`;
  const target = toDuckDb(to);
  if (!canCast(from, to)) return { sql: `NULL::${target}`, failed };
  if (isText(from) && isNested(to)) return { sql: `TRY(CAST(CAST(${value} AS JSON) AS ${target}))`, failed };
  if (isNested(from) && isText(to)) return { sql: `to_json(${value})::VARCHAR`, failed };
  if (isBinary(from) && isText(to)) return { sql: `to_base64(${value})`, failed };
  if (isText(from) && isBinary(to)) return { sql: withLength(decode(value), to), failed };
  if (isBinary(from) && fixedLength(to) !== undefined) return { sql: withLength(value, to), failed };
  // A failure inside of a nested value would only leave a null there.
  if (isNested(from) || isNested(to)) return { sql: `TRY(CAST(${value} AS ${target}))`, failed };
  const sql = `TRY_CAST(${value} AS ${target})`;
  if (isText(from)) return { sql: exactText(value, to, target), failed };
  if (mayHoldFraction(from) && (to === 'int' || to === 'long')) {
    return { sql: `CASE WHEN ${sql} = ${value} THEN ${sql} END`, failed };
  }
  return { sql, failed };
}

/**
 * DuckDB's own casts from text are generous: 1.5 becomes the integer 2, 9.999 the decimal 10.00, a time or anything
 * else behind a date is cut off. The usual form of a value is cast as it is; others are looked at more closely.
 */
function exactText(value: string, to: ColumnType, target: string): string {
  const cast = `TRY_CAST(${value} AS ${target})`;
  const exact = (unusual: string, wide: string) =>
    `CASE WHEN ${unusual} THEN CASE WHEN TRY_CAST(${value} AS ${wide}) = ${cast} THEN ${cast} END ELSE ${cast} END`;
  const exponent = `contains(${value}, 'e') OR contains(${value}, 'E')`;
  const scale = decimalParts(to)?.scale;
  if (to === 'int' || to === 'long') return exact(`contains(${value}, '.') OR ${exponent}`, 'DECIMAL(38, 15)');
  if (scale !== undefined) {
    const fraction = `length(${value}) - strpos(${value}, '.')`;
    const unusual = `(strpos(${value}, '.') > 0 AND ${fraction} > ${scale}) OR ${exponent}`;
    return exact(unusual, `DECIMAL(38, ${Math.min(38, scale + 12)})`);
  }
  if (to === 'date') return exact(`length(${value}) > 10 AND length(trim(${value})) > 10`, 'TIMESTAMP');
  if (to === 'time') return `CASE WHEN regexp_full_match(${value}, ${literal(TIME)}) THEN ${cast} END`;
  if (to === 'timestamp')
    return `CASE WHEN length(${value}) <= 19 OR NOT regexp_matches(${value}, ${literal(OFFSET)}) THEN ${cast} END`;
  return cast;
}

/** 24:00:00, which DuckDB takes, is beyond the last microsecond that Iceberg has. */
const TIME = '\\s*([01]?\\d|2[0-3]):\\d{2}:\\d{2}(\\.\\d+)?\\s*';
/** A timestamp without zone has no offset: reading 12:00+02 as 12:00 would be another moment. */
const OFFSET = '(?i)(z|[+-]\\d{2}(:?\\d{2})?)\\s*$';

function isText(type: ColumnType): boolean {
  return type === 'string';
}

function isNested(type: ColumnType): boolean {
  return typeof type !== 'string';
}

function isBinary(type: ColumnType): boolean {
  return type === 'binary' || fixedLength(type) !== undefined;
}

function mayHoldFraction(type: ColumnType): boolean {
  return type === 'float' || type === 'double' || (decimalParts(type)?.scale ?? 0) > 0;
}

function decode(value: string): string {
  const hex = `starts_with(${value}, '\\x') OR starts_with(${value}, '0x')`;
  return `TRY(CASE WHEN ${hex} THEN unhex(substr(${value}, 3)) ELSE from_base64(${value}) END)`;
}

function withLength(bytes: string, type: ColumnType): string {
  const length = fixedLength(type);
  return length === undefined ? bytes : `CASE WHEN octet_length(${bytes}) = ${length} THEN ${bytes} END`;
}
