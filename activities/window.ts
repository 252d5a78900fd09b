import { cursorLiteral } from '../connectors/duckdb/cursor.ts';
import type { DuckDbSession } from '../connectors/duckdb/session.ts';
import { identifier } from '../connectors/duckdb/sql.ts';
import type { SinkTable } from '../connectors/sink.ts';
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
  const rows = column && (await job.rowsOf(target.namespace, target.table));
  if (!column || rows === undefined) return;
  const bounds = [
    ...(from === undefined ? [] : [`${identifier(column.name)} >= ${cursorLiteral(column.type, from)}`]),
    ...(to === undefined ? [] : [`${identifier(column.name)} < ${cursorLiteral(column.type, to)}`]),
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
