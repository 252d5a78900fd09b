import type { ErrorParts } from '../../contracts/errors.ts';
import { fail } from '../../contracts/errors.ts';
import type { SourceSpec } from '../../contracts/job-source.ts';
import { nearest } from '../../contracts/nearest.ts';
import type { RunMode } from '../../contracts/run.ts';
import type { ColumnType } from '../../contracts/schema.ts';

/** Which rows of an object a run reads. */
export type Reading = 'everything' | 'newer' | 'window';

/** Errors: CURSOR_FIELD_UNKNOWN for a window without a cursor. */
export function readingOf({ incremental }: SourceSpec, mode: RunMode): Reading {
  if (mode === 'window') {
    if (incremental.cursor_field !== undefined) return 'window';
    throw unusable(
      'a run over a window and no cursor_field',
      'name the column in source.incremental.cursor_field, with strategy: updated_after',
    );
  }
  return mode === 'incremental' && incremental.strategy === 'updated_after' ? 'newer' : 'everything';
}

/**
 * The column that a job goes by, among those of an object; undefined for a job that does not. Errors:
 * CURSOR_FIELD_UNKNOWN.
 */
export function cursorOf<C extends { readonly name: string; readonly type: ColumnType }>(
  { incremental }: SourceSpec,
  object: string,
  columns: readonly C[],
): C | undefined {
  const { strategy, cursor_field: name, lookback_hours: lookback } = incremental;
  if (strategy !== 'updated_after' || name === undefined) return undefined;
  const column = columns.find((candidate) => candidate.name === name);
  if (column === undefined) {
    const near = nearest(
      name,
      columns.map((candidate) => candidate.name),
    );
    const next = near === undefined ? 'correct the name' : `correct the name; did you mean "${near}"?`;
    throw unusable(`the cursor field "${name}", which ${object} does not have`, next);
  }
  if (lookback > 0 && !TIMES.includes(column.type)) {
    throw unusable(`lookback_hours for the cursor field "${name}", which is no time`, 'leave lookback_hours out');
  }
  return column;
}

const TIMES: readonly ColumnType[] = ['date', 'timestamp', 'timestamptz'];

export function unorderable(name: string): Error {
  return unusable(`the cursor field "${name}", whose type has no order`, 'choose another column');
}

/** Of a bound in `--from` and `--to` that the database does not understand. */
export function noBound(name: string): Error {
  return fail('USAGE', {
    received: `a bound for the cursor field "${name}" that the database cannot read as a value of it`,
    expected: 'a number, or a date or time such as 2024-01-31 or 2024-01-31T12:00:00Z',
    next: 'correct --from or --to',
  });
}

function unusable(received: string, next: ErrorParts['next']) {
  return fail('CURSOR_FIELD_UNKNOWN', { received, expected: 'a column that can be ordered', next });
}
