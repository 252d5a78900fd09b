import type { SourceSpec } from '../../contracts/job-source.ts';
import type { PlanRequest, SourcePlan } from '../connector.ts';
import type { DatabaseCheckpoint } from '../database/checkpoint.ts';
import { parseCheckpoint } from '../database/checkpoint.ts';
import { cursorOf, readingOf } from '../database/cursor.ts';
import type { CursorPlan } from '../database/cursor-plan.ts';
import type { ReadColumn } from './columns.ts';
import { columnsDigest, readColumns } from './columns.ts';
import { planNewer, planWindow } from './newer.ts';
import type { MySqlPosition } from './read.ts';
import type { MySqlSession } from './session.ts';
import type { MyTable } from './table.ts';

/** Decides whether an object has rows to read. They are one chunk, since one connection alone sees one moment. */
export async function planTable(
  table: MyTable,
  source: SourceSpec,
  request: PlanRequest,
  session: MySqlSession,
): Promise<SourcePlan> {
  const { options, checkpoint } = request;
  const read = readColumns(table, source);
  const before = parseCheckpoint(options.mode === 'full_refresh' ? undefined : checkpoint);
  const { hasRows, next, notices } = await planRows(table, read, source, options, before, session);
  const { mode, from, to } = options;
  const position: MySqlPosition = {
    columns: columnsDigest(read),
    options: { mode, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) },
    before,
    wholeRun: request.wholeRun === true,
  };
  return {
    chunks: hasRows ? [{ position, estimatedBytes: table.bytes }] : [],
    unchangedUnits: hasRows ? 0 : 1,
    goneUnits: 0,
    upToDate: !hasRows,
    changedUnits: [],
    repeatsWindows: mode === 'incremental' && before.windowsAhead === true,
    // A window's plan says all; for other runs the transaction that reads the rows does.
    nextCheckpoint: mode === 'window' ? next : before,
    ...(notices.length === 0 ? {} : { notices }),
  };
}

export interface PlannedRows extends CursorPlan {
  /** The cursor, where rows without one are counted and left out. */
  readonly skipsNulls: string | undefined;
}

/** What a run reads of an object, as the session sees it. */
export async function planRows(
  table: MyTable,
  read: readonly ReadColumn[],
  source: SourceSpec,
  options: MySqlPosition['options'],
  before: DatabaseCheckpoint,
  session: MySqlSession,
): Promise<PlannedRows> {
  const reading = readingOf(source, options.mode);
  const cursor = cursorOf(source, table.shown, read);
  if (cursor === undefined) {
    return { where: undefined, hasRows: true, next: { version: 1 }, notices: [], skipsNulls: undefined };
  }
  if (reading === 'window') {
    return { ...(await planWindow(cursor, options, before, session)), skipsNulls: undefined };
  }
  const planned = await planNewer(table, cursor, source, before, session);
  return { ...planned, hasRows: reading === 'everything' || planned.hasRows, skipsNulls: cursor.name };
}
