import type { StreamSchema } from '../../contracts/schema.ts';

/** One column `n`, for tests that are not about columns. */
export const NUMBERS: StreamSchema = { columns: [{ name: 'n', type: 'long', required: false }], primaryKey: [] };

/** A query for the numbers from `from` up to, without, `to`. */
export function numbers(from: number, to: number): string {
  return `SELECT i AS n FROM range(${from}, ${to}) t(i)`;
}
