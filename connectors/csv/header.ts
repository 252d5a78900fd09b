import { fail } from '../../contracts/errors.ts';
import type { TextRecord } from './dialect.ts';
import { looksLikeValue } from './infer-type.ts';

/** Whether a first record holds names: none of its fields looks like a value, and not all of them are empty. */
export function looksLikeHeader(first: TextRecord): boolean {
  const texts = first.map(({ text }) => text.trim());
  return texts.some((text) => text !== '') && !texts.some((text) => text !== '' && looksLikeValue(text));
}

/** Names of the columns of a file without a header, or of fields whose name is empty: by their place, from 1. */
function placeName(index: number): string {
  return `column_${index + 1}`;
}

/**
 * The names that a header gives to the columns, without the spaces around them.
 * Errors: DUPLICATE_COLUMN where two are one name to a SQL engine, which does not tell upper from lower case.
 */
export function headerNames(record: TextRecord, path: string): string[] {
  const names = record.map(({ text }, index) => text.replace(/^\ufeff/, '').trim() || placeName(index));
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
