/**
 * Reads the binary form of a row (manual of MySQL, "Binary Protocol Resultset Row"): integers little-endian, texts
 * behind their length.
 */
const byte = (source: Uint8Array, at: number): number => source[at] ?? 0;

export const uint8 = byte;

export function uint16(source: Uint8Array, at: number): number {
  return byte(source, at) | (byte(source, at + 1) << 8);
}

/** Signed. */
export function int32(source: Uint8Array, at: number): number {
  return byte(source, at) | (byte(source, at + 1) << 8) | (byte(source, at + 2) << 16) | (byte(source, at + 3) << 24);
}

const ONE_BYTE = 251;
const TWO_BYTES = 252;
const THREE_BYTES = 253;

/** The length of what begins at `at`, in bytes. */
export function lengthAt(source: Uint8Array, at: number): number {
  const first = byte(source, at);
  if (first < ONE_BYTE) return first;
  if (first === TWO_BYTES) return uint16(source, at + 1);
  if (first === THREE_BYTES) return uint16(source, at + 1) | (byte(source, at + 3) << 16);
  return (int32(source, at + 1) >>> 0) + (int32(source, at + 5) >>> 0) * 2 ** 32;
}

/** How many bytes the length itself takes. */
export function prefixAt(source: Uint8Array, at: number): number {
  const first = byte(source, at);
  if (first < ONE_BYTE) return 1;
  return first === TWO_BYTES ? 3 : first === THREE_BYTES ? 4 : 9;
}

/** A date or a date with a time; parts that the server leaves out are zero. */
export interface Moment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly micros: number;
}

export function momentAt(source: Uint8Array, at: number): Moment {
  const length = byte(source, at);
  const has = (bytes: number) => length >= bytes;
  return {
    year: has(4) ? uint16(source, at + 1) : 0,
    month: has(4) ? byte(source, at + 3) : 0,
    day: has(4) ? byte(source, at + 4) : 0,
    hour: has(7) ? byte(source, at + 5) : 0,
    minute: has(7) ? byte(source, at + 6) : 0,
    second: has(7) ? byte(source, at + 7) : 0,
    micros: has(11) ? int32(source, at + 8) : 0,
  };
}

const DAYS_OF_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Days from 1970-01-01, or undefined for a date that no calendar has: a zero date, one without month or day, or a day
 * that the month does not have (`ALLOW_INVALID_DATES`). The year 0 is one of them: no reader of the lake knows it.
 */
export function daysOf(year: number, month: number, day: number): number | undefined {
  const last = month === 2 && !isLeap(year) ? 28 : DAYS_OF_MONTH[month - 1];
  if (year < 1 || last === undefined || day < 1 || day > last) return undefined;
  // Years begin in March here, so that a leap day is the last of its year (H. Hinnant, "chrono-Compatible Low-Level
  // Date Algorithms", days_from_civil).
  const y = month > 2 ? year : year - 1;
  const century = Math.floor(y / 100);
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return y * 365 + (y >> 2) - century + (century >> 2) + dayOfYear - EPOCH;
}

/** 1970-01-01, counted from 0000-03-01. */
const EPOCH = 719_468;

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}
