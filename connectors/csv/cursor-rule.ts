import { fail } from '../../contracts/errors.ts';
import type { SourceSpec } from '../../contracts/job-source.ts';
import { nearest } from '../../contracts/nearest.ts';
import type { Column, ColumnType } from '../../contracts/schema.ts';
import type { PlanRequest, SkipRule } from '../connector.ts';
import { CURSOR_TYPES, cursorLiteral, isCursorType } from '../duckdb/cursor.ts';
import { identifier } from '../duckdb/sql.ts';
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
 * What a run leaves out by the cursor: everything outside of a window, or what is not newer than the checkpoint less
 * the lookback. A row whose cursor is null is left out too; one whose cursor has no value of its type stays, and
 * goes to quarantine with that reason.
 */
export function skipRules(
  request: Pick<PlanRequest, 'options'>,
  source: SourceSpec,
  cursor: Column | undefined,
  highest: string | undefined,
): SkipRule[] {
  const { mode, from, to } = request.options;
  if (mode === 'window') {
    if (cursor === undefined) {
      throw unusable('a run over a window and no cursor_field', 'name the column in source.incremental.cursor_field');
    }
    const bounds = [
      ...(from === undefined ? [] : [`>= ${bound(cursor, from)}`]),
      ...(to === undefined ? [] : [`< ${bound(cursor, to)}`]),
    ];
    return bounds.length === 0 ? [] : [{ rule: 'window', keep: keepWhere(cursor, bounds) }];
  }
  const incremental = mode === 'incremental' && source.incremental.strategy === 'updated_after';
  if (!incremental || cursor === undefined || highest === undefined) return [];
  const microseconds = Math.round(source.incremental.lookback_hours * 3_600_000_000);
  const lookback = microseconds > 0 ? ` - to_microseconds(${microseconds})` : '';
  return [{ rule: 'incremental', keep: keepWhere(cursor, [`> ${bound(cursor, highest)}${lookback}`]) }];
}

function keepWhere({ name, type }: Column, bounds: readonly string[]): string {
  const text = identifier(name);
  const value = `TRY_CAST(${text} AS ${toDuckDb(type)})`;
  return `CASE WHEN ${value} IS NULL THEN ${text} IS NOT NULL ELSE ${bounds.map((b) => `${value} ${b}`).join(' AND ')} END`;
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
