import type { PrimitiveType } from '../../contracts/schema.ts';
import { decimalParts, fixedLength } from '../../contracts/schema.ts';
import { daysFromCivil } from './civil-date.ts';

/**
 * One value of a column, as numbers and bytes say it: int and date (days) are numbers; long, time and both timestamps
 * (microseconds) and decimals (unscaled) are bigint; uuid, binary and fixed are bytes.
 */
export type SingleValue = boolean | number | bigint | string | Buffer;

export const MICROS_PER_DAY = 86_400_000_000n;

/**
 * A value as DuckDB prints it in UTC (bytes as hexadecimal digits). Undefined for what no Iceberg value can say, such
 * as infinity as a timestamp.
 */
export function fromText(type: PrimitiveType, text: string): SingleValue | undefined {
  const decimal = decimalParts(type);
  if (decimal) return unscaled(text, decimal.scale);
  if (isBytes(type)) return Buffer.from(text, 'hex');
  switch (type) {
    case 'boolean':
      return text === 'true' || text === '1';
    case 'int':
      return Number(text);
    case 'long':
      return BigInt(text);
    case 'float':
    case 'double':
      return INFINITIES[text] ?? Number(text);
    case 'date':
      return days(text);
    case 'time': {
      const micros = microsOfDay(text);
      return micros === undefined || micros >= MICROS_PER_DAY ? undefined : micros;
    }
    case 'timestamp':
    case 'timestamptz':
      return micros(text);
    case 'uuid':
      return Buffer.from(text.replaceAll('-', ''), 'hex');
    case 'string':
      return text;
    default:
      return undefined;
  }
}

/** Iceberg spec, appendix D, "Binary single-value serialization". Undefined for what the type cannot hold. */
export function toBytes(type: PrimitiveType, value: SingleValue): Buffer | undefined {
  if (Buffer.isBuffer(value)) return value;
  if (typeof value === 'string') return Buffer.from(value);
  if (typeof value === 'boolean') return Buffer.from([value ? 1 : 0]);
  if (decimalParts(type)) return bigEndian(BigInt(value));
  switch (type) {
    case 'int':
    case 'date':
      return int32(Number(value));
    case 'float':
    case 'double':
      return floating(type, Number(value));
    default:
      return int64(BigInt(value));
  }
}

/** The other way round. A value of a type that the column was promoted from is read as well (int of a long). */
export function fromBytes(type: PrimitiveType, bytes: Buffer): SingleValue {
  if (decimalParts(type)) return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex') || '0'}`));
  switch (type) {
    case 'boolean':
      return bytes[0] !== 0;
    case 'int':
    case 'date':
      return bytes.readInt32LE();
    case 'float':
      return bytes.readFloatLE();
    case 'double':
      return bytes.length === 4 ? bytes.readFloatLE() : bytes.readDoubleLE();
    case 'long':
      return bytes.length === 4 ? BigInt(bytes.readInt32LE()) : bytes.readBigInt64LE();
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return bytes.readBigInt64LE();
    case 'string':
      return bytes.toString();
    default:
      return bytes;
  }
}

/** The order of values that bounds are in: texts by their UTF-8 bytes, bytes as unsigned ones. */
export function compareValues(a: SingleValue, b: SingleValue): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (Buffer.isBuffer(a) && Buffer.isBuffer(b)) return Buffer.compare(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

export function isBytes(type: PrimitiveType): boolean {
  return type === 'binary' || fixedLength(type) !== undefined;
}

function int32(value: number): Buffer | undefined {
  if (value !== (value | 0)) return undefined;
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function int64(value: bigint): Buffer | undefined {
  if (value !== BigInt.asIntN(64, value)) return undefined;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

const INFINITIES: Readonly<Record<string, number>> = { inf: Infinity, '-inf': -Infinity, nan: NaN };

function floating(type: 'float' | 'double', value: number): Buffer {
  const bytes = Buffer.alloc(type === 'float' ? 4 : 8);
  if (type === 'float') bytes.writeFloatLE(value);
  else bytes.writeDoubleLE(value);
  return bytes;
}

const DATE = /^(\d+)-(\d\d)-(\d\d)( \(BC\))?$/;

function days(text: string): number | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const year = match[4] === undefined ? Number(match[1]) : 1 - Number(match[1]);
  return daysFromCivil({ year, month: Number(match[2]), day: Number(match[3]) });
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
export function bigEndian(value: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length += 1;
  return bigEndianOf(value, length);
}

/** The same in a given number of bytes, which must hold it. */
export function bigEndianOf(value: bigint, length: number): Buffer {
  const hex = BigInt.asUintN(length * 8, value)
    .toString(16)
    .padStart(length * 2, '0');
  return Buffer.from(hex, 'hex');
}
