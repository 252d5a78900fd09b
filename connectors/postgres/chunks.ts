import { z } from 'zod';
import type { PostgresSession } from './session.ts';
import { pgName } from './sql.ts';
import type { PgTable } from './table.ts';

/** A part of an object's rows. */
export interface Stretch {
  /** SQL; undefined for all of them. */
  readonly where: string | undefined;
  readonly bytes: number;
}

const MB = 1_000_000;

/**
 * Divides the rows that a run reads into stretches of about `chunkMb` each, by their place in the table, or else by a
 * primary key that is one whole number. The same table gives the same stretches. Few rows are one stretch: they are
 * found by an index, which a place would only be in the way of.
 */
export async function stretchesOf(
  table: PgTable,
  where: string | undefined,
  chunkMb: number,
  session: PostgresSession,
): Promise<Stretch[]> {
  const target = chunkMb * MB;
  const bytes = where === undefined && table.bytes > 0 ? table.bytes : await estimate(table, where, session);
  const whole = [{ where: undefined, bytes }];
  if (bytes <= target) return whole;
  if (table.hasPlaces) return byPlace(table, target);
  const key = wholeNumberKey(table);
  return key === undefined ? whole : byKey(table, key, Math.ceil(bytes / target), session);
}

const explained = z.array(z.object({ Plan: z.object({ 'Plan Rows': z.number(), 'Plan Width': z.number() }) }));

/** What the server's planner makes of it, in bytes. */
async function estimate(table: PgTable, where: string | undefined, session: PostgresSession): Promise<number> {
  const condition = where === undefined ? '' : ` WHERE ${where}`;
  const [row] = await session.rows(`EXPLAIN (FORMAT JSON) SELECT * FROM ${table.from}${condition}`);
  const [plan] = explained.parse(row?.['QUERY PLAN']);
  return plan === undefined ? 0 : plan.Plan['Plan Rows'] * plan.Plan['Plan Width'];
}

/** A table with partitions has each place once in each of them; the last stretch is open, since a table may grow. */
function byPlace({ pages, bytes }: PgTable, target: number): Stretch[] {
  const step = Math.max(1, Math.floor((pages * target) / bytes));
  const count = Math.max(1, Math.ceil(pages / step));
  return Array.from({ length: count }, (_, index) => {
    const bounds = [
      ...(index === 0 ? [] : [`ctid >= '(${index * step},0)'::tid`]),
      ...(index === count - 1 ? [] : [`ctid < '(${(index + 1) * step},0)'::tid`]),
    ];
    return { where: bounds.length === 0 ? undefined : bounds.join(' AND '), bytes: Math.ceil(bytes / count) };
  });
}

const WHOLE_NUMBERS = ['int2', 'int4', 'int8'];

function wholeNumberKey({ primaryKey, columns }: PgTable): string | undefined {
  const [key, ...others] = primaryKey;
  const type = columns.find(({ name }) => name === key)?.pgType;
  return others.length === 0 && type !== undefined && !type.isArray && WHOLE_NUMBERS.includes(type.name)
    ? key
    : undefined;
}

async function byKey(table: PgTable, key: string, count: number, session: PostgresSession): Promise<Stretch[]> {
  const name = pgName(key);
  const [row] = await session.rows(`SELECT min(${name})::text AS low, max(${name})::text AS high FROM ${table.from}`);
  const whole = [{ where: undefined, bytes: table.bytes }];
  if (typeof row?.['low'] !== 'string' || typeof row['high'] !== 'string') return whole;
  const [low, high] = [BigInt(row['low']), BigInt(row['high'])];
  const step = (high - low) / BigInt(count) + 1n;
  const used = Number((high - low) / step) + 1;
  return Array.from({ length: used }, (_, index) => {
    const from = low + step * BigInt(index);
    const bounds = [
      ...(index === 0 ? [] : [`${name} >= ${from}`]),
      ...(index === used - 1 ? [] : [`${name} < ${from + step}`]),
    ];
    return { where: bounds.length === 0 ? undefined : bounds.join(' AND '), bytes: Math.ceil(table.bytes / used) };
  });
}
