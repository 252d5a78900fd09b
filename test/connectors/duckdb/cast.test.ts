import { describe, expect, test } from 'vitest';
import { castTo } from '../../../connectors/duckdb/cast.ts';
import { literal } from '../../../connectors/duckdb/sql.ts';
import type { ColumnType } from '../../../contracts/schema.ts';
import { openSession } from '../../support/duckdb.ts';

async function fails(text: string, to: ColumnType): Promise<boolean> {
  await using session = await openSession();
  const cast = castTo('value', 'string', to);
  const [row] = await session.rows(
    `SELECT ${cast.failed('result')} AS failed FROM (SELECT *, ${cast.sql} AS result FROM (SELECT ${literal(text)} AS value))`,
  );
  return row?.['failed'] === true;
}

describe('a text that another type cannot hold exactly', () => {
  test.each<[string, ColumnType]>([
    ['1.5', 'long'],
    ['15e-1', 'long'],
    ['15E-1', 'long'],
    ['1.125', 'decimal(10, 2)'],
    ['5E-3', 'decimal(10, 2)'],
    ['24:00:00', 'time'],
    ['2024-01-31 12:00:00', 'date'],
    ['2024-01-31 12:00:00+02', 'timestamp'],
  ])('%s is refused as %s', async (text, type) => {
    expect(await fails(text, type)).toBe(true);
  });

  test.each<[string, ColumnType]>([
    ['15', 'long'],
    ['1e3', 'long'],
    ['1.12', 'decimal(10, 2)'],
    ['23:59:59.999999', 'time'],
    ['2024-01-31', 'date'],
    ['2024-01-31 12:00:00', 'timestamp'],
    ['2024-01-31 12:00:00+02', 'timestamptz'],
  ])('%s is taken as %s', async (text, type) => {
    expect(await fails(text, type)).toBe(false);
  });
});
