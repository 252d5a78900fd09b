import { z } from 'zod';
import type { SourceSpec } from '../../contracts/job-source.ts';
import type { Boundary, DatabaseCheckpoint } from '../database/checkpoint.ts';
import { DIGEST_DIGITS, decodeDigests, encodeDigests, MAX_BOUNDARY_ROWS } from '../database/checkpoint.ts';
import { noBound, unorderable } from '../database/cursor.ts';
import type { CursorPlan } from '../database/cursor-plan.ts';
import { afterWindow, cursorFellBack, hasNewDigests, tooManyAtCursor } from '../database/cursor-plan.ts';
import type { ReadColumn } from './columns.ts';
import type { MySqlSession } from './session.ts';
import { behind, myName, myText } from './sql.ts';
import type { MyTable } from './table.ts';
import { isBytes } from './type-rules.ts';

const highestRow = z.object({
  highest: z.string().nullable(),
  above: z.coerce.number().nullable(),
  same: z.coerce.number().nullable(),
});
const SECONDS_AN_HOUR = 3600;

/** A cursor has to be compared as it is sorted, and its text has to be the whole of it. */
function requireOrder({ name, rule }: ReadColumn): void {
  if (!rule.isKey || rule.type === 'binary') throw unorderable(name);
}

const NUMBER = /^-?\d+(\.\d+)?$/;
const isNumber = ({ rule }: ReadColumn) => /^(int|long|decimal)/.test(rule.type);

/** A value of the cursor in the SQL of the server: a number is compared as one only if it is written as one. */
function valueOf(cursor: ReadColumn, text: string): string {
  if (!isNumber(cursor)) return myText(text);
  if (NUMBER.test(text)) return text;
  throw noBound(cursor.name);
}

const asText = (sql: string) => `CAST(${sql} AS CHAR CHARACTER SET utf8mb4)`;

/**
 * Rows above the highest cursor that was committed, and rows at it that were not read then. What the highest one is now
 * is asked in the transaction that reads the rows, before any of them, so that it is the position after the run.
 */
export async function planNewer(
  table: MyTable,
  cursor: ReadColumn,
  { incremental }: SourceSpec,
  before: DatabaseCheckpoint,
  session: MySqlSession,
): Promise<CursorPlan> {
  requireOrder(cursor);
  const column = myName(cursor.name);
  const known = before.cursor === undefined ? 'NULL' : valueOf(cursor, before.cursor);
  const rows = await session.rows(
    `SELECT ${asText(`MAX(${column})`)} AS highest, MAX(${column}) > ${known} AS above, MAX(${column}) = ${known} AS same
     FROM ${table.from}`,
    table.shown,
  );
  const [found] = z.array(highestRow).parse(rows);
  const highest = found?.highest ?? undefined;
  if (highest === undefined) return { where: `${column} IS NULL`, hasRows: false, next: before, notices: [] };
  const above = found?.above === 1;
  if (before.cursor !== undefined && !above && found?.same !== 1) {
    return { where: `${column} IS NULL`, hasRows: false, next: before, notices: [cursorFellBack(cursor.name)] };
  }
  const lookback = incremental.lookback_hours;
  const conditions = [
    ...fromThere(table, column, known, before, lookback),
    // Where the engine keeps no versions, rows may come while others are read.
    ...(table.hasVersions ? [] : [`${column} <= ${valueOf(cursor, highest)}`]),
  ];
  const where = conditions.length === 0 ? undefined : `((${conditions.join(' AND ')}) OR ${column} IS NULL)`;
  const boundary = lookback > 0 ? undefined : await boundaryAt(table, cursor, valueOf(cursor, highest), session);
  const { windowsAhead: _, boundary: __, ...kept } = before;
  const next = { ...kept, cursor: highest, ...(boundary === undefined ? {} : { boundary }) };
  const hasRows =
    before.cursor === undefined ||
    above ||
    lookback > 0 ||
    (await hasOthers(before.boundary, boundary, table, where, session));
  return { where, hasRows, next: hasRows ? next : before, notices: [] };
}

function fromThere(
  table: MyTable,
  column: string,
  known: string,
  { cursor, boundary }: DatabaseCheckpoint,
  lookback: number,
): string[] {
  if (cursor === undefined) return [];
  if (lookback > 0) {
    const seconds = Math.round(lookback * SECONDS_AN_HOUR);
    return [`${column} >= CAST(${known} AS DATETIME(6)) - INTERVAL ${seconds} SECOND`];
  }
  return [`${column} >= ${known}`, `(${column} > ${known} OR ${notReadBefore(table, boundary)})`];
}

