import type { WireColumn } from './type-rules.ts';
import { isBytes, typeNameOf } from './type-rules.ts';
import { lengthAt, momentAt, prefixAt, uint8 } from './wire.ts';

/** A value in a row's binary form as text. */
export interface TextValue {
  readonly text: string;
  /** In the SQL of MySQL. */
  readonly sql: string;
  /** Where the next value begins. */
  readonly end: number;
}

const LENGTHS: Readonly<Record<number, number>> = { 1: 1, 2: 2, 13: 2, 3: 4, 9: 4, 4: 4, 8: 8, 5: 8 };
const DATE = 10;
const MOMENTS = [7, DATE, 12];

/** Slow: for single rows, where the columns' buffers are of no use. */
export function valueText(column: WireColumn, source: Uint8Array, at: number): TextValue {
  const { columnType } = column;
  const length = LENGTHS[columnType];
  if (length !== undefined) {
    const text = numberText(column, new DataView(source.buffer, source.byteOffset + at, length));
    return { text, sql: text, end: at + length };
  }
  if (MOMENTS.includes(columnType)) {
    const text = momentText(source, at, columnType === DATE);
    return { text, sql: `'${text}'`, end: at + 1 + uint8(source, at) };
  }
  const from = at + prefixAt(source, at);
  const end = from + lengthAt(source, at);
  const bytes = Buffer.from(source.subarray(from, end));
  const name = typeNameOf(column);
  if (name.startsWith('decimal')) return { text: bytes.toString('latin1'), sql: bytes.toString('latin1'), end };
  const hex = bytes.toString('hex');
  const isBinary = isBytes(column) || name.startsWith('bit');
  if (isBinary) return { text: hex, sql: hex === '' ? `''` : `X'${hex}'`, end };
  return { text: bytes.toString('utf8'), sql: hex === '' ? `_utf8mb4''` : `_utf8mb4 X'${hex}'`, end };
}

function numberText(column: WireColumn, view: DataView): string {
  const isUnsigned = typeNameOf(column).endsWith('unsigned') || column.columnType === 13;
  switch (column.columnType) {
    case 4:
      return String(view.getFloat32(0, true));
    case 5:
      return String(view.getFloat64(0, true));
    case 8:
      return String(isUnsigned ? view.getBigUint64(0, true) : view.getBigInt64(0, true));
    default:
  }
  if (view.byteLength === 1) return String(isUnsigned ? view.getUint8(0) : view.getInt8(0));
  if (view.byteLength === 2) return String(isUnsigned ? view.getUint16(0, true) : view.getInt16(0, true));
  return String(isUnsigned ? view.getUint32(0, true) : view.getInt32(0, true));
}

function momentText(source: Uint8Array, at: number, isDate: boolean): string {
  const { year, month, day, hour, minute, second, micros } = momentAt(source, at);
  const digits = (value: number, length: number) => String(value).padStart(length, '0');
  const date = `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
  if (isDate) return date;
  const fraction = micros === 0 ? '' : `.${digits(micros, 6)}`;
  return `${date} ${digits(hour, 2)}:${digits(minute, 2)}:${digits(second, 2)}${fraction}`;
}
