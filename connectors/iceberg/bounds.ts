import type { PrimitiveType } from '../../contracts/schema.ts';
import { decimalParts, fixedLength } from '../../contracts/schema.ts';

/**
 * Lower and upper bounds of a column as data files carry them: Iceberg spec, appendix D, "Binary single-value
 * serialization". The input is a value as DuckDB prints it in UTC. Undefined means "no bound", which is always
 * correct; a wrong bound would hide rows from readers.
 */
export function lowerBound(type: PrimitiveType, text: string, truncateTo: number): Buffer | undefined {
  if (type === 'string') return Buffer.from(codePoints(text).slice(0, truncateTo).join(''));
  const bytes = serialise(type, text, 'lower');
  return isBytes(type) ? bytes?.subarray(0, truncateTo) : bytes;
}

/** Like `lowerBound`; what is cut off is made up for by the next greater value of the kept part. */
export function upperBound(type: PrimitiveType, text: string, truncateTo: number): Buffer | undefined {
  if (type === 'string') return upperString(text, truncateTo);
  const bytes = serialise(type, text, 'upper');
  return isBytes(type) && bytes !== undefined && bytes.length > truncateTo
    ? nextGreaterBytes(bytes.subarray(0, truncateTo))
    : bytes;
}

type Side = 'lower' | 'upper';

function isBytes(type: PrimitiveType): boolean {
  return type === 'binary' || fixedLength(type) !== undefined;
}

const MICROS_PER_DAY = 86_400_000_000n;

function serialise(type: PrimitiveType, text: string, side: Side): Buffer | undefined {
  const decimal = decimalParts(type);
  if (decimal) return bigEndian(unscaled(text, decimal.scale));
  if (isBytes(type)) return Buffer.from(text, 'hex');
  switch (type) {
    case 'boolean':
      return Buffer.from([text === 'true' || text === '1' ? 1 : 0]);
    case 'int':
      return int32(Number(text));
    case 'long':
      return int64(BigInt(text));
    case 'float':
    case 'double':
      return floating(type, text, side);
    case 'date':
      return int32(days(text));
    case 'time': {
      const micros = microsOfDay(text);
      return micros === undefined || micros >= MICROS_PER_DAY ? undefined : int64(micros);
    }
    case 'timestamp':
    case 'timestamptz':
      return int64(micros(text));
    case 'uuid':
      return Buffer.from(text.replaceAll('-', ''), 'hex');
    default:
      return undefined;
  }
}

function int32(value: number | undefined): Buffer | undefined {
  if (value === undefined) return undefined;
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function int64(value: bigint | undefined): Buffer | undefined {
  if (value === undefined || value !== BigInt.asIntN(64, value)) return undefined;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

const INFINITIES: Readonly<Record<string, number>> = { inf: Infinity, '-inf': -Infinity };

function floating(type: 'float' | 'double', text: string, side: Side): Buffer | undefined {
  const value = INFINITIES[text] ?? Number(text);
  if (Number.isNaN(value)) return undefined;
  // -0.0 sorts before 0.0 and DuckDB holds them for equal, so that either may stand for both.
  const bound = value === 0 ? (side === 'lower' ? -0 : 0) : value;
  const bytes = Buffer.alloc(type === 'float' ? 4 : 8);
  if (type === 'float') bytes.writeFloatLE(bound);
  else bytes.writeDoubleLE(bound);
  return bytes;
}

const DATE = /^(\d+)-(\d\d)-(\d\d)( \(BC\))?$/;

/** Days since 1970-01-01. The algorithm is Howard Hinnant's days_from_civil; `Date` reads the years 0–99 as 19xx. */
function days(text: string): number | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const [month, day] = [Number(match[2]), Number(match[3])];
  const astronomical = match[4] === undefined ? Number(match[1]) : 1 - Number(match[1]);
  const year = month <= 2 ? astronomical - 1 : astronomical;
  const era = Math.floor(year / 400);
  const yearOfEra = year - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

const TIME = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/;

function microsOfDay(text: string): bigint | undefined {
  const match = TIME.exec(text);
  if (!match) return undefined;
  const seconds = Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
  return BigInt(seconds) * 1_000_000n + BigInt((match[4] ?? '').padEnd(6, '0'));
}

/** Microseconds since 1970-01-01T00:00:00. */
function micros(text: string): bigint | undefined {
  const match = /^(.+) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00)?$/.exec(text);
  const day = days(match?.[1] ?? '');
  const time = microsOfDay(match?.[2] ?? '');
  return day === undefined || time === undefined ? undefined : BigInt(day) * MICROS_PER_DAY + time;
}

function unscaled(text: string, scale: number): bigint {
  const negative = text.startsWith('-');
  const [whole = '', fraction = ''] = text.replace(/^-/, '').split('.');
  const digits = BigInt(`${whole}${fraction.padEnd(scale, '0')}`);
  return negative ? -digits : digits;
}

/** Two's complement, big-endian, in as few bytes as hold the value. */
function bigEndian(value: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length += 1;
  const hex = BigInt.asUintN(length * 8, value)
    .toString(16)
    .padStart(length * 2, '0');
  return Buffer.from(hex, 'hex');
}

function codePoints(text: string): string[] {
  return [...text];
}

function upperString(text: string, truncateTo: number): Buffer | undefined {
  const all = codePoints(text);
  if (all.length <= truncateTo) return Buffer.from(text);
  const kept = all.slice(0, truncateTo);
  for (let last = kept.length - 1; last >= 0; last -= 1) {
    const next = nextCodePoint(kept[last] ?? '');
    if (next !== undefined) return Buffer.from([...kept.slice(0, last), next].join(''));
  }
  return undefined;
}

/** The next code point that UTF-8 can encode; surrogates are skipped. */
function nextCodePoint(character: string): string | undefined {
  const next = (character.codePointAt(0) ?? 0) + 1;
  if (next > 0x10ffff) return undefined;
  return String.fromCodePoint(next === 0xd800 ? 0xe000 : next);
}

function nextGreaterBytes(bytes: Buffer): Buffer | undefined {
  for (let last = bytes.length - 1; last >= 0; last -= 1) {
    const byte = bytes[last] ?? 0;
    if (byte < 0xff) return Buffer.concat([bytes.subarray(0, last), Buffer.from([byte + 1])]);
  }
  return undefined;
}
