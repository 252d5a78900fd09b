import { z } from 'zod';
import type { Column } from '../../contracts/schema.ts';
import type { SkipRule } from '../connector.ts';
import { cursorLiteral } from '../duckdb/cursor.ts';
import { reportingProgress } from '../duckdb/query-progress.ts';
import type { DuckDbSession } from '../duckdb/session.ts';
import { identifier, literal } from '../duckdb/sql.ts';
import { toDuckDb } from '../duckdb/type-names.ts';

/**
 * The boundary of a cursor is its highest committed value. Rows below it have been read, rows above it have not; of
 * the rows that have exactly this value both can be true, since a file is written while others have it already, and
 * a date is the same all day. So the checkpoint keeps a digest of each row at the boundary, and a row is left out there
 * only when the very same one, in all of its values, was read before.
 */
export interface Boundary {
  /** SQL over the rows as text: is the row at the boundary? */
  readonly at: string;
  /** The digests of the rows that were read there, see `encodeRows`. */
  readonly rows: string;
}

/** What a chunk tells the checkpoint beyond its highest cursor. */
export const chunkMemorySchema = z.object({
  /** Rows at its highest cursor; null when there are too many of them. */
  boundary: z.object({ cursor: z.string(), rows: z.string().nullable() }).optional(),
});

export type ChunkMemory = z.output<typeof chunkMemorySchema>;

/** More rows than these at one value of the cursor are not remembered one by one: 80 kB in every checkpoint. */
export const MAX_BOUNDARY_ROWS = 10_000;

const DIGEST_BYTES = 8;
let rules = 0;

/** SQL over the rows as text: has the cursor this value? False where it has none. */
export function cursorIs({ name, type }: Column, value: string): string {
  return `coalesce(TRY_CAST(${identifier(name)} AS ${toDuckDb(type)}) = ${cursorLiteral(type, value)}, false)`;
}

/** The rule that leaves out rows at the boundary that were read before; makes a table in the session. */
export async function readBeforeRule(
  { at, rows }: Boundary,
  columns: readonly Column[],
  session: DuckDbSession,
): Promise<SkipRule> {
  const table = `dativo_read_before_${++rules}`;
  const list = decodeRows(rows).map(literal).join(', ');
  await session.run(`CREATE TEMP TABLE ${table} AS SELECT unnest([${list}]::VARCHAR[]) AS digest`);
  // The digest is only made for rows at the boundary; for others it is null, and in no table.
  const digest = `CASE WHEN ${at} THEN ${rowDigest(columns)} END`;
  return { rule: 'incremental', keep: `NOT coalesce(${digest} IN (SELECT digest FROM ${table}), false)` };
}

/** Digests of the rows of a query at a boundary; null for too many. */
export async function rowsAt(
  sql: string,
  columns: readonly Column[],
  at: string,
  session: DuckDbSession,
  onProgress: (() => void) | undefined,
): Promise<string | null> {
  const query = `SELECT DISTINCT ${rowDigest(columns)} AS digest FROM (${sql}) WHERE ${at}`;
  const found = await reportingProgress(session, onProgress, () =>
    session.rows(`${query} LIMIT ${MAX_BOUNDARY_ROWS + 1}`),
  );
  return encodeRows(
    z
      .array(z.object({ digest: z.string() }))
      .parse(found)
      .map(({ digest }) => digest),
  );
}

/**
 * SQL: 64 bits of the MD5 of a row's values with the names of their columns. The order of the columns and columns
 * without a value make no difference, so that a row stays the same when a file's columns move or others are added.
 */
function rowDigest(columns: readonly Column[]): string {
  const values = columns
    .map(({ name }) => name)
    .toSorted()
    .map((name) => `${literal(name)} || ':' || length(${identifier(name)}) || ':' || ${identifier(name)}`);
  return `left(md5(concat_ws(',', ${values.join(', ')})), ${DIGEST_BYTES * 2})`;
}

/** Digests as base64, each once, in order; null when they are too many. */
function encodeRows(digests: readonly string[]): string | null {
  const distinct = [...new Set(digests)].toSorted();
  return distinct.length > MAX_BOUNDARY_ROWS ? null : Buffer.from(distinct.join(''), 'hex').toString('base64');
}

function decodeRows(rows: string): string[] {
  return Buffer.from(rows, 'base64').toString('hex').match(/.{16}/g) ?? [];
}

/** All of some rows at one boundary; null when they are too many together. */
export function unionOfRows(parts: readonly (string | null)[]): string | null {
  return parts.some((part) => part === null) ? null : encodeRows(parts.flatMap((part) => decodeRows(part ?? '')));
}
