import { z } from 'zod';
import type { SourceSpec } from '../../contracts/job-source.ts';
import type { RunOptions } from '../../contracts/run.ts';
import type { Boundary, DatabaseCheckpoint } from '../database/checkpoint.ts';
import { DIGEST_DIGITS, decodeDigests, encodeDigests, MAX_BOUNDARY_ROWS } from '../database/checkpoint.ts';
import { noBound, unorderable } from '../database/cursor.ts';
import type { CursorPlan } from '../database/cursor-plan.ts';
import { afterWindow, cursorFellBack, hasNewDigests, tooManyAtCursor } from '../database/cursor-plan.ts';
import type { ReadColumn } from './columns.ts';
import { sqlStateOf } from './errors.ts';
import type { PostgresSession } from './session.ts';
import { pgName, pgText } from './sql.ts';
import type { PgTable } from './table.ts';
import { ROW } from './table.ts';

const NO_ORDER = '42883';
/** Classes of errors in values. */
const BAD_VALUE = /^22/;

const highestRow = z.object({ highest: z.string(), above: z.boolean().nullable(), same: z.boolean().nullable() });

/**
 * Rows above the highest cursor that was committed, and rows at it that were not read then. The highest one now is asked
 * for before any row is read, in the same snapshot, so that it is the position after the run, whatever its type.
 */
export async function planNewer(
  table: PgTable,
  cursor: ReadColumn,
  { incremental }: SourceSpec,
  before: DatabaseCheckpoint,
  session: PostgresSession,
): Promise<CursorPlan> {
  const column = pgName(cursor.name);
  const value = (text: string) => `${pgText(text)}::${cursor.column.pgType.sql}`;
  const known = before.cursor === undefined ? 'NULL' : value(before.cursor);
  const rows = await withOrder(cursor.name, () =>
    session.rows(
      `SELECT ${column}::text AS highest, ${column} > ${known} AS above, ${column} = ${known} AS same
       FROM ${table.from} WHERE ${column} IS NOT NULL ORDER BY ${column} DESC LIMIT 1`,
    ),
  );
  const [found] = z.array(highestRow).parse(rows);
  const withNulls = (condition: string) => `((${condition}) OR ${column} IS NULL)`;
  if (found === undefined) return { where: `${column} IS NULL`, hasRows: false, next: before, notices: [] };
  const { highest, above, same } = found;
  const lookback = incremental.lookback_hours;
  const upTo = `${column} <= ${value(highest)}`;
  const { windowsAhead: _, ...kept } = before;
  const from =
    before.cursor === undefined
      ? 'true'
      : lookback > 0
        ? `${column} >= ${known} - interval '${lookback} hours'`
        : `${column} >= ${known} AND (${column} > ${known} OR ${notReadBefore(table, before.boundary)})`;
  const where = withNulls(`${from} AND ${upTo}`);
  if (before.cursor !== undefined && above !== true && same !== true) {
    return { where, hasRows: false, next: before, notices: [cursorFellBack(cursor.name)] };
  }
  const boundary = lookback > 0 ? undefined : await boundaryAt(table, cursor, value(highest), session);
  const next = { ...kept, cursor: highest, ...(boundary === undefined ? {} : { boundary }) };
  const hasRows =
    above !== false || lookback > 0 || (await hasOthers(before.boundary, boundary, table, where, session));
  return { where, hasRows, next: hasRows ? next : before, notices: [] };
}

/** Rows of a window; the position stays, but for the mark that a run which goes on from it would read them again. */
export async function planWindow(
  table: PgTable,
  cursor: ReadColumn,
  { from, to }: RunOptions,
  before: DatabaseCheckpoint,
  session: PostgresSession,
): Promise<CursorPlan> {
  const column = pgName(cursor.name);
  const value = (text: string) => `${pgText(text)}::${cursor.column.pgType.sql}`;
  for (const bound of [from, to]) {
    // Words such as `now` are values too, but of another moment with each try.
    if (bound !== undefined && !/^-?\d/.test(bound)) throw noBound(cursor.name);
  }
  const bounds = [
    ...(from === undefined ? [] : [`${column} >= ${value(from)}`]),
    ...(to === undefined ? [] : [`${column} < ${value(to)}`]),
  ];
  const ahead =
    to === undefined || before.cursor === undefined ? 'true' : `NOT (${value(to)} <= ${value(before.cursor)})`;
  const where = bounds.length === 0 ? 'true' : bounds.join(' AND ');
  const [row] = await withBounds(cursor.name, () =>
    session.rows(`SELECT ${ahead} AS ahead, (SELECT count(*) FROM ${table.from} WHERE ${where} AND false) AS rows`),
  );
  return { where, hasRows: true, next: afterWindow(before, row?.['ahead'] === true), notices: [] };
}

function notReadBefore(table: PgTable, boundary: Boundary | undefined): string {
  // A checkpoint without one is that of a job with lookback_hours: all of them are read again.
  if (boundary === undefined) return 'true';
  if ('upTo' in boundary) {
    const key = table.primaryKey.map((name) => pgName(name)).join(', ');
    return `(${key}) > (${boundary.upTo.map(pgText).join(', ')})`;
  }
  const digests = decodeDigests(boundary.digests);
  return digests.length === 0 ? 'true' : `${digestOf(table)} NOT IN (${digests.map(pgText).join(', ')})`;
}

/** SQL: half of the MD5 of a row's key, or of the whole row where it has none. */
function digestOf({ primaryKey }: PgTable): string {
  const what = primaryKey.length > 0 ? `ROW(${primaryKey.map((name) => pgName(name)).join(', ')})` : ROW;
  return `left(md5(${what}::text), ${DIGEST_DIGITS})`;
}

async function boundaryAt(
  table: PgTable,
  cursor: ReadColumn,
  value: string,
  session: PostgresSession,
): Promise<Boundary> {
  const at = `FROM ${table.from} WHERE ${pgName(cursor.name)} = ${value}`;
  const rows = await session.rows(`SELECT ${digestOf(table)} AS digest ${at} LIMIT ${MAX_BOUNDARY_ROWS + 1}`);
  const digests = z.array(z.object({ digest: z.string() })).parse(rows);
  if (digests.length <= MAX_BOUNDARY_ROWS) return { digests: encodeDigests(digests.map(({ digest }) => digest)) };
  const key = table.primaryKey.map((name) => pgName(name));
  if (key.length === 0) throw tooManyAtCursor(table.shown, cursor.name);
  const texts = key.map((name, index) => `${name}::text AS k${index}`);
  const order = key.map((name) => `${name} DESC`);
  const [last = {}] = await session.rows(`SELECT ${texts.join(', ')} ${at} ORDER BY ${order.join(', ')} LIMIT 1`);
  return { upTo: key.map((_, index) => String(last[`k${index}`])) };
}

/** Whether rows at the cursor that was read last came since then. */
async function hasOthers(
  before: Boundary | undefined,
  now: Boundary | undefined,
  table: PgTable,
  where: string,
  session: PostgresSession,
): Promise<boolean> {
  if (before === undefined || now === undefined) return true;
  const told = hasNewDigests(before, now);
  if (told !== undefined) return told;
  const [row] = await session.rows(`SELECT EXISTS (SELECT FROM ${table.from} WHERE ${where}) AS found`);
  return row?.['found'] === true;
}

async function withOrder<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw sqlStateOf(error) === NO_ORDER ? unorderable(name) : error;
  }
}

async function withBounds<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw BAD_VALUE.test(sqlStateOf(error) ?? '') ? noBound(name) : error;
  }
}
