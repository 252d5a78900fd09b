import { fail } from '../../contracts/errors.ts';
import type { SourceSpec } from '../../contracts/job-source.ts';
import type { ColumnType } from '../../contracts/schema.ts';

/** A column of a database, and what it is to the lake. */
export interface FoundColumn {
  readonly name: string;
  /** As the database writes it. */
  readonly sqlType: string;
  /** What it is if the job says nothing. */
  readonly type: ColumnType;
  /** False: nothing in the lake is like it, so that it would be text. */
  readonly isSupported: boolean;
}

/** The columns that a job brings in, with the types that it gives them. Errors: TYPE_UNSUPPORTED, SOURCE_EMPTY. */
export function chooseColumns<C extends FoundColumn>(shown: string, found: readonly C[], source: SourceSpec): C[] {
  const types = source.types ?? {};
  const given = (name: string) => (Object.hasOwn(types, name) ? types[name] : undefined);
  const open = found.filter(({ name, isSupported }) => !isSupported && given(name) === undefined);
  if (open.length > 0 && source.unsupported_types === 'refuse') throw unsupported(shown, open);
  const kept = source.unsupported_types === 'skip' ? found.filter((column) => !open.includes(column)) : found;
  if (kept.length > 0) return kept.map((column) => ({ ...column, type: given(column.name) ?? column.type }));
  throw fail('SOURCE_EMPTY', {
    received: `${shown} without any column that can be brought in`,
    expected: 'at least one',
    next: 'remove it from source.objects',
  });
}

const SHOWN = 10;

function unsupported(shown: string, columns: readonly FoundColumn[]) {
  const names = columns.slice(0, SHOWN).map(({ name, sqlType }) => `${name} (${sqlType})`);
  const more = columns.length > SHOWN ? ` and ${columns.length - SHOWN} more` : '';
  return fail('TYPE_UNSUPPORTED', {
    received: `${shown} with columns that no type of the lake can hold: ${names.join(', ')}${more}`,
    expected: 'columns that it can hold exactly (source.unsupported_types: refuse)',
    next: 'give them a type in source.types, or write unsupported_types: text or skip',
  });
}
