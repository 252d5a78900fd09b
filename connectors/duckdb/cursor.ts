import type { ColumnType } from '../../contracts/schema.ts';
import { literal } from './sql.ts';
import { toDuckDb } from './type-names.ts';

const ORDERED: readonly ColumnType[] = ['int', 'long', 'date', 'timestamp', 'timestamptz'];

/** The types that a cursor can have: those with an order that a 64-bit integer keeps. */
export const CURSOR_TYPES = 'int, long, date, timestamp or timestamptz';

export function isCursorType(type: ColumnType): boolean {
  return ORDERED.includes(type);
}

/** SQL: the cursor of a row as BIGINT (microseconds since 1970 for dates and times), for `RowGate`. */
export function cursorAsInteger(value: string, type: ColumnType): string {
  if (type === 'int' || type === 'long') return `${value}::BIGINT`;
  // Infinity is no point in time to go on from.
  return `CASE WHEN isfinite(${value}) THEN epoch_us(${type === 'date' ? `${value}::TIMESTAMP` : value}) END`;
}

/** A highest cursor from the gate as the text that a checkpoint keeps: digits, or ISO 8601 in UTC. */
export function cursorText(type: ColumnType, value: bigint): string {
  if (type === 'int' || type === 'long') return value.toString();
  const milliseconds = value >= 0n || value % 1000n === 0n ? value / 1000n : value / 1000n - 1n;
  const iso = new Date(Number(milliseconds)).toISOString();
  if (type === 'date') return iso.slice(0, 10);
  const micros = (value - milliseconds * 1000n).toString().padStart(3, '0');
  return `${iso.slice(0, -1)}${micros}${type === 'timestamptz' ? 'Z' : ''}`;
}

/** A bound from a checkpoint, or from `--from` and `--to`, as a typed SQL constant. */
export function cursorLiteral(type: ColumnType, text: string): string {
  return `CAST(${literal(text)} AS ${toDuckDb(type)})`;
}

/** The highest of some cursors of one column, as `cursorText` writes them; undefined if there is none. */
export function highestCursorText(texts: readonly string[]): string | undefined {
  const digits = /^-?\d+$/;
  return texts.reduce<string | undefined>((highest, text) => {
    if (highest === undefined) return text;
    // Points in time are written with one width, so that their text has their order.
    const later = digits.test(text) ? BigInt(text) > BigInt(highest) : text > highest;
    return later ? text : highest;
  }, undefined);
}
