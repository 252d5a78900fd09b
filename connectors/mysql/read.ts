import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { fail } from '../../contracts/errors.ts';
import type { SourceSpec } from '../../contracts/job-source.ts';
import type { Column } from '../../contracts/schema.ts';
import type { ConnectorContext, Relation } from '../connector.ts';
import type { DatabaseCheckpoint } from '../database/checkpoint.ts';
import { parseCheckpoint } from '../database/checkpoint.ts';
import { identifier, literal } from '../duckdb/sql.ts';
import { streamRows } from './binary-rows.ts';
import type { ReadColumn } from './columns.ts';
import { columnsDigest } from './columns.ts';
import { Handover } from './handover.ts';
import type { Piece } from './piece-writer.ts';
import { columnsChanged, PieceWriter } from './piece-writer.ts';
import { planRows } from './plan.ts';
import type { MySqlSession } from './session.ts';
import { behind, myName } from './sql.ts';
import type { MyTable } from './table.ts';

/** What `read` is told of its part, which is all of an object. */
export const positionSchema = z.object({
  /** Of the columns as they were when the run was planned. */
  columns: z.string(),
  options: z.object({
    mode: z.enum(['incremental', 'full_refresh', 'window']),
    from: z.string().optional(),
    to: z.string().optional(),
  }),
  /** As the plan found it. */
  before: z.record(z.string(), z.unknown()).optional(),
  wholeRun: z.boolean(),
});

export type MySqlPosition = z.output<typeof positionSchema>;

const MB = 1_048_576;
/** How often progress is told while the server works and sends nothing; its own time-out ends what takes too long. */
const TELL_EVERY_MS = 1000;

/** What a chunk's relations leave for the checkpoint. */
export const memorySchema = z.object({ next: z.record(z.string(), z.unknown()) });

/**
 * The rows of an object as one transaction sees them, on one connection: the server has no way to let two connections see
 * the same moment that would not lock others out. They are landed in pieces, and while DuckDB works on one the next is
 * read. Takes the session over.
 */
export async function readObject(
  table: MyTable,
  read: readonly ReadColumn[],
  position: MySqlPosition,
  source: SourceSpec,
  session: MySqlSession,
  context: ConnectorContext,
): Promise<Relation> {
  if (columnsDigest(read) !== position.columns) throw columnsChanged(table.shown);
  const { where, next, skipsNulls } = await planRows(
    table,
    read,
    source,
    position.options,
    parseCheckpoint(position.before),
    session,
  );
  const pieces = new Handover<Piece>();
  const reading = land({ table, read, where, source, session, context, wholeRun: position.wholeRun }, pieces);
  const close = async () => {
    if (pieces.isOpen) session.giveUp();
    pieces.end();
    await session[Symbol.asyncDispose]();
    await reading;
  };
  const relations = new Pieces(table, read, skipsNulls, next, pieces, context, close);
  try {
    const first = await relations.next();
    if (first !== undefined) return first;
    throw new RangeError('a chunk without a piece');
  } catch (error) {
    await close();
    throw error;
  }
}

interface Landing {
  readonly table: MyTable;
  readonly read: readonly ReadColumn[];
  readonly where: string | undefined;
  readonly source: SourceSpec;
  readonly session: MySqlSession;
  readonly context: ConnectorContext;
  readonly wholeRun: boolean;
}

/** Never rejects: what goes wrong is told to whoever takes the pieces. */
async function land(landing: Landing, pieces: Handover<Piece>): Promise<void> {
  const { table, read, source, session, context, wholeRun } = landing;
  const tell = () => context.onProgress?.();
  // While it waits for DuckDB, it is for DuckDB to tell that it goes on.
  let isReading = true;
  const waiting = setInterval(() => isReading && tell(), TELL_EVERY_MS);
  const give = async (piece: Piece) => {
    isReading = false;
    await pieces.give(piece);
    isReading = true;
  };
  try {
    await using writer = new PieceWriter({
      columns: read,
      shown: table.shown,
      folder: context.scratchFolder,
      pieceBytes: wholeRun ? Number.POSITIVE_INFINITY : source.chunk_mb * MB,
      maxRejected: source.max_bad_rows,
      give,
      onProgress: tell,
    });
    await readRows(landing, writer);
    await writer.finish();
    pieces.end();
  } catch (error) {
    pieces.end(session.error(error, table.shown));
  } finally {
    clearInterval(waiting);
  }
}

