import { z } from 'zod';
import { tooManyBadRows } from '../duckdb/gate.ts';
import type { DuckDbSession } from '../duckdb/session.ts';
import { literal } from '../duckdb/sql.ts';
import type { Dialect } from './dialect.ts';
import { RecordSplitter } from './split.ts';

/** The tables in which DuckDB lists the rows that one `read_csv` leaves out. */
export interface RejectTables {
  readonly errors: string;
  readonly scans: string;
  /** Entries that DuckDB keeps for one file; further ones are lost. */
  readonly limit: number;
}

/** A row that DuckDB's reader left out. */
export interface ReaderReject {
  /** As DuckDB was told the path. */
  readonly path: string;
  /** 0-based place of the first byte of the row, or of the line end before it, in the decompressed file. */
  readonly position: number;
  readonly column: string | null;
  readonly reason: string;
  readonly raw: string;
}

/** DuckDB's words → ours. */
const REASONS: Readonly<Record<string, string>> = {
  CAST: 'CAST',
  'MISSING COLUMNS': 'TOO_FEW_COLUMNS',
  'TOO MANY COLUMNS': 'TOO_MANY_COLUMNS',
  'UNQUOTED VALUE': 'BROKEN_QUOTE',
  'LINE SIZE OVER MAXIMUM': 'LINE_TOO_LONG',
  'INVALID ENCODING': 'INVALID_ENCODING',
  'INVALID STATE': 'BROKEN_QUOTE',
};

const rowSchema = z.object({
  path: z.string(),
  position: z.coerce.number(),
  column: z.string().nullable(),
  reason: z.string(),
  raw: z.string().nullable(),
});

/**
 * The rows in a pair of reject tables: one for each row, however many of its fields are wrong, with the first error
 * in it; at most `limit` of them, in order. `count` is exact. Errors: TOO_MANY_BAD_ROWS, also when DuckDB's own limit
 * was reached, since what lies beyond is not known.
 */
export async function readRejects(
  session: DuckDbSession,
  { errors, scans, limit: kept }: RejectTables,
  maxBadRows: number,
  limit: number,
): Promise<{ readonly count: number; readonly rows: readonly ReaderReject[] }> {
  const existing = await session.rows(`SELECT table_name FROM duckdb_tables() WHERE table_name = ${literal(errors)}`);
  if (existing.length === 0) return { count: 0, rows: [] };
  const [totals] = await session.rows(
    `SELECT count(DISTINCT (scan_id, file_id, line_byte_position))::INT AS rows, ` +
      `coalesce(max(entries), 0)::INT AS entries FROM (SELECT *, count(*) OVER (PARTITION BY scan_id, file_id) AS entries FROM ${errors})`,
  );
  const { rows: count, entries } = z.object({ rows: z.number(), entries: z.number() }).parse(totals);
  if (entries >= kept || count > maxBadRows) throw tooManyBadRows(maxBadRows, { reason: 'their form', column: null });
  const listed = await session.rows(
    `SELECT any_value(s.file_path) AS path, line_byte_position - 1 AS position, ` +
      `arg_min(column_name, byte_position) AS "column", arg_min(error_type::VARCHAR, byte_position) AS reason, ` +
      `any_value(csv_line) AS raw FROM ${errors} e JOIN ${scans} s USING (scan_id, file_id) ` +
      `GROUP BY scan_id, file_id, line_byte_position ORDER BY path, position LIMIT ${limit}`,
  );
  return {
    count,
    rows: listed.map((row) => {
      const { reason, raw, ...rest } = rowSchema.parse(row);
      return { ...rest, reason: REASONS[reason] ?? 'MALFORMED', raw: (raw ?? '').replace(/^[\r\n]+|[\r\n]+$/g, '') };
    }),
  };
}

/** A row to be found in its file again, by its position. */
export interface SoughtRow {
  readonly position: number;
  /** Its bytes are wanted, not only its line. */
  readonly withBytes: boolean;
}

/**
 * The 1-based line of each of some rows of a file, in ascending order of their positions, and the bytes of those that
 * they are wanted of. DuckDB's own line numbers count a row with line breaks in it as one, and its text of a row has
 * question marks for bytes that are no UTF-8.
 */
export async function findRows(
  pieces: AsyncIterable<Buffer>,
  rows: readonly SoughtRow[],
  dialect: Dialect,
): Promise<{ readonly line: number; readonly bytes?: Buffer }[]> {
  const splitter = new RecordSplitter(dialect);
  const found: { line: number; bytes?: Buffer }[] = [];
  let line = 1;
  let offset = 0;
  let previous = 0;
  /** The beginning of a row that goes on in the next piece. */
  let open: Buffer | undefined;
  const take = (bytes: Buffer, start: number, last: boolean) => {
    const record = splitter.next(bytes, start, last);
    const row = found.at(-1);
    if (record !== undefined && row !== undefined) row.bytes = Buffer.from(bytes.subarray(start, record.end));
    open = record === undefined ? Buffer.from(bytes.subarray(start)) : undefined;
  };
  for await (const piece of pieces) {
    if (open !== undefined) take(Buffer.concat([open, piece]), 0, false);
    for (let at = 0; at < piece.length && found.length < rows.length; at++) {
      const byte = piece[at] ?? 0;
      const row = rows[found.length];
      // A line end at the position belongs to the line before the row.
      if (row !== undefined && offset + at >= row.position && byte !== 0x0a && byte !== 0x0d) {
        found.push({ line: line + (previous === 0x0d ? 1 : 0) });
        if (row.withBytes) take(piece, at, false);
      }
      if (byte === 0x0a) line++;
      else if (previous === 0x0d) line++;
      previous = byte;
    }
    offset += piece.length;
    if (found.length === rows.length && open === undefined) break;
  }
  if (open !== undefined) take(open, 0, true);
  while (found.length < rows.length) found.push({ line });
  return found;
}
