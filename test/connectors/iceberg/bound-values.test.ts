import { expect, test } from 'vitest';
import { boundSql } from '../../../connectors/iceberg/bound-values.ts';
import { lowerBound } from '../../../connectors/iceberg/bounds.ts';
import type { PrimitiveType } from '../../../contracts/schema.ts';
import { openSession } from '../../support/duckdb.ts';

const VALUES: readonly (readonly [PrimitiveType, readonly string[]])[] = [
  ['boolean', ['true', 'false']],
  ['int', ['-2147483648', '0', '2147483647']],
  ['long', ['-9223372036854775808', '9223372036854775807']],
  ['float', ['-1.5', '3.25']],
  ['double', ['-1e300', '0.1', 'inf']],
  ['decimal(38, 5)', ['-123456789012345678901234567890123.45678', '0.00001', '0.00000']],
  ['decimal(9, 0)', ['-7', '999999999']],
  ['date', ['0001-01-01', '1969-12-31', '9999-12-31']],
  ['time', ['00:00:00', '23:59:59.999999']],
  ['timestamp', ['0001-01-01 00:00:00', '1969-12-31 23:59:59.999999', '9999-12-31 23:59:59']],
  ['timestamptz', ['1969-12-31 23:59:59.999999+00', '2024-02-29 12:00:00+00']],
  ['string', ['', "it's 5 €"]],
  ['uuid', ['00000000-0000-0000-0000-000000000000', 'cfcd2084-95d5-65ef-66e7-dff9f98764da']],
];

test.each(VALUES)('bounds of %s come back as the values that they were made of', async (type, texts) => {
  await using session = await openSession();
  for (const text of texts) {
    const bytes = lowerBound(type, text, 16);
    const sql = bytes === undefined ? undefined : boundSql(type, bytes);
    const [row] = await session.rows(`SELECT (${sql})::VARCHAR AS text, typeof(${sql}) AS type`);
    const [same] = await session.rows(
      `SELECT CAST('${text.replaceAll("'", "''")}' AS ${String(row?.['type'])})::VARCHAR AS text`,
    );
    expect(row?.['text']).toBe(same?.['text']);
  }
});

test('a bound from before a column was widened keeps its value', async () => {
  await using session = await openSession();
  const int = lowerBound('int', '-5', 16);
  const [row] = await session.rows(`SELECT ${boundSql('long', int ?? Buffer.alloc(0))} AS value`);
  expect(row?.['value']).toBe('-5');
});

test('bytes that are no value of the type give no bound', () => {
  expect(boundSql('int', Buffer.alloc(3))).toBeUndefined();
  expect(boundSql('double', Buffer.from('000000000000f87f', 'hex'))).toBeUndefined();
});
