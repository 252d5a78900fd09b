import type { ColumnType, PrimitiveType } from '../../contracts/schema.ts';
import { decimalParts, fixedLength, typeName } from '../../contracts/schema.ts';
import { literal } from './sql.ts';
import { toDuckDb } from './type-names.ts';

/** How a value becomes one of another type: SQL that is null when it cannot, and SQL that tells so. */
export interface Cast {
  readonly sql: string;
  /** The same without computing anything twice; only where `sql` would. */
  readonly steps?: TwoSteps;
  /** Given the name of what `sql` gave. */
  readonly failed: (result: string) => string;
}

/**
 * An expression that uses a part of itself more than once, for a query in a query: DuckDB shares no expressions between
 * the branches of a CASE (measured: 3 casts of integers and one of a decimal were 8 % of the cpu of a whole job).
 */
export interface TwoSteps {
  readonly first: string;
  /** Given the name of what `first` gave. */
  readonly then: (first: string) => string;
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
  const cast = `TRY_CAST(${value} AS ${target})`;
  const then = isText(from) ? exactText(value, to) : exactNumber(value, from, to);
  return then === undefined ? { sql: cast, failed } : { sql: then(cast), steps: { first: cast, then }, failed };
}

function exactNumber(value: string, from: ColumnType, to: ColumnType): TwoSteps['then'] | undefined {
  if (!mayHoldFraction(from) || (to !== 'int' && to !== 'long')) return undefined;
  return (cast) => `CASE WHEN ${cast} = ${value} THEN ${cast} END`;
}

/**
 * DuckDB's own casts from text are generous: 1.5 becomes the integer 2, 9.999 the decimal 10.00, 0x10 the integer 16,
 * 1e400 infinity; a time behind a date, an offset or a seventh digit of a second is cut off. The usual form of a value
 * is cast as it is, after the cheapest test that knows it (measured: writing a number as text again costs less than
 * three searches in it); others have to match the form that loses nothing.
 */
function exactText(value: string, to: ColumnType): TwoSteps['then'] | undefined {
  const where = (cast: string, ways: readonly string[]) => `CASE WHEN ${ways.join(' OR ')} THEN ${cast} END`;
  const has = (pattern: string) => `regexp_full_match(${value}, ${literal(`\\s*${pattern}\\s*`)})`;
  const scale = to === 'int' || to === 'long' ? 0 : decimalParts(to)?.scale;
  if (scale !== undefined) {
    const wide = `TRY_CAST(${value} AS DECIMAL(38, ${Math.min(38, scale + 15)}))`;
    const fraction = `[+-]?\\d*(\\.\\d{0,${scale}}0*)?`;
    return (cast) => {
      // What is too small for the wide decimal is still told from zero by the double.
      const exact = `${wide} = ${cast} AND TRY_CAST(${value} AS DOUBLE) = ${cast}::DOUBLE`;
      return where(cast, [`${cast}::VARCHAR = ${value}`, has(fraction), `(${has(EXPONENT)} AND ${exact})`]);
    };
  }
  if (to === 'float' || to === 'double') {
    return (cast) => {
      const overflows = `isinf(${cast}) AND NOT contains(lower(${value}), 'inf')`;
      return `CASE WHEN NOT contains(${value}, '_') AND NOT (${overflows}) THEN ${cast} END`;
    };
  }
  if (to === 'date') {
    return (cast) => {
      const midnight = `TRY_CAST(${value} AS TIMESTAMP) = ${cast}`;
      return where(cast, [`strlen(${value}) <= 10`, `strlen(trim(${value})) <= 10`, midnight]);
    };
  }
  if (to === 'time') return (cast) => where(cast, [has(TIME)]);
  if (to === 'timestamp') return (cast) => where(cast, [`${value} LIKE '____-__-_____:__:__'`, has(TIMESTAMP)]);
  if (to === 'timestamptz') {
    const cut = `regexp_matches(${value}, ${literal('\\.\\d{6}\\d*[1-9]')})`;
    return (cast) => where(cast, [`strlen(${value}) <= ${SHORTEST_CUT}`, `NOT contains(${value}, '.')`, `NOT ${cut}`]);
  }
  return undefined;
}

const EXPONENT = '[+-]?(\\d+\\.?\\d*|\\.\\d+)[eE][+-]?0*\\d{1,2}';
/** Digits after the sixth are nanoseconds, which no type of a table holds. */
const FRACTION = '(\\.\\d{0,6}0*)?';
/** Without 24:00:00, which is no time of a day. */
const TIME = `([01]?\\d|2[0-3]):\\d{2}:\\d{2}${FRACTION}`;
/** A timestamp without zone has no offset: reading 12:00+02 as 12:00 would be another moment. */
const TIMESTAMP = `\\d+\\D\\d{1,2}\\D\\d{1,2}([T ]\\d{1,2}(:\\d{1,2}){1,2}${FRACTION})?`;
/** No shorter text has a seventh digit of a second: `2024-1-1 1:2:3.1234567`. */
const SHORTEST_CUT = '2024-1-1 1:2:3.123456'.length;

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
