import { createHash } from 'node:crypto';
import type { SourceSpec } from '../../contracts/job-source.ts';
import { typeName } from '../../contracts/schema.ts';
import type { Doubt } from '../connector.ts';
import type { FoundColumn } from '../database/columns.ts';
import { chooseColumns } from '../database/columns.ts';
import type { PgColumn, PgTable } from './table.ts';
import type { TypeRule } from './type-rules.ts';
import { ruleOf } from './type-rules.ts';

/** A column that is brought in, and how. */
export interface ReadColumn extends FoundColumn {
  readonly column: PgColumn;
  readonly rule: TypeRule;
}

/** The columns that a job brings in, by what it says of types. Errors: TYPE_UNSUPPORTED, SOURCE_EMPTY. */
export function readColumns({ columns, shown }: PgTable, source: SourceSpec): ReadColumn[] {
  const found = columns.map((column): ReadColumn => {
    const rule = ruleOf(column.pgType);
    const { type, isSupported } = rule;
    return { name: column.name, sqlType: column.pgType.sql, type, isSupported, column, rule };
  });
  return chooseColumns(shown, found, source);
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
