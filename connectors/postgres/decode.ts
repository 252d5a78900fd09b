import type { ColumnBuffer } from '../landing/column-buffer.ts';
import { putByte, putBytes, putDecimal, putInt32, putInt64, putText } from '../landing/put.ts';
import { Unrepresentable } from '../landing/unrepresentable.ts';

/**
 * Writes a value that Postgres sent in its binary form into a column's buffer. `at` and `length` say where in `source`
 * it is. Throws `Unrepresentable` for a value that the column's type cannot hold.
 */
export type Decode = (buffer: ColumnBuffer, source: Uint8Array, at: number, length: number) => void;

const byte = (source: Uint8Array, at: number): number => source[at] ?? 0;
const int16 = (source: Uint8Array, at: number): number => ((byte(source, at) << 24) >> 16) | byte(source, at + 1);
const uint16 = (source: Uint8Array, at: number): number => (byte(source, at) << 8) | byte(source, at + 1);

/** Big-endian, signed. */
export function int32(source: Uint8Array, at: number): number {
  return (byte(source, at) << 24) | (byte(source, at + 1) << 16) | (byte(source, at + 2) << 8) | byte(source, at + 3);
}

function putReversed(buffer: ColumnBuffer, source: Uint8Array, at: number, length: number): void {
  buffer.room(length);
  const { bytes, end } = buffer;
  for (let i = 0; i < length; i += 1) bytes[end + i] = byte(source, at + length - 1 - i);
  buffer.end = end + length;
  buffer.addValue();
}

/** Postgres counts days and microseconds from 2000-01-01. */
const EPOCH_DAYS = 10_957;
const EPOCH_MICROSECONDS = 946_684_800_000_000;
const EPOCH_HIGH = Math.floor(EPOCH_MICROSECONDS / 2 ** 32);
const EPOCH_LOW = EPOCH_MICROSECONDS % 2 ** 32;
/** The highest and the lowest value are infinity in Postgres; in DuckDB the highest, and one above the lowest. */
const INT32_MAX = 0x7fffffff;
const INT32_MIN = -0x80000000;

function timestamp(buffer: ColumnBuffer, source: Uint8Array, at: number): void {
  const high = int32(source, at);
  const low = int32(source, at + 4);
  if (high === INT32_MAX && low === -1) putInt64(buffer, high, low);
  else if (high === INT32_MIN && low === 0) putInt64(buffer, high, 1);
  else {
    const sum = (low >>> 0) + EPOCH_LOW;
    const carried = high + EPOCH_HIGH + (sum >= 2 ** 32 ? 1 : 0);
    if (carried > INT32_MAX) throw new Unrepresentable('a time beyond the year 290,000');
    putInt64(buffer, carried, sum % 2 ** 32);
  }
}

const NEGATIVE = 0x4000;
const NOT_A_NUMBER = 0xc000;
/** So many digits are exact as a number. */
const EXACT_DIGITS = 15;
const BASE = 10_000;
const BASE_DIGITS = 4;

/**
 * A numeric is its digits to the base of 10,000, the highest first; `weight` is the power of the first. The last one is
 * not zero, so it reaches at most three decimal digits beyond the scale.
 */
export function decimal(precision: number, scale: number): Decode {
  return (buffer, source, at) => {
    const digits = int16(source, at);
    const weight = int16(source, at + 2);
    const sign = uint16(source, at + 4);
    if (sign > NEGATIVE) throw new Unrepresentable(sign === NOT_A_NUMBER ? 'NaN' : 'infinity');
    // The power of ten of the last digit, counted from the last place that the column keeps.
    const last = BASE_DIGITS * (weight - digits + 1) + scale;
    if (digits > 0 && (last <= -BASE_DIGITS || BASE_DIGITS * weight + scale > precision + BASE_DIGITS)) {
      throw new Unrepresentable('a number with more digits than its column');
    }
    if (precision <= EXACT_DIGITS) {
      let value = 0;
      for (let i = 0; i < digits; i += 1) {
        const digit = uint16(source, at + 8 + 2 * i);
        if (i < digits - 1) value = value * BASE + digit;
        else if (last >= 0) value = (value * BASE + digit) * 10 ** last;
        else value = value * 10 ** (BASE_DIGITS + last) + digit / 10 ** -last;
      }
      if (sign === NEGATIVE) value = -value;
      const high = Math.floor(value / 2 ** 32);
      putInt64(buffer, high, value - high * 2 ** 32);
      return;
    }
    let value = 0n;
    for (let i = 0; i < digits; i += 1) {
      const digit = uint16(source, at + 8 + 2 * i);
      if (i < digits - 1) value = value * 10_000n + BigInt(digit);
      else if (last >= 0) value = (value * 10_000n + BigInt(digit)) * 10n ** BigInt(last);
      else value = value * 10n ** BigInt(BASE_DIGITS + last) + BigInt(digit / 10 ** -last);
    }
    if (sign === NEGATIVE) value = -value;
    putDecimal(buffer, precision, value);
  };
}

/** How the binary forms are read, by the names of Postgres' types (their `…send` functions). */
export const DECODE = {
  bool: (buffer, source, at) => putByte(buffer, byte(source, at)),
  int2: (buffer, source, at) => putInt32(buffer, int16(source, at)),
  int4: (buffer, source, at) => putInt32(buffer, int32(source, at)),
  int8: (buffer, source, at) => putInt64(buffer, int32(source, at), int32(source, at + 4)),
  float4: (buffer, source, at) => putReversed(buffer, source, at, 4),
  float8: (buffer, source, at) => putReversed(buffer, source, at, 8),
  date: (buffer, source, at) => {
    const days = int32(source, at);
    if (days === INT32_MAX) putInt32(buffer, days);
    else putInt32(buffer, days === INT32_MIN ? days + 1 : days + EPOCH_DAYS);
  },
  time: (buffer, source, at) => putInt64(buffer, int32(source, at), int32(source, at + 4)),
  timestamp,
  timestamptz: timestamp,
  text: putText,
  bytea: putText,
  uuid: (buffer, source, at) => {
    putBytes(buffer, source, at, 16);
    buffer.addValue();
  },
} as const satisfies Readonly<Record<string, Decode>>;
