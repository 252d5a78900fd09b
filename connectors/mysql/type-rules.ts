import type { PrimitiveType } from '../../contracts/schema.ts';
import type { LandingType } from '../landing/column-buffer.ts';
import { landingOf } from '../landing/landing-type.ts';
import type { Decode, OfNoDate } from './decode.ts';
import { DECODE, date, dateTime, decimal } from './decode.ts';

/** What the server says of a column of a result ("Column Definition Packet"). */
export interface WireColumn {
  readonly name: string;
  readonly columnType: number;
  readonly flags: number;
  /** In bytes, or as many digits, signs and points as a number is shown with. */
  readonly length: number;
  readonly decimals: number;
  /** Number of the character set. */
  readonly characterSet: number;
  /** Of MariaDB alone: what a text is kept as, e.g. `uuid`. */
  readonly extension: string | undefined;
}

/** How a column is asked for, landed and read. */
export interface TypeRule {
  /** As the table of types names it. */
  readonly name: string;
  readonly type: PrimitiveType;
  readonly landing: LandingType;
  readonly decode: Decode;
  /** SQL, given the column. */
  readonly select: (column: string) => string;
  /** False: nothing in the lake is like it, so that the column is text. */
  readonly isSupported: boolean;
  /** Whether rows can be read in the order of it, a part at a time: it is compared as it is sorted, and exactly. */
  readonly isKey: boolean;
}

/** `source.zero_dates`. */
export type ZeroDates = 'refuse' | 'null' | 'text';

/** One line of the table of types. */
interface TableLine {
  readonly type: PrimitiveType;
  readonly decode: Decode;
  readonly landing?: LandingType;
  /** What is done with a value that no calendar has. */
  readonly dated?: (rule: OfNoDate) => Decode;
  readonly isKey?: boolean;
}

const TEXT_LINE: TableLine = { type: 'string', decode: DECODE.text };
const BYTES_LINE: TableLine = { type: 'binary', decode: DECODE.text };
const UNSIGNED_BIGINT = { precision: 20, scale: 0 };

/**
 * Types of MySQL and MariaDB that have a type of their own in Iceberg, or that are text anyway. All others are kept as
 * the text that the server writes, or refused, or left out, as `source.unsupported_types` says: nothing is rounded.
 * `docs/guides/mysql.md` shows this table; a test compares them.
 */
export const TYPES: Readonly<Record<string, TableLine>> = {
  tinyint: { type: 'int', decode: DECODE.tinyint, isKey: true },
  'tinyint unsigned': { type: 'int', decode: DECODE.unsignedTinyint, isKey: true },
  smallint: { type: 'int', decode: DECODE.smallint, isKey: true },
  'smallint unsigned': { type: 'int', decode: DECODE.unsignedSmallint, isKey: true },
  mediumint: { type: 'int', decode: DECODE.int, isKey: true },
  'mediumint unsigned': { type: 'int', decode: DECODE.int, isKey: true },
  int: { type: 'int', decode: DECODE.int, isKey: true },
  'int unsigned': { type: 'long', decode: DECODE.unsignedInt, isKey: true },
  bigint: { type: 'long', decode: DECODE.bigint, isKey: true },
  'bigint unsigned': {
    type: 'decimal(20, 0)',
    decode: DECODE.unsignedBigint,
    landing: UNSIGNED_BIGINT,
    isKey: true,
  },
  year: { type: 'int', decode: DECODE.unsignedSmallint, isKey: true },
  float: { type: 'float', decode: DECODE.float },
  double: { type: 'double', decode: DECODE.double },
  'bit(1)': { type: 'boolean', decode: DECODE.bit },
  'bit(2) to bit(63)': { type: 'long', decode: DECODE.bits },
  'bit(64)': { type: 'decimal(20, 0)', decode: DECODE.allBits, landing: UNSIGNED_BIGINT },
  date: { type: 'date', decode: date('refuse'), dated: date, isKey: true },
  datetime: { type: 'timestamp', decode: dateTime('refuse'), dated: dateTime, isKey: true },
  timestamp: { type: 'timestamptz', decode: dateTime('refuse'), dated: dateTime, isKey: true },
  'char, varchar': { ...TEXT_LINE, isKey: true },
  text: TEXT_LINE,
  enum: TEXT_LINE,
  set: TEXT_LINE,
  json: TEXT_LINE,
  inet4: TEXT_LINE,
  inet6: TEXT_LINE,
  uuid: { type: 'uuid', decode: DECODE.uuid },
  'binary, varbinary': { ...BYTES_LINE, isKey: true },
  blob: BYTES_LINE,
  geometry: BYTES_LINE,
};

