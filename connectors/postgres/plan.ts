import type { SourceSpec } from '../../contracts/job-source.ts';
import type { PlanRequest, SourceChunk, SourcePlan } from '../connector.ts';
import type { DatabaseCheckpoint } from '../database/checkpoint.ts';
import { parseCheckpoint } from '../database/checkpoint.ts';
import { cursorOf, readingOf } from '../database/cursor.ts';
import type { CursorPlan } from '../database/cursor-plan.ts';
import { stretchesOf } from './chunks.ts';
import type { ReadColumn } from './columns.ts';
import { columnsDigest, readColumns } from './columns.ts';
import { planNewer, planWindow } from './newer.ts';
import type { PostgresPosition } from './read.ts';
import type { PostgresSession } from './session.ts';
import type { PgTable } from './table.ts';

/** Decides which rows of an object are read, and divides them into chunks. */
export async function planTable(
  table: PgTable,
  source: SourceSpec,
  request: PlanRequest,
  session: PostgresSession,
): Promise<SourcePlan> {
  const { options } = request;
  const read = readColumns(table, source);
  const cursor = cursorOf(source, table.shown, read);
  const before = parseCheckpoint(options.mode === 'full_refresh' ? undefined : request.checkpoint);
  const planned = await planRows(table, cursor, source, request, before, session);
  const position: PostgresPosition = {
    columns: columnsDigest(read),
    ...(cursor === undefined || options.mode === 'window' ? {} : { cursorField: cursor.name }),
  };
  const stretches = !planned.hasRows
    ? []
    : request.wholeRun === true
      ? [{ where: undefined, bytes: table.bytes }]
      : await stretchesOf(table, planned.where, source.chunk_mb, session);
  return {
    chunks: stretches.map(({ where, bytes }): SourceChunk => {
      const conditions = [planned.where, where].flatMap((condition) => condition ?? []);
      const both = conditions.length === 0 ? {} : { where: conditions.join(' AND ') };
      return { position: { ...position, ...both }, estimatedBytes: bytes };
    }),
    unchangedUnits: planned.hasRows ? 0 : 1,
    goneUnits: 0,
    upToDate: !planned.hasRows,
    changedUnits: [],
    repeatsWindows: options.mode === 'incremental' && before.windowsAhead === true,
    nextCheckpoint: planned.next,
    ...(planned.notices.length === 0 ? {} : { notices: planned.notices }),
  };
}

async function planRows(
  table: PgTable,
  cursor: ReadColumn | undefined,
  source: SourceSpec,
  { options }: PlanRequest,
  before: DatabaseCheckpoint,
  session: PostgresSession,
): Promise<CursorPlan> {
  const reading = readingOf(source, options.mode);
  if (cursor === undefined) return { where: undefined, hasRows: true, next: { version: 1 }, notices: [] };
  if (reading === 'window') return planWindow(table, cursor, options, before, session);
  const planned = await planNewer(table, cursor, source, before, session);
  return reading === 'everything' ? { ...planned, hasRows: true } : planned;
}
