import type { RunOptions } from '../../contracts/run.ts';
import type { ColumnType } from '../../contracts/schema.ts';

/**
 * True for a window with rows that a later run, which goes on from the checkpoint, would read again: those that are
 * not below the highest cursor.
 */
export function reachesAhead({ to }: RunOptions, highest: string | undefined, type: ColumnType | undefined): boolean {
  return to === undefined || highest === undefined || !isBelow(to, highest, type);
}

/** Equal to the millisecond is not below: finer than that is not worth reading a text for. */
function isBelow(to: string, cursor: string, type: ColumnType | undefined): boolean {
  if (type === 'int' || type === 'long') return BigInt(to) <= BigInt(cursor);
  return moment(to) < moment(cursor);
}

/** Milliseconds since 1970; a time without a zone is one in UTC. */
function moment(text: string): number {
  const iso = text.replace(' ', 'T');
  return Date.parse(iso.includes('T') && !/(?:Z|[+-]\d{2}(?::?\d{2})?)$/.test(iso) ? `${iso}Z` : iso);
}
