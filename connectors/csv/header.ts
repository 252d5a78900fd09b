import { fail } from '../../contracts/errors.ts';
import type { TextRecord } from './dialect.ts';
import { notCsv } from './file-kind.ts';

/** Names of the columns of a file without a header, or of fields whose name is empty: by their place, from 1. */
export function placeName(index: number): string {
  return `column_${index + 1}`;
}

/**
 * The names that a header gives to the columns, without the spaces around them.
 * Errors: SOURCE_NOT_CSV, DUPLICATE_COLUMN where two are one name to a SQL engine, which does not tell upper from lower case.
 */
export function headerNames(record: TextRecord, path: string): string[] {
  const names = record.map(({ text }, index) => text.replace(/^\ufeff/, '').trim() || placeName(index));
  // DuckDB is told names as texts that end with a zero.
  if (names.some((name) => name.includes('\0'))) throw notCsv(path, 'a zero byte in the names of its columns');
  const seen = new Map<string, string>();
  for (const name of names) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) throw duplicate(path, other, name);
    seen.set(name.toLowerCase(), name);
  }
  return names;
}

/** Names for a file without a header: the contract's, when it has as many columns, or else by place. */
export function placeNames(fields: number, contract: readonly string[]): string[] {
  return contract.length === fields ? [...contract] : Array.from({ length: fields }, (_, index) => placeName(index));
}

function duplicate(path: string, one: string, other: string) {
  const both = one === other ? `"${one}" twice` : `"${one}" and "${other}", which differ only in the case of letters`;
  return fail('DUPLICATE_COLUMN', {
    received: `${path}: its header has ${both}`,
    expected: 'columns with names of their own',
    next: 'rename one of them in the file',
  });
}
