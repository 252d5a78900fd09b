import { createHash } from 'node:crypto';
import type { SourceSpec } from '../../contracts/job-source.ts';
import { typeName } from '../../contracts/schema.ts';
import type { Doubt } from '../connector.ts';
import type { FoundColumn } from '../database/columns.ts';
import { chooseColumns } from '../database/columns.ts';
import type { MyTable } from './table.ts';
import type { TypeRule, WireColumn } from './type-rules.ts';
import { ruleOf } from './type-rules.ts';

/** A column that is brought in, and how. */
export interface ReadColumn extends FoundColumn {
  readonly rule: TypeRule;
}

/** The columns that a job brings in, by what it says of types. Errors: TYPE_UNSUPPORTED, SOURCE_EMPTY. */
export function readColumns({ columns, shown }: Pick<MyTable, 'columns' | 'shown'>, source: SourceSpec): ReadColumn[] {
  const found = columns.map((column: WireColumn): ReadColumn => {
    const rule = ruleOf(column, source.zero_dates);
    const { name: sqlType, type, isSupported } = rule;
    return { name: column.name, sqlType, type, isSupported, rule };
  });
  return chooseColumns(shown, found, source);
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
