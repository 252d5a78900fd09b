import { fail } from '../../contracts/errors.ts';
import type { SourceSpec } from '../../contracts/job-source.ts';
import { nearest } from '../../contracts/nearest.ts';
import type { Column, ColumnType } from '../../contracts/schema.ts';
import type { PlanRequest, SkipRule } from '../connector.ts';
import { CURSOR_TYPES, cursorLiteral, isCursorType } from '../duckdb/cursor.ts';
import { identifier, literal } from '../duckdb/sql.ts';
import { toDuckDb } from '../duckdb/type-names.ts';

/** The cursor of an incremental job, checked against the columns. Errors: CURSOR_FIELD_UNKNOWN. */
export function cursorColumn(source: SourceSpec, columns: readonly Column[]): Column | undefined {
  const { strategy, cursor_field: name, lookback_hours: lookback } = source.incremental;
  if (name === undefined) {
    if (strategy !== 'updated_after') return undefined;
    throw unusable(
      'a job with incremental.strategy updated_after and no cursor_field',
      'name the column in source.incremental.cursor_field',
    );
  }
  const column = columns.find((candidate) => candidate.name === name);
  if (column === undefined) {
    const near = nearest(
      name,
      columns.map((candidate) => candidate.name),
    );
    throw unusable(
      `the cursor field "${name}", which is not a column`,
      near === undefined ? 'correct the name' : `correct the name; did you mean "${near}"?`,
    );
  }
  if (!isCursorType(column.type)) {
    throw unusable(
      `the cursor field "${name}" of type ${String(column.type)}`,
      'choose another column, or give its type in source.types',
    );
  }
  if (lookback > 0 && (column.type === 'int' || column.type === 'long')) {
    throw unusable(`lookback_hours for the cursor field "${name}", which is a number`, 'leave lookback_hours out');
  }
  return column;
}

function unusable(received: string, next: string) {
  return fail('CURSOR_FIELD_UNKNOWN', { received, expected: `a column of type ${CURSOR_TYPES}`, next });
}

/**
 * What a run leaves out by the cursor, first rule first:
 *
 * - `null_cursor`: rows that have none, in every run alike, since no later run could tell whether it has read them;
 * - `window`: rows outside of the window that a run was asked for;
 * - `incremental`: rows below the highest cursor that was committed, less the lookback. For those at that very value
 *   see `Boundary`.
 *
 * A row whose cursor is text that has no value of its type stays, and goes to quarantine with that reason.
 */
export function skipRules(
  { options: { mode, from, to } }: Pick<PlanRequest, 'options'>,
  source: SourceSpec,
  cursor: Column | undefined,
  highest: string | undefined,
  nullTexts: readonly string[],
): SkipRule[] {
  const follows = source.incremental.strategy === 'updated_after';
  if (cursor === undefined) {
    if (mode !== 'window') return [];
    throw unusable('a run over a window and no cursor_field', 'name the column in source.incremental.cursor_field');
  }
  if (mode !== 'window' && !follows) return [];
  const text = identifier(cursor.name);
  const tokens = nullTexts.map(literal);
  const hasText = `${text} IS NOT NULL${tokens.length > 0 ? ` AND ${text} NOT IN (${tokens.join(', ')})` : ''}`;
  const rules: SkipRule[] = [{ rule: 'null_cursor', keep: hasText }];
  if (mode === 'window') {
    const bounds = [
      ...(from === undefined ? [] : [`>= ${bound(cursor, from)}`]),
      ...(to === undefined ? [] : [`< ${bound(cursor, to)}`]),
    ];
    rules.push({ rule: 'window', keep: keepWhere(cursor, bounds) });
  } else if (mode === 'incremental' && highest !== undefined) {
    const microseconds = Math.round(source.incremental.lookback_hours * 3_600_000_000);
    const lookback = microseconds > 0 ? ` - to_microseconds(${microseconds})` : '';
    rules.push({ rule: 'incremental', keep: keepWhere(cursor, [`>= ${bound(cursor, highest)}${lookback}`]) });
  }
  return rules;
}

/** A row without a value of the cursor's type stays: its text is for quarantine. */
function keepWhere({ name, type }: Column, bounds: readonly string[]): string {
  const value = `TRY_CAST(${identifier(name)} AS ${toDuckDb(type)})`;
  return ['true', ...bounds.map((b) => `coalesce(${value} ${b}, true)`)].join(' AND ');
}

function bound({ name, type }: Column, text: string): string {
  if (isBound(type, text)) return cursorLiteral(type, text);
  throw fail('USAGE', {
    received: `a bound for the cursor field "${name}" that is no ${String(type)}`,
    expected:
      type === 'int' || type === 'long'
        ? 'a whole number'
        : 'a date or time such as 2024-01-31 or 2024-01-31T12:00:00Z',
    next: 'correct --from or --to',
  });
}

const MOMENT = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?$/;

function isBound(type: ColumnType, text: string): boolean {
  if (type === 'int' || type === 'long') return /^-?\d{1,18}$/.test(text);
  if (!MOMENT.test(text)) return false;
  const [date, time] = [text.slice(0, 10), text.slice(11, 19)];
  // 30 February is a date to `Date` too, but not the same one.
  const moment = new Date(`${date}T${time === '' ? '00:00:00' : time}Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(date);
}
