import type { PrimitiveType } from '../../contracts/schema.ts';
import { decimalParts, fixedLength } from '../../contracts/schema.ts';
import { literal } from '../duckdb/sql.ts';
import { toDuckDb } from '../duckdb/type-names.ts';

/**
 * A bound of a data file as a SQL expression of the column's type: the way back from `bounds.ts` (Iceberg spec, appendix
 * D). A column that was widened since (int to long, float to double) has bounds in its former type, which their length
 * tells. Undefined for bytes that are no value of the type.
 */
export function boundSql(type: PrimitiveType, bytes: Buffer): string | undefined {
  const text = boundText(type, bytes);
  return text === undefined ? undefined : `CAST(${text} AS ${toDuckDb(type)})`;
}

function boundText(type: PrimitiveType, bytes: Buffer): string | undefined {
  const decimal = decimalParts(type);
  if (decimal) return bytes.length === 0 ? undefined : literal(withPoint(signed(bytes), decimal.scale));
  if (type === 'binary' || fixedLength(type) !== undefined) return `from_hex(${literal(bytes.toString('hex'))})`;
  switch (type) {
    case 'boolean':
      return bytes.length === 1 ? String(bytes[0] !== 0) : undefined;
    case 'int':
    case 'long':
      return wholeNumber(bytes);
    case 'float':
    case 'double':
      return floating(bytes);
    case 'date':
      return withNumber(bytes, (days) => `DATE '1970-01-01' + (${days})`);
    case 'time':
      return withNumber(bytes, (micros) => `TIME '00:00:00' + to_microseconds(${micros})`);
    case 'timestamp':
    case 'timestamptz':
      return withNumber(bytes, (micros) => `make_timestamp(${micros})`);
    case 'string':
      return literal(bytes.toString('utf8'));
    case 'uuid':
      return bytes.length === 16 ? literal(bytes.toString('hex')) : undefined;
    default:
      return undefined;
  }
}

function wholeNumber(bytes: Buffer): string | undefined {
  if (bytes.length === 4) return String(bytes.readInt32LE());
  return bytes.length === 8 ? String(bytes.readBigInt64LE()) : undefined;
}

function withNumber(bytes: Buffer, expression: (value: string) => string): string | undefined {
  const value = wholeNumber(bytes);
  return value === undefined ? undefined : expression(value);
}

function floating(bytes: Buffer): string | undefined {
  const value = bytes.length === 4 ? bytes.readFloatLE() : bytes.length === 8 ? bytes.readDoubleLE() : NaN;
  return Number.isNaN(value) ? undefined : literal(String(value));
}

/** Two's complement, big-endian. */
function signed(bytes: Buffer): bigint {
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
}

function withPoint(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${unscaled < 0n ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`;
}
