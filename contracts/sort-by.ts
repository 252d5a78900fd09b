import { unquoted } from './partition-by.ts';

/** One column that the rows of a data file are sorted by. */
export interface SortField {
  readonly column: string;
  readonly direction: 'asc' | 'desc';
  readonly nulls: 'first' | 'last';
}

/** What a text of `sort_by` was expected to be. */
export const SORT_FIELD_EXPECTED =
  'a column, then asc or desc, then nulls first or nulls last, such as "amount desc nulls last"';

const WORDS = /^(.+?)(?:\s+(asc|desc))?(?:\s+nulls\s+(first|last))?$/i;

/**
 * Reads `amount`, `amount desc`, `amount desc nulls last`. Nulls come first in an ascending and last in a descending
 * order, as in Iceberg itself. Undefined for what cannot be read.
 */
export function parseSortField(text: string): SortField | undefined {
  const match = WORDS.exec(text.trim());
  const column = unquoted(match?.[1] ?? '');
  if (match === null || column === '' || /\s(asc|desc|nulls)\b/i.test(column)) return undefined;
  const direction = match[2]?.toLowerCase() === 'desc' ? 'desc' : 'asc';
  const nulls = match[3]?.toLowerCase() ?? (direction === 'asc' ? 'first' : 'last');
  return { column, direction, nulls: nulls === 'first' ? 'first' : 'last' };
}

/** As the user writes it, in full. */
export function showSortField({ column, direction, nulls }: SortField): string {
  return `${column} ${direction} nulls ${nulls}`;
}
