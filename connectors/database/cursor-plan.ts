import type { DativoError } from '../../contracts/errors.ts';
import { fail } from '../../contracts/errors.ts';
import type { Boundary, DatabaseCheckpoint } from './checkpoint.ts';
import { decodeDigests, MAX_BOUNDARY_ROWS } from './checkpoint.ts';

/** What a run reads by the cursor. */
export interface CursorPlan {
  /** SQL: the rows that are read; those without a cursor are among them, to be counted. Undefined for all rows. */
  readonly where: string | undefined;
  /** False when there is nothing that was not read before. */
  readonly hasRows: boolean;
  /** The position after the run. */
  readonly next: DatabaseCheckpoint;
  readonly notices: readonly string[];
}

/** The position after a window: as it was, but for the mark that a run which goes on from it would read rows again. */
export function afterWindow(before: DatabaseCheckpoint, reachesAhead: boolean): DatabaseCheckpoint {
  return reachesAhead && before.windowsAhead !== true ? { ...before, windowsAhead: true } : before;
}

/** Whether rows at the cursor that was read last came since then; undefined where the digests do not tell. */
export function hasNewDigests(before: Boundary, now: Boundary): boolean | undefined {
  if (!('digests' in before && 'digests' in now)) return undefined;
  const read = new Set(decodeDigests(before.digests));
  return decodeDigests(now.digests).some((digest) => !read.has(digest));
}

/** A notice for a source without a row as new as the one that was read last. */
export function cursorFellBack(cursor: string): string {
  return `no row has a ${cursor} as high as the one that was read last: either rows were deleted, or the cursor goes backwards and misses what is below`;
}

export function tooManyAtCursor(shown: string, cursor: string): DativoError {
  return fail('CURSOR_FIELD_UNKNOWN', {
    received: `more than ${MAX_BOUNDARY_ROWS} rows of ${shown} with the highest ${cursor}, and no primary key to tell them apart`,
    expected: 'a cursor that few rows share, or a primary key',
    next: 'choose a finer column in source.incremental.cursor_field',
  });
}