const MAX_PRECISION = 38;
const UNSIGNED = 32;
const ENUM = 256;
const SET = 2048;
/** The character set of what is no text. */
const BINARY = 63;

const JSON_TEXT = 245;

const INTEGERS: Readonly<Record<number, string>> = {
  1: 'tinyint',
  2: 'smallint',
  9: 'mediumint',
  3: 'int',
  8: 'bigint',
};
const NAMES: Readonly<Record<number, string>> = {
  4: 'float',
  5: 'double',
  6: 'null',
  7: 'timestamp',
  10: 'date',
  11: 'time',
  12: 'datetime',
  13: 'year',
  [JSON_TEXT]: 'json',
  255: 'geometry',
};
const OLD_DECIMAL = 0;
const DECIMAL = 246;
const BIT = 16;
const BLOBS = [249, 250, 251, 252];
const STRINGS = [15, 253, 254];

/** The name of a column's type in the table, or one that is not there. */
export function typeNameOf(column: WireColumn): string {
  const { columnType, flags, length, characterSet, extension } = column;
  const isUnsigned = (flags & UNSIGNED) !== 0;
  const integer = INTEGERS[columnType];
  if (integer !== undefined) return isUnsigned ? `${integer} unsigned` : integer;
  if (columnType === DECIMAL || columnType === OLD_DECIMAL) {
    const { precision, scale } = digitsOf(column);
    return `decimal(${precision}, ${scale})`;
  }
  if (columnType === BIT) return length === 1 ? 'bit(1)' : length === 64 ? 'bit(64)' : 'bit(2) to bit(63)';
  if (extension !== undefined && ['json', 'uuid', 'inet4', 'inet6'].includes(extension)) return extension;
  if (STRINGS.includes(columnType)) {
    if ((flags & ENUM) !== 0) return 'enum';
    if ((flags & SET) !== 0) return 'set';
    return characterSet === BINARY ? 'binary, varbinary' : 'char, varchar';
  }
  if (BLOBS.includes(columnType)) return characterSet === BINARY ? 'blob' : 'text';
  return NAMES[columnType] ?? `type ${columnType}`;
}

/** Whether values of the column come as a text behind its length. */
export function comesAsText({ columnType }: WireColumn): boolean {
  return [...STRINGS, ...BLOBS, JSON_TEXT].includes(columnType);
}

/** Whether its values are bytes that are no text. */
export function isBytes(column: WireColumn): boolean {
  return ['binary, varbinary', 'blob', 'geometry'].includes(typeNameOf(column));
}

/** What a number is shown with holds its point, and a sign where it may have one. */
function digitsOf({ flags, length, decimals }: WireColumn): { precision: number; scale: number } {
  const sign = (flags & UNSIGNED) === 0 ? 1 : 0;
  return { precision: length - sign - (decimals > 0 ? 1 : 0), scale: decimals };
}

/** The rule for a column as it is. */
export function ruleOf(column: WireColumn, zeroDates: ZeroDates): TypeRule {
  const name = typeNameOf(column);
  const plain = { name, select: (selected: string) => selected, isSupported: true, isKey: false };
  if (name.startsWith('decimal')) {
    const digits = digitsOf(column);
    if (digits.precision > MAX_PRECISION) return asText(name, false);
    const type: PrimitiveType = `decimal(${digits.precision}, ${digits.scale})`;
    return { ...plain, type, landing: digits, decode: decimal(digits.precision, digits.scale), isKey: true };
  }
  const line = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  if (line === undefined) return asText(name, false);
  const { type, decode, landing = landingOf(type), dated, isKey = false } = line;
  if (dated === undefined) return { ...plain, type, landing, decode, isKey };
  return zeroDates === 'text' ? asText(name, true) : { ...plain, type, landing, decode: dated(zeroDates), isKey };
}

/** As the server writes it. */
function asText(name: string, isSupported: boolean): TypeRule {
  const select = (column: string) => `CAST(${column} AS CHAR CHARACTER SET utf8mb4)`;
  return { name, type: 'string', landing: 'string', decode: DECODE.text, select, isSupported, isKey: false };
}
