import path from 'node:path';
import { z } from 'zod';
import { fail } from '../../contracts/errors.ts';
import type { Column } from '../../contracts/schema.ts';
import type { ConnectorContext, Relation } from '../connector.ts';
import { identifier, literal } from '../duckdb/sql.ts';
import { ColumnBuffer } from '../landing/column-buffer.ts';
import { LandingFile } from '../landing/landing-file.ts';
import { copyBinary, UnrepresentableValue } from './binary-copy.ts';
import type { ReadColumn } from './columns.ts';
import { columnsDigest } from './columns.ts';
import { postgresError } from './errors.ts';
import type { PostgresSession } from './session.ts';
import { pgName } from './sql.ts';
import type { PgTable } from './table.ts';
import { landedAsText } from './type-rules.ts';

/** What `read` is told of its part. */
export const positionSchema = z.object({
  /** Of the columns as they were when the run was planned. */
  columns: z.string(),
  /** SQL; left out for all rows. */
  where: z.string().optional(),
  /** Rows without a value in it are counted and left out. */
  cursorField: z.string().optional(),
});

export type PostgresPosition = z.output<typeof positionSchema>;

/** Of a row group in the landing file. */
const GROUP_ROWS = 65_536;
const GROUP_BYTES = 8 * 1_048_576;
/** How often progress is told while the server works and sends nothing; its own time-out ends what takes too long. */
const TELL_EVERY_MS = 1000;

let landings = 0;

/**
 * The rows of a chunk, landed on the disk before any of them is used, so that what the server says it sent is compared
 * with what came first. A value that a column's type cannot hold, such as NaN in a decimal, makes the chunk be read once
 * more with that column as text: then the row is kept aside for it, and not the whole chunk.
 */
export async function readChunk(
  table: PgTable,
  read: readonly ReadColumn[],
  position: PostgresPosition,
  session: PostgresSession,
  context: ConnectorContext,
): Promise<Relation> {
  if (columnsDigest(read) !== position.columns) throw changed(table.shown);
  let columns = read;
  for (;;) {
    try {
      return await land(table, columns, position, session, context);
    } catch (error) {
      if (!(error instanceof UnrepresentableValue)) throw error;
      columns = columns.map((column) =>
        column.name === error.column ? { ...column, rule: landedAsText(column.rule) } : column,
      );
      await session.restart();
    }
  }
}

async function land(
  table: PgTable,
  columns: readonly ReadColumn[],
  { where, cursorField }: PostgresPosition,
  session: PostgresSession,
  context: ConnectorContext,
): Promise<Relation> {
  const list = columns.map(({ name, rule }) => rule.select(pgName(name)));
  const query = `SELECT ${list.join(', ')} FROM ${table.from}${where === undefined ? '' : ` WHERE ${where}`}`;
  const file = path.join(context.scratchFolder, `landing-${++landings}.parquet`);
  await using landing = await LandingFile.create(
    file,
    columns.map(({ name, rule }) => ({ name, type: rule.landing })),
  );
  const buffers = columns.map(() => new ColumnBuffer(GROUP_ROWS));
  const empty = async () => {
    context.onProgress?.();
    await landing.addRowGroup(buffers);
  };
  const waiting = setInterval(() => context.onProgress?.(), TELL_EVERY_MS);
  try {
    const decoded = columns.map(({ name, rule }) => ({ name, decode: rule.decode }));
    const isFull = (bytes: number) => (buffers[0]?.rows ?? 0) >= GROUP_ROWS || bytes >= GROUP_BYTES;
    const { sent, received } = await copyBinary(session.client, query, decoded, { buffers, isFull, empty });
    await empty();
    await landing.finish();
    if (sent !== received || sent !== landing.rows) throw miscounted(table.shown, received, sent, context.attempt);
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof UnrepresentableValue) throw error;
    throw postgresError(error, `${session.address.shown}, asked for ${table.shown},`);
  } finally {
    clearInterval(waiting);
  }
  const { rows } = landing;
  const names = columns.map(({ name }) => identifier(name)).join(', ');
  return {
    sql: `SELECT ${names} FROM read_parquet(${literal(file)})`,
    columns: columns.map(({ name, rule }): Column => ({ name, type: rule.landed, required: false })),
    ...(cursorField === undefined
      ? {}
      : { skip: [{ rule: 'null_cursor', keep: `${identifier(cursorField)} IS NOT NULL` }] }),
    sourceFile: literal(table.shown),
    finish: async (_limit, rowsRead) => {
      if (rowsRead !== rows) throw miscounted(table.shown, rowsRead, rows, context.attempt);
      return { count: 0, rows: [] };
    },
  };
}

function miscounted(shown: string, received: number, sent: number, attempt: number) {
  return fail(attempt > 2 ? 'SUM_MISMATCH' : 'SOURCE_MISCOUNTED', {
    received: `${received} rows of ${shown}, of which the server says that it sent ${sent}`,
    expected: 'each of them once',
    next: attempt > 2 ? 'report it with the columns of the table' : 'they are read again',
  });
}

function changed(shown: string) {
  return fail('SOURCE_CHANGED', {
    received: `${shown} with other columns than when the run was planned`,
    expected: 'the columns to stay while a table is read',
    next: 'start the run again: it plans with the columns as they are now',
  });
}