/** Rows of a window; the position stays, but for the mark that a run which goes on from it would read them again. */
export async function planWindow(
  cursor: ReadColumn,
  { from, to }: { readonly from?: string | undefined; readonly to?: string | undefined },
  before: DatabaseCheckpoint,
  session: MySqlSession,
): Promise<CursorPlan> {
  requireOrder(cursor);
  const column = myName(cursor.name);
  const bound = (text: string) => boundOf(cursor, text);
  const bounds = [
    ...(from === undefined ? [] : [`${column} >= ${bound(from)}`]),
    ...(to === undefined ? [] : [`${column} < ${bound(to)}`]),
  ];
  const where = bounds.length === 0 ? undefined : bounds.join(' AND ');
  const isBehind =
    to !== undefined && before.cursor !== undefined
      ? `(${bound(to)} <= ${isNumber(cursor) ? valueOf(cursor, before.cursor) : typed(cursor, before.cursor)})`
      : 'false';
  const [row] = await session.rows(`SELECT ${isBehind} AS behind`);
  return { where, hasRows: true, next: afterWindow(before, Number(row?.['behind']) !== 1), notices: [] };
}

const DATED = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/;
const isDated = ({ rule }: ReadColumn) => ['date', 'timestamp', 'timestamptz'].includes(rule.type);

/** The server takes any text for a date, and what it does not understand for none. */
function boundOf(cursor: ReadColumn, text: string): string {
  if (isNumber(cursor)) return valueOf(cursor, text);
  if (!isDated(cursor)) return myText(text);
  const [, day, time = '00:00', zone = 'Z'] = DATED.exec(text) ?? [];
  const offset = zone === 'Z' ? '+00:00' : zone.replace(/^(.\d\d):?(\d\d)$/, '$1:$2');
  if (day === undefined || Number.isNaN(Date.parse(`${day}T${time}${offset}`))) throw noBound(cursor.name);
  const local = typed(cursor, `${day} ${time}`);
  return offset === '+00:00' ? local : `CONVERT_TZ(${local}, ${myText(offset)}, '+00:00')`;
}

function typed(cursor: ReadColumn, text: string): string {
  return isDated(cursor) ? `CAST(${myText(text)} AS DATETIME(6))` : myText(text);
}

function notReadBefore(table: MyTable, boundary: Boundary | undefined): string {
  // A checkpoint without one is that of a job with lookback_hours: all of them are read again.
  if (boundary === undefined) return 'true';
  if ('upTo' in boundary) {
    return behind(
      table.primaryKey.map((name) => myName(name)),
      boundary.upTo.map(myText),
    );
  }
  const digests = decodeDigests(boundary.digests);
  return digests.length === 0
    ? 'true'
    : `${digestOf(table)} NOT IN (${digests.map((digest) => `'${digest}'`).join(', ')})`;
}

/** SQL: half of the MD5 of a row's key, or of the whole row where it has none. */
function digestOf({ primaryKey, columns }: MyTable): string {
  const ofKey = primaryKey.flatMap((key) => columns.filter(({ name }) => name === key));
  const parts = (ofKey.length > 0 ? ofKey : columns).map((column) => {
    const name = myName(column.name);
    // Of a number HEX would show the whole part, in other digits.
    return `IFNULL(HEX(${isBytes(column) ? name : `CAST(${name} AS BINARY)`}), '-')`;
  });
  return `LEFT(MD5(CONCAT_WS(',', ${parts.join(', ')})), ${DIGEST_DIGITS})`;
}

async function boundaryAt(table: MyTable, cursor: ReadColumn, value: string, session: MySqlSession): Promise<Boundary> {
  const at = `FROM ${table.from} WHERE ${myName(cursor.name)} = ${value}`;
  const rows = await session.rows(
    `SELECT ${asText(digestOf(table))} AS digest ${at} LIMIT ${MAX_BOUNDARY_ROWS + 1}`,
    table.shown,
  );
  const digests = z.array(z.object({ digest: z.string() })).parse(rows);
  if (digests.length <= MAX_BOUNDARY_ROWS) return { digests: encodeDigests(digests.map(({ digest }) => digest)) };
  const key = table.primaryKey.map((name) => myName(name));
  if (key.length === 0) throw tooManyAtCursor(table.shown, cursor.name);
  const texts = key.map((name, index) => `${asText(name)} AS k${index}`);
  const order = key.map((name) => `${name} DESC`);
  const [last = {}] = await session.rows(`SELECT ${texts.join(', ')} ${at} ORDER BY ${order.join(', ')} LIMIT 1`);
  return { upTo: key.map((_, index) => String(last[`k${index}`])) };
}

/** Whether rows at the cursor that was read last came since then. */
async function hasOthers(
  before: Boundary | undefined,
  now: Boundary | undefined,
  table: MyTable,
  where: string | undefined,
  session: MySqlSession,
): Promise<boolean> {
  if (before === undefined || now === undefined || where === undefined) return true;
  const told = hasNewDigests(before, now);
  if (told !== undefined) return told;
  const [row] = await session.rows(`SELECT EXISTS (SELECT 1 FROM ${table.from} WHERE ${where}) AS found`, table.shown);
  return Number(row?.['found']) === 1;
}
