import { cursorLiteral } from '../connectors/duckdb/cursor.ts';
import type { DuckDbSession } from '../connectors/duckdb/session.ts';
import { identifier } from '../connectors/duckdb/sql.ts';
import type { SinkTable } from '../connectors/sink.ts';
import type { DativoError } from '../contracts/errors.ts';
import { fail } from '../contracts/errors.ts';
import type { RunOptions } from '../contracts/run.ts';
import type { OpenedJob } from './dependencies.ts';

/**
 * A window is appended, so a second run over it would double its rows (law 1). Throws WINDOW_NOT_EMPTY when the table
 * has rows in it.
 */
export async function requireEmptyWindow(
  job: OpenedJob,
  target: SinkTable,
  { from, to }: RunOptions,
  session: DuckDbSession,
): Promise<void> {
  const column = target.schema?.columns.find(({ name }) => name === job.cursorField);
  if (!column) return;
  const range = {
    column: column.name,
    ...(from === undefined ? {} : { from: cursorLiteral(column.type, from) }),
    ...(to === undefined ? {} : { to: cursorLiteral(column.type, to) }),
  };
  const rows = await job.rowsWithin(target, range, session);
  if (rows === undefined) return;
  const bounds = [
    ...(range.from === undefined ? [] : [`${identifier(column.name)} >= ${range.from}`]),
    ...(range.to === undefined ? [] : [`${identifier(column.name)} < ${range.to}`]),
  ];
  const [found] = await session.rows(`SELECT count(*) AS count FROM (${rows}) WHERE ${bounds.join(' AND ')}`);
  const count = Number(found?.['count']);
  if (count === 0) return;
  throw fail('WINDOW_NOT_EMPTY', {
    received: `a window in which ${target.namespace}.${target.table} has ${count} rows already`,
    expected: 'a window without rows, because what is read is appended',
    next: 'choose another window, delete those rows first, or write everything anew with --full-refresh',
  });
}

/** The other way round: to go on from the checkpoint would read again what windows ahead of it have brought. */
export function windowsAhead(table: string): DativoError {
  return fail('WINDOWS_AHEAD', {
    received: `a run that goes on where the last one ended, while windows have brought ${table} rows from beyond that`,
    expected: 'rows that the table does not have yet, because what is read is appended',
    next: 'go on with --from and --to, write everything anew with --full-refresh, or give write_mode: upsert a primary key',
  });
}
