import { beforeAll, describe, expect, test } from 'vitest';
import type { Column, StreamSchema } from '../../../contracts/schema.ts';
import { prepareIcebergReader } from '../../support/catalog-servers.ts';
import { rowsByJava } from '../../support/iceberg-java.ts';
import { optionalColumn, TestLake } from '../../support/lake.ts';

/* Spark, Trino and Flink read tables through this library. */

beforeAll(async () => {
  await prepareIcebergReader();
}, 300_000);

/** Java starts from source, in 5 s on a quiet machine and in half a minute on one that runs ten other servers. */
const JAVA_TIMEOUT_MS = 120_000;

const ID: Column = { name: 'id', type: 'long', required: true };

describe("Iceberg's Java library", () => {
  test(
    'reads every type as it was written, from the embedded catalog',
    async () => {
      await using lake = await TestLake.create();
      const schema: StreamSchema = {
        columns: [
          ID,
          optionalColumn('yes', 'boolean'),
          optionalColumn('small', 'int'),
          optionalColumn('real', 'double'),
          optionalColumn('price', 'decimal(38, 9)'),
          optionalColumn('day', 'date'),
          optionalColumn('clock', 'time'),
          optionalColumn('local', 'timestamp'),
          optionalColumn('moment', 'timestamptz'),
          optionalColumn('key', 'uuid'),
          optionalColumn('bytes', 'binary'),
          optionalColumn('text', 'string'),
          optionalColumn('tags', { type: 'list', element: 'string', elementRequired: false }),
          optionalColumn('counts', { type: 'map', key: 'string', value: 'int', valueRequired: false }),
          optionalColumn('place', {
            type: 'struct',
            fields: [optionalColumn('city', 'string'), optionalColumn('zip', 'int')],
          }),
        ],
        primaryKey: ['id'],
      };
      await lake.write(
        'types',
        schema,
        `SELECT * FROM (VALUES
        (-9223372036854775808, true, -2147483648, 0.1, '-12345678901234567890123456789.123456789'::DECIMAL(38, 9),
         DATE '0001-01-01', TIME '23:59:59.999999', TIMESTAMP '9999-12-31 23:59:59.999999',
         TIMESTAMPTZ '1969-12-31 23:59:59.999999Z', 'f47ac10b-58cc-4372-a567-0e02b2c3d479'::UUID, '\\x00\\xFF'::BLOB,
         'Zoë', ['a', NULL, ''], MAP {'x': 1, 'y': NULL}, {'city': '東京', 'zip': NULL}),
        (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '', [], MAP {}, NULL)
      ) t(id, yes, small, "real", price, "day", clock, "local", "moment", "key", bytes, "text", tags, counts, place)`,
      );
      const nothing = Array.from({ length: 10 }, () => 'null');
      expect(await rowsByJava(lake, 'types')).toEqual([
        [
          [
            ...['-9223372036854775808', 'true', '-2147483648', '0.1', '-12345678901234567890123456789.123456789'],
            ...['0001-01-01', '23:59:59.999999', '9999-12-31T23:59:59.999999', '1969-12-31T23:59:59.999999Z'],
            ...['f47ac10b-58cc-4372-a567-0e02b2c3d479', '00ff', 'Zoë', '[a, null, ]', '{x=1, y=null}', '[東京, null]'],
          ],
          ['1', ...nothing, '', '[]', '{}', 'null'],
        ],
      ]);
    },
    JAVA_TIMEOUT_MS,
  );

  test(
    'reads a table after upserts, evolution and a new division, and prunes its files by partition',
    async () => {
      await using lake = await TestLake.create();
      const before: StreamSchema = { columns: [ID, optionalColumn('country', 'string')], primaryKey: ['id'] };
      const rows = (from: number, to: number) =>
        `SELECT i AS id, ['DE', 'NL', 'FR'][1 + i % 3] AS country FROM range(${from}, ${to}) t(i)`;
      await lake.write('orders', before, rows(0, 6), { partitionBy: ['country'] });
      const after: StreamSchema = {
        ...before,
        columns: [...before.columns, optionalColumn('amount', 'decimal(9, 2)')],
      };
      const { runId, change } = await lake.stageMerge(
        'orders',
        after,
        `SELECT *, 1.50::DECIMAL(9, 2) AS amount FROM (${rows(4, 8)})`,
        { key: ['id'] },
        { partitionBy: ['country', 'bucket(4, id)'] },
      );
      await lake.sink.commit(runId, [change]);
      const country = (id: number) => ['DE', 'NL', 'FR'][id % 3] ?? '';
      const expected = [0, 1, 2, 3, 4, 5, 6, 7].map((id) => [String(id), country(id), id < 4 ? 'null' : '1.50']);
      const dutch = expected.filter(([, found]) => found === 'NL');
      expect(await rowsByJava(lake, 'orders', [['country', 'NL']])).toEqual([expected, dutch]);
    },
    JAVA_TIMEOUT_MS,
  );
});
