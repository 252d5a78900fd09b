import type { ColumnBuffer } from './column-buffer.ts';

/** Writes values into a column's buffer, in the forms that a landing file keeps them in. */
export function putByte(buffer: ColumnBuffer, value: number): void {
  buffer.room(1);
  buffer.bytes[buffer.end] = value;
  buffer.end += 1;
  buffer.addValue();
}

export function putInt32(buffer: ColumnBuffer, value: number): void {
  buffer.room(4);
  buffer.view.setInt32(buffer.end, value, true);
  buffer.end += 4;
  buffer.addValue();
}

/** Both are 32-bit integers, since a larger number as an argument may become an object on the heap. */
export function putInt64(buffer: ColumnBuffer, high: number, low: number): void {
  buffer.room(8);
  buffer.view.setInt32(buffer.end, low, true);
  buffer.view.setInt32(buffer.end + 4, high, true);
  buffer.end += 8;
  buffer.addValue();
}

/** A decimal's digits as one integer: 8 bytes for up to 18 digits, 16 with the highest first for more. */
export function putDecimal(buffer: ColumnBuffer, precision: number, value: bigint): void {
  if (precision <= 18) {
    buffer.room(8);
    buffer.view.setBigInt64(buffer.end, value, true);
    buffer.end += 8;
  } else {
    buffer.room(16);
    buffer.view.setBigInt64(buffer.end, value >> 64n, false);
    buffer.view.setBigUint64(buffer.end + 8, value & 0xffff_ffff_ffff_ffffn, false);
    buffer.end += 16;
  }
  buffer.addValue();
}

/** A call for so few bytes costs more than a loop. */
const LONG_COPY = 48;

export function putBytes(buffer: ColumnBuffer, source: Uint8Array, at: number, length: number): void {
  buffer.room(length);
  const { bytes, end } = buffer;
  if (length > LONG_COPY) bytes.set(source.subarray(at, at + length), end);
  else for (let i = 0; i < length; i += 1) bytes[end + i] = source[at + i] ?? 0;
  buffer.end = end + length;
}

/** Text in UTF-8, or bytes. */
export function putText(buffer: ColumnBuffer, source: Uint8Array, at: number, length: number): void {
  buffer.room(length + 4);
  buffer.view.setInt32(buffer.end, length, true);
  buffer.end += 4;
  putBytes(buffer, source, at, length);
  buffer.addValue();
}
