import { createHash } from 'node:crypto';
import { fail } from '../../contracts/errors.ts';
import type { SourceSpec } from '../../contracts/job-source.ts';
import type { ColumnType } from '../../contracts/schema.ts';
import { typeName } from '../../contracts/schema.ts';
import type { Doubt } from '../connector.ts';
import type { MyTable } from './table.ts';
import type { TypeRule, WireColumn } from './type-rules.ts';
import { ruleOf } from './type-rules.ts';

/** A column that is brought in, and how. */
export interface ReadColumn {
  readonly name: string;
  readonly rule: TypeRule;
  /** The rule's, or the one that the job gives it. */
  readonly type: ColumnType;
}

/** The columns that a job brings in, by what it says of types. Errors: TYPE_UNSUPPORTED, SOURCE_EMPTY. */
export function readColumns({ columns, shown }: Pick<MyTable, 'columns' | 'shown'>, source: SourceSpec): ReadColumn[] {
  const types = source.types ?? {};
  const read = columns.map((column: WireColumn): ReadColumn => {
    const rule = ruleOf(column, source.zero_dates);
    const given = Object.hasOwn(types, column.name) ? types[column.name] : undefined;
    return { name: column.name, rule, type: given ?? rule.type };
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
  return read.flatMap(({ name, rule, type }) => {
    if (rule.isSupported || type !== 'string') return [];
    const advice = rule.name === 'time' ? '; where all values are times of a day, source.types may say time' : '';
    return [{ column: name, text: `column ${name} (${rule.name}) is kept as text${advice}` }];
  });
}

/** Differs when columns were added, dropped, renamed or retyped. */
export function columnsDigest(read: readonly ReadColumn[]): string {
  const text = JSON.stringify(
    read.map(({ name, rule, type }) => [name, rule.name, typeName(rule.type), typeName(type)]),
  );
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

const SHOWN = 10;

function unsupported(shown: string, columns: readonly ReadColumn[]) {
  const names = columns.slice(0, SHOWN).map(({ name, rule }) => `${name} (${rule.name})`);
  const more = columns.length > SHOWN ? ` and ${columns.length - SHOWN} more` : '';
  return fail('TYPE_UNSUPPORTED', {
    received: `${shown} with columns that no type of the lake can hold: ${names.join(', ')}${more}`,
    expected: 'columns that it can hold exactly (source.unsupported_types: refuse)',
    next: 'give them a type in source.types, or write unsupported_types: text or skip',
  });
}