/** By a key a batch at a time, so that no statement is long; in one go where there is none. */
async function readRows({ table, read, where, source, session, context }: Landing, writer: PieceWriter): Promise<void> {
  const list = read.map(({ name, rule }) => rule.select(myName(name))).join(', ');
  const key = where === undefined && table.hasVersions ? keyOf(table, read) : undefined;
  const ask = async (conditions: readonly string[], tail: string) => {
    const seen = writer.seen;
    const condition = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
    await streamRows(session.connection, `SELECT ${list} FROM ${table.from}${condition}${tail}`, writer);
    const [row] = await session.rows('SELECT FOUND_ROWS() AS sent');
    const [sent, received] = [Number(row?.['sent']), writer.seen - seen];
    if (sent !== received) throw miscounted(table.shown, received, sent, context.attempt);
    return received;
  };
  if (key === undefined) {
    await ask(where === undefined ? [] : [where], '');
    return;
  }
  const names = key.map((name) => myName(name));
  const indexes = key.map((name) => read.findIndex((column) => column.name === name));
  const tail = ` ORDER BY ${names.join(', ')} LIMIT ${source.batch_rows}`;
  let last: readonly string[] | undefined;
  while ((await ask(last === undefined ? [] : [behind(names, last)], tail)) === source.batch_rows) {
    last = writer.lastValues(indexes);
  }
}

/** A key whose columns are all read and compared as they are sorted. */
function keyOf({ keys }: MyTable, read: readonly ReadColumn[]): readonly string[] | undefined {
  return keys.find((key) => key.every((name) => read.some((column) => column.name === name && column.rule.isKey)));
}

/** The pieces of a chunk as relations, one after the other. */
class Pieces {
  readonly #table: MyTable;
  readonly #read: readonly ReadColumn[];
  readonly #skipsNulls: string | undefined;
  readonly #next: DatabaseCheckpoint;
  readonly #pieces: Handover<Piece>;
  readonly #context: ConnectorContext;
  readonly #close: () => Promise<void>;

  constructor(
    table: MyTable,
    read: readonly ReadColumn[],
    skipsNulls: string | undefined,
    next: DatabaseCheckpoint,
    pieces: Handover<Piece>,
    context: ConnectorContext,
    close: () => Promise<void>,
  ) {
    this.#table = table;
    this.#read = read;
    this.#skipsNulls = skipsNulls;
    this.#next = next;
    this.#pieces = pieces;
    this.#context = context;
    this.#close = close;
  }

  async next(): Promise<Relation | undefined> {
    const piece = await this.#pieces.take();
    return piece && this.#relation(piece);
  }

  #relation({ file, rows, rejected }: Piece): Relation {
    const { shown } = this.#table;
    const cursor = this.#skipsNulls;
    const names = this.#read.map(({ name }) => identifier(name)).join(', ');
    return {
      sql: `SELECT ${names} FROM read_parquet(${literal(file)})`,
      columns: this.#read.map(({ name, rule }): Column => ({ name, type: rule.type, required: false })),
      ...(cursor === undefined ? {} : { skip: [{ rule: 'null_cursor', keep: `${identifier(cursor)} IS NOT NULL` }] }),
      sourceFile: literal(shown),
      finish: async (_limit, rowsRead) => {
        if (rowsRead !== rows) throw miscounted(shown, rowsRead, rows, this.#context.attempt);
        return { count: rejected.length, rows: rejected };
      },
      remember: async () => ({ next: this.#next }),
      more: async () => {
        await rm(file, { force: true });
        return this.next();
      },
      close: this.#close,
    };
  }
}

function miscounted(shown: string, received: number, sent: number, attempt: number) {
  return fail(attempt > 2 ? 'SUM_MISMATCH' : 'SOURCE_MISCOUNTED', {
    received: `${received} rows of ${shown}, of which the server says that it sent ${sent}`,
    expected: 'each of them once',
    next: attempt > 2 ? 'report it with the columns of the table' : 'they are read again',
  });
}
