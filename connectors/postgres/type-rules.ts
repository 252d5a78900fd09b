import type { ColumnType, PrimitiveType } from '../../contracts/schema.ts';
import type { LandingType } from '../landing/column-buffer.ts';
import { landingOf } from '../landing/landing-type.ts';
import type { Decode } from './decode.ts';
import { DECODE, decimal } from './decode.ts';

/** A type as the catalog of Postgres has it. Domains are resolved to what they are made of. */
export interface PgType {
  /** `typname`, e.g. `int4`, `numeric`; of an array that of its elements. */
  readonly name: string;
  /** `atttypmod`: -1 for none. */
  readonly modifier: number;
  readonly isArray: boolean;
  readonly isEnum: boolean;
  /** As it is written in SQL: `timestamp with time zone`. */
  readonly sql: string;
}

/** How a column is asked for, landed and read. */
export interface TypeRule {
  /** What the column is to the lake. */
  readonly type: ColumnType;
  /** What it is in the landing file; where it differs, it is cast exactly, and a value that does not fit is kept aside. */
  readonly landed: PrimitiveType;
  readonly landing: LandingType;
  readonly decode: Decode;
  /** SQL of Postgres, given the column. */
  readonly select: (column: string) => string;
  /** False: nothing in the lake is like it, so that the column is text. */
  readonly isSupported: boolean;
}

/** One line of the table of types. */
interface TableLine {
  readonly type: PrimitiveType;
  readonly decode: Decode;
  readonly select?: (column: string) => string;
}

const asText = (column: string) => `${column}::text`;

/** A type that is a kind of text to begin with. */
const TEXT_LINE: TableLine = { type: 'string', decode: DECODE.text, select: asText };

/**
 * Postgres' types that have a type of their own in Iceberg, or that are text anyway. All others are kept as the text that
 * Postgres itself writes, or refused, or left out, as `source.unsupported_types` says: nothing is rounded.
 * `docs/guides/postgres.md` shows this table; a test compares them.
 */
export const TYPES: Readonly<Record<string, TableLine>> = {
  bool: { type: 'boolean', decode: DECODE.bool },
  int2: { type: 'int', decode: DECODE.int2 },
  int4: { type: 'int', decode: DECODE.int4 },
  int8: { type: 'long', decode: DECODE.int8 },
  oid: { type: 'long', decode: DECODE.int8, select: (column) => `${column}::int8` },
  float4: { type: 'float', decode: DECODE.float4 },
  float8: { type: 'double', decode: DECODE.float8 },
  date: { type: 'date', decode: DECODE.date },
  time: { type: 'time', decode: DECODE.time },
  timestamp: { type: 'timestamp', decode: DECODE.timestamp },
  timestamptz: { type: 'timestamptz', decode: DECODE.timestamptz },
  uuid: { type: 'uuid', decode: DECODE.uuid },
  bytea: { type: 'binary', decode: DECODE.bytea },
  text: { type: 'string', decode: DECODE.text },
  varchar: { type: 'string', decode: DECODE.text },
  bpchar: { type: 'string', decode: DECODE.text },
  name: { type: 'string', decode: DECODE.text },
  json: { type: 'string', decode: DECODE.text },
  jsonb: TEXT_LINE,
  xml: TEXT_LINE,
  citext: TEXT_LINE,
  inet: TEXT_LINE,
  cidr: TEXT_LINE,
  macaddr: TEXT_LINE,
  macaddr8: TEXT_LINE,
};

const MAX_PRECISION = 38;
const TEXT: TypeRule = {
  type: 'string',
  landed: 'string',
  landing: 'string',
  decode: DECODE.text,
  select: asText,
  isSupported: true,
};
const UNSUPPORTED: TypeRule = { ...TEXT, isSupported: false };

/** The rule for a column as it is. */
export function ruleOf(pgType: PgType): TypeRule {
  const element = scalarRule(pgType);
  if (!pgType.isArray) return element;
  // Bytes in a list would be read as base64, and not as the digits that Postgres writes.
  return element.isSupported && element.type !== 'binary' ? listRule(element) : UNSUPPORTED;
}

/** The same column, landed as the text that Postgres writes: what its type cannot hold is found by the cast. */
export function landedAsText(rule: TypeRule): TypeRule {
  return { ...TEXT, type: rule.type, isSupported: rule.isSupported };
}

function scalarRule({ name, modifier, isEnum }: PgType): TypeRule {
  if (name === 'numeric') return numericRule(modifier);
  const line = isEnum ? TEXT_LINE : Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  if (line === undefined) return UNSUPPORTED;
  const { type, decode, select = (column: string) => column } = line;
  return { type, landed: type, landing: landingOf(type), decode, select, isSupported: true };
}

/** Type modifiers of numeric hold precision and scale; a scale may be negative (15 and later), or above the precision. */
function numericRule(modifier: number): TypeRule {
  if (modifier < 4) return UNSUPPORTED;
  const precision = ((modifier - 4) >> 16) & 0xffff;
  const scale = (((modifier - 4) & 0x7ff) << 21) >> 21;
  const digits = { precision: scale < 0 ? precision - scale : Math.max(precision, scale), scale: Math.max(scale, 0) };
  if (digits.precision > MAX_PRECISION) return UNSUPPORTED;
  const type: PrimitiveType = `decimal(${digits.precision}, ${digits.scale})`;
  return {
    type,
    landed: type,
    landing: digits,
    decode: decimal(digits.precision, digits.scale),
    select: (column) => column,
    isSupported: true,
  };
}

/**
 * An array comes as JSON of texts, which loses nothing. One with more dimensions, or that does not begin at 1, is no list
 * of these elements: Postgres writes it with braces, which are no JSON, so that the row is kept aside.
 */
function listRule({ type }: TypeRule): TypeRule {
  return {
    ...TEXT,
    type: { type: 'list', element: type, elementRequired: false },
    select: (column) =>
      `CASE WHEN array_ndims(${column}) > 1 OR array_lower(${column}, 1) <> 1 THEN ${column}::text ` +
      `ELSE to_json(${column}::text[])::text END`,
  };
}
