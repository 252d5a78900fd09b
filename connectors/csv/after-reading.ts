import { z } from 'zod';
import type { Checkpoint } from '../connector.ts';
import { highestCursorText } from '../duckdb/cursor.ts';
import { chunkMemorySchema, unionOfRows } from './boundary.ts';
import { parseCheckpoint } from './checkpoint.ts';

/**
 * The planned checkpoint with what only reading could tell: the highest cursor, which never goes back, and the rows
 * that were read at it. `memories` are what the chunks' relations remembered.
 */
export function afterReading(
  planned: Checkpoint,
  highestCursor: string | undefined,
  memories: readonly unknown[],
): Checkpoint {
  if (highestCursor === undefined) return planned;
  const before = parseCheckpoint(planned);
  const cursor = highestCursorText([highestCursor, ...(before.cursor === undefined ? [] : [before.cursor])]);
  if (cursor === undefined) return planned;
  const remembered = z.array(chunkMemorySchema).parse(memories);
  const read = remembered.flatMap(({ boundary }) => (boundary?.cursor === cursor ? [boundary.rows] : []));
  const known = before.cursor === cursor ? [before.atCursor ?? null] : [];
  return { ...before, cursor, atCursor: unionOfRows([...known, ...read]) };
}
