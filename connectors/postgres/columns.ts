import { createHash } from 'node:crypto';
import { fail } from '../../contracts/errors.ts';
import type { SourceSpec } from '../../contracts/job-source.ts';
import type { ColumnType } from '../../contracts/schema.ts';
import { typeName } from '../../contracts/schema.ts';
import type { Doubt } from '../connector.ts';
import type { PgColumn, PgTable } from './table.ts';
import type { TypeRule } from './type-rules.ts';
import { ruleOf } from './type-rules.ts';

/** A column that is brought in, and how. */
export interface ReadColumn {
  readonly name: string;
  readonly column: PgColumn;
  readonly rule: TypeRule;
  /** The rule's, or the one that the job gives it. */
  readonly type: ColumnType;
}

/** The columns that a job brings in, by what it says of types. Errors: TYPE_UNSUPPORTED, SOURCE_EMPTY. */
export function readColumns({ columns, shown }: PgTable, source: SourceSpec): ReadColumn[] {
  const types = source.types ?? {};
  const read = columns.map((column): ReadColumn => {
    const rule = ruleOf(column.pgType);
    const given = Object.hasOwn(types, column.name) ? types[column.name] : undefined;
    return { name: column.name, column, rule, type: given ?? rule.type };
  });
  const open = read.filter(({ name, rule }) => !rule.isSupported && !Object.hasOwn(types, name));
  if (open.length > 0 && source.unsupported_types === 'refuse') throw unsupported(shown, open);
  const kept = source.unsupported_types === 'skip' ? read.filter((column) => !open.includes(column)) : read;
  if (kept.length > 0) return kept;
  throw fail('SOURCE_EMPTY', {
    received: `${shown} without any column that can be brought in`,
    expected: 'at least one',
    next: 'remove it from source.objects',
  });
}

/** What a user may want to have otherwise. */
export function doubtsOf(read: readonly ReadColumn[]): Doubt[] {
  return read.flatMap(({ name, column, rule, type }) => {
    if (rule.isSupported || type !== 'string') return [];
    const advice = column.pgType.name === 'numeric' ? '; source.types may give it a precision: decimal(38, 9)' : '';
    return [{ column: name, text: `column ${name} (${column.pgType.sql}) is kept as text${advice}` }];
  });
}

/** Differs when columns were added, dropped, renamed or retyped. */
export function columnsDigest(read: readonly ReadColumn[]): string {
  const text = JSON.stringify(read.map(({ name, column: { pgType }, type }) => [name, pgType, typeName(type)]));
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

const SHOWN = 10;

function unsupported(shown: string, columns: readonly ReadColumn[]) {
  const names = columns.slice(0, SHOWN).map(({ name, column }) => `${name} (${column.pgType.sql})`);
  const more = columns.length > SHOWN ? ` and ${columns.length - SHOWN} more` : '';
  return fail('TYPE_UNSUPPORTED', {
    received: `${shown} with columns that no type of the lake can hold: ${names.join(', ')}${more}`,
    expected: 'columns that it can hold exactly (source.unsupported_types: refuse)',
    next: 'give them a type in source.types, or write unsupported_types: text or skip',
  });
}
