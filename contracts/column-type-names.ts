import type { Column, ColumnType, PrimitiveType } from './schema.ts';

/** Names that people give to types, beside Iceberg's own. A length such as the 20 of `varchar(20)` is left out. */
const TYPE_OF_NAME: Readonly<Record<string, PrimitiveType>> = {
  boolean: 'boolean',
  bool: 'boolean',
  tinyint: 'int',
  smallint: 'int',
  int: 'int',
  integer: 'int',
  int2: 'int',
  int4: 'int',
  int32: 'int',
  long: 'long',
  bigint: 'long',
  int8: 'long',
  int64: 'long',
  float: 'float',
  float4: 'float',
  float32: 'float',
  real: 'float',
  double: 'double',
  'double precision': 'double',
  float8: 'double',
  float64: 'double',
  date: 'date',
  time: 'time',
  'time without time zone': 'time',
  timestamp: 'timestamp',
  'timestamp without time zone': 'timestamp',
  timestamp_ntz: 'timestamp',
  datetime: 'timestamp',
  timestamptz: 'timestamptz',
  'timestamp with time zone': 'timestamptz',
  timestamp_tz: 'timestamptz',
  string: 'string',
  text: 'string',
  varchar: 'string',
  nvarchar: 'string',
  char: 'string',
  character: 'string',
  'character varying': 'string',
  bpchar: 'string',
  json: 'string',
  jsonb: 'string',
  uuid: 'uuid',
  binary: 'binary',
  varbinary: 'binary',
  bytes: 'binary',
  bytea: 'binary',
  blob: 'binary',
};

/** What to offer to somebody whose type name is not known. */
export const TYPE_NAME_EXAMPLES =
  'a type such as string, int, long, double, decimal(10, 2), boolean, date, time, timestamp, timestamptz, uuid or binary';

const MAX_DECIMAL_PRECISION = 38;
const DECIMAL = /^(?:decimal|numeric|number|dec)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$/;
const FIXED = /^fixed\s*[[(]\s*(\d+)\s*[\])]$/;
const LENGTH = /\s*\(\s*\d+\s*(?:,\s*\d+\s*)?\)/;
const NESTED = /^(list|array|map|struct)\s*<(.*)>$/s;

/**
 * The column type of a type name as people write it (`BIGINT`, `varchar(20)`, `numeric(12,2)`, `list<string>`),
 * or undefined when it is not one. A decimal without precision and scale is not one: guessing them loses digits.
 */
export function parseColumnType(text: string): ColumnType | undefined {
  const source = text.trim();
  const nested = NESTED.exec(source.replace(/^\w+/, (word) => word.toLowerCase()));
  if (nested) return parseNested(nested[1] ?? '', nested[2] ?? '');
  if (source.endsWith('[]')) return listOf(parseColumnType(source.slice(0, -2)));
  const name = source.toLowerCase().replace(/\s+/g, ' ');
  return parseDecimal(name) ?? parseFixed(name) ?? lookUp(name.replace(LENGTH, ''));
}

function lookUp(name: string): PrimitiveType | undefined {
  return Object.hasOwn(TYPE_OF_NAME, name) ? TYPE_OF_NAME[name] : undefined;
}

function parseDecimal(name: string): ColumnType | undefined {
  const match = DECIMAL.exec(name);
  if (!match) return undefined;
  const precision = Number(match[1]);
  const scale = Number(match[2] ?? 0);
  const fits = precision >= 1 && precision <= MAX_DECIMAL_PRECISION && scale <= precision;
  return fits ? `decimal(${precision}, ${scale})` : undefined;
}

function parseFixed(name: string): ColumnType | undefined {
  const match = FIXED.exec(name);
  return match && Number(match[1]) > 0 ? `fixed[${Number(match[1])}]` : undefined;
}

function parseNested(kind: string, inner: string): ColumnType | undefined {
  const parts = splitAtCommas(inner);
  if (kind === 'struct') return parseStruct(parts);
  const types = parts.map(parseColumnType);
  const [first, second] = types;
  if (kind !== 'map') return types.length === 1 ? listOf(first) : undefined;
  if (types.length !== 2 || first === undefined || second === undefined) return undefined;
  return { type: 'map', key: first, value: second, valueRequired: false };
}

function listOf(element: ColumnType | undefined): ColumnType | undefined {
  return element === undefined ? undefined : { type: 'list', element, elementRequired: false };
}

function parseStruct(parts: readonly string[]): ColumnType | undefined {
  const fields: Column[] = [];
  for (const part of parts) {
    const colon = part.indexOf(':');
    const name = part.slice(0, colon).trim();
    const type = colon > 0 ? parseColumnType(part.slice(colon + 1)) : undefined;
    if (type === undefined || name === '') return undefined;
    fields.push({ name, type, required: false });
  }
  return fields.length > 0 ? { type: 'struct', fields } : undefined;
}

/** Splits at the commas that stand outside of any bracket. */
function splitAtCommas(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if ('<(['.includes(character)) depth++;
    else if ('>)]'.includes(character)) depth--;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
