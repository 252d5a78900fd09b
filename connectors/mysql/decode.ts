import type { ColumnBuffer } from '../landing/column-buffer.ts';
import { putByte, putBytes, putDecimal, putInt32, putInt64, putText } from '../landing/put.ts';
import { Unrepresentable } from '../landing/unrepresentable.ts';
import { daysOf, int32, lengthAt, prefixAt, uint8, uint16 } from './wire.ts';

/**
 * Writes the value that begins at `at` in a row's binary form into a column's buffer and gives where the next one
 * begins. Throws `Unrepresentable` for a value that the column's type cannot hold.
 */
export type Decode = (buffer: ColumnBuffer, source: Uint8Array, at: number) => number;

export const NO_DATE = 'a date that is in no calendar';
const HIGH = 2 ** 32;
const SIX_BITS = 64;
const SECONDS_A_DAY = 86_400;

function putSameBytes(length: number): Decode {
  return (buffer, source, at) => {
    putBytes(buffer, source, at, length);
    buffer.addValue();
    return at + length;
  };
}

const text: Decode = (buffer, source, at) => {
  const length = lengthAt(source, at);
  const from = at + prefixAt(source, at);
  putText(buffer, source, from, length);
  return from + length;
};

/** What becomes of a date that is in no calendar: nothing, or the row is kept aside. */
export type OfNoDate = 'null' | 'refuse';

function noDate(rule: OfNoDate, buffer: ColumnBuffer): void {
  if (rule === 'refuse') throw new Unrepresentable(NO_DATE);
  buffer.addNull();
}

export function date(rule: OfNoDate): Decode {
  return (buffer, source, at) => {
    const length = uint8(source, at);
    const days = length < 4 ? undefined : daysOf(uint16(source, at + 1), uint8(source, at + 3), uint8(source, at + 4));
    if (days === undefined) noDate(rule, buffer);
    else putInt32(buffer, days);
    return at + 1 + length;
  };
}

/**
 * Microseconds from 1970, which are more than a number holds exactly: seconds times 15,625 times 2⁶. The server leaves
 * out what is zero at the end.
 */
export function dateTime(rule: OfNoDate): Decode {
  return (buffer, source, at) => {
    const length = uint8(source, at);
    const days = length < 4 ? undefined : daysOf(uint16(source, at + 1), uint8(source, at + 3), uint8(source, at + 4));
    if (days === undefined) noDate(rule, buffer);
    else {
      let seconds = days * SECONDS_A_DAY;
      if (length >= 7) {
        seconds += uint8(source, at + 5) * 3600 + uint8(source, at + 6) * 60 + uint8(source, at + 7);
      }
      const sixtyFourths = seconds * 15_625;
      const high = Math.floor(sixtyFourths / (HIGH / SIX_BITS));
      const low = (sixtyFourths - high * (HIGH / SIX_BITS)) * SIX_BITS + (length >= 11 ? int32(source, at + 8) : 0);
      putInt64(buffer, low < HIGH ? high : high + 1, low | 0);
    }
    return at + 1 + length;
  };
}

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
/** So many digits are exact as a number. */
const EXACT_DIGITS = 15;
const LIMB = 10n ** BigInt(EXACT_DIGITS);

/** A decimal comes as text. The server writes as many decimal places as the column has. */
export function decimal(precision: number, scale: number): Decode {
  return (buffer, source, at) => {
    const length = lengthAt(source, at);
    const from = at + prefixAt(source, at);
    const end = from + length;
    const isNegative = source[from] === MINUS;
    let places = -1;
    let limb = 0;
    let digits = 0;
    let significant = 0;
    let above = 0n;
    for (let i = isNegative ? from + 1 : from; i < end; i += 1) {
      const code = source[i] ?? 0;
      if (code === POINT) {
        places = 0;
        continue;
      }
      if (places >= 0) places += 1;
      // As many as there are places come before the first digit that counts, and one more.
      if (code === ZERO && significant === 0) continue;
      significant += 1;
      if (digits === EXACT_DIGITS) {
        above = above * LIMB + BigInt(limb);
        limb = 0;
        digits = 0;
      }
      limb = limb * 10 + code - ZERO;
      digits += 1;
    }
    if (Math.max(places, 0) !== scale || significant > precision) {
      throw new Unrepresentable('a number with other digits than its column');
    }
    if (precision <= EXACT_DIGITS) {
      const value = isNegative ? -limb : limb;
      const high = Math.floor(value / HIGH);
      putInt64(buffer, high, (value - high * HIGH) | 0);
    } else {
      const value = above * 10n ** BigInt(digits) + BigInt(limb);
      putDecimal(buffer, precision, isNegative ? -value : value);
    }
    return end;
  };
}

/** Bits come as bytes, the highest first. */
function bits(source: Uint8Array, at: number): bigint {
  let value = 0n;
  for (let i = 1; i <= uint8(source, at); i += 1) value = (value << 8n) | BigInt(uint8(source, at + i));
  return value;
}

/** How the binary forms are read that need to know nothing else. */
export const DECODE = {
  tinyint: (buffer, source, at) => {
    putInt32(buffer, (uint8(source, at) << 24) >> 24);
    return at + 1;
  },
  unsignedTinyint: (buffer, source, at) => {
    putInt32(buffer, uint8(source, at));
    return at + 1;
  },
  smallint: (buffer, source, at) => {
    putInt32(buffer, (uint16(source, at) << 16) >> 16);
    return at + 2;
  },
  unsignedSmallint: (buffer, source, at) => {
    putInt32(buffer, uint16(source, at));
    return at + 2;
  },
  int: putSameBytes(4),
  unsignedInt: (buffer, source, at) => {
    putInt64(buffer, 0, int32(source, at));
    return at + 4;
  },
  bigint: putSameBytes(8),
  unsignedBigint: (buffer, source, at) => {
    buffer.room(16);
    buffer.bytes.fill(0, buffer.end, buffer.end + 8);
    for (let i = 0; i < 8; i += 1) buffer.bytes[buffer.end + 8 + i] = uint8(source, at + 7 - i);
    buffer.end += 16;
    buffer.addValue();
    return at + 8;
  },
  float: putSameBytes(4),
  double: putSameBytes(8),
  bit: (buffer, source, at) => {
    putByte(buffer, Number(bits(source, at)));
    return at + 1 + uint8(source, at);
  },
  bits: (buffer, source, at) => {
    putDecimal(buffer, 18, bits(source, at));
    return at + 1 + uint8(source, at);
  },
  allBits: (buffer, source, at) => {
    putDecimal(buffer, 20, bits(source, at));
    return at + 1 + uint8(source, at);
  },
  text,
  uuid: (buffer, source, at) => {
    const from = at + prefixAt(source, at);
    const end = from + lengthAt(source, at);
    buffer.room(16);
    let high = -1;
    for (let i = from; i < end; i += 1) {
      const digit = hexDigit(source[i] ?? 0);
      if (digit < 0) continue;
      if (high < 0) high = digit;
      else {
        buffer.bytes[buffer.end] = (high << 4) | digit;
        buffer.end += 1;
        high = -1;
      }
    }
    buffer.addValue();
    return end;
  },
} as const satisfies Readonly<Record<string, Decode>>;

/** -1 for what stands between the digits. */
function hexDigit(code: number): number {
  if (code >= ZERO && code < ZERO + 10) return code - ZERO;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}
