import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamSchema } from '../../../contracts/schema.ts';
import type { CatalogKind } from '../../support/catalogs.ts';
import { CatalogLake, inObjectStore, nessie, postgres, rest, sqlite } from '../../support/catalogs.ts';
import { useIcebergRest } from '../../support/iceberg-rest.ts';
import { Judge } from '../../support/judge.ts';
import { optionalColumn } from '../../support/lake.ts';
import { useNessie } from '../../support/nessie.ts';
import { usePostgres } from '../../support/postgres.ts';
import { useS3 } from '../../support/s3.ts';

/*
 * Each catalog, on the local disk and in an object store, with each way of writing and each transform: PyIceberg finds
 * what was written, and DuckDB's own reader where it can reach the files (its access to object stores is an extension
 * that has to be downloaded).
 */

const s3 = useS3();
const database = usePostgres();
const restServer = useIcebergRest(s3);
const nessieServer = useNessie(s3);

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

const inPostgres = postgres(() => database().database());
const behindRest = rest(() => restServer().uri);
const KINDS: readonly (readonly [string, CatalogKind, 'local' | 'S3'])[] = [
  ['SQLite', sqlite, 'local'],
  ['SQLite', inObjectStore(sqlite, s3), 'S3'],
  ['Postgres', inPostgres, 'local'],
  ['Postgres', inObjectStore(inPostgres, s3), 'S3'],
  ['Apache REST', behindRest, 'local'],
  ['Apache REST', inObjectStore(behindRest, s3), 'S3'],
  // It keeps tables in object stores only.
  ['Nessie', nessie(nessieServer, s3), 'S3'],
];

const TRANSFORMS: readonly (readonly [string, readonly string[]])[] = [
  ['unpartitioned', []],
  ['identity', ['country']],
  ['year', ['year(placed)']],
  ['month', ['month(placed)']],
  ['day', ['day(placed)']],
  ['hour', ['hour(placed)']],
  ['bucket', ['bucket(4, id)']],
  ['truncate', ['truncate(2, country)']],
  ['several', ['month(placed)', 'bucket(2, country)']],
];

const ORDERS: StreamSchema = {
  columns: [
    { name: 'id', type: 'long', required: true },
    optionalColumn('placed', 'timestamp'),
    optionalColumn('country', 'string'),
    optionalColumn('version', 'int'),
  ],
  primaryKey: ['id'],
};

/** Orders with ids in [from, to), ten days apart, of three countries and of none. */
const orders = (from: number, to: number, version: number) =>
  `SELECT i AS id, TIMESTAMP '2023-11-30 22:30:00' + to_days(i::INTEGER * 10) AS placed,
     CASE i % 4 WHEN 0 THEN 'NL' WHEN 1 THEN 'Österreich' WHEN 2 THEN 'NO' END AS country, ${version}::INTEGER AS version
   FROM range(${from}, ${to}) t(i)`;

/** What is in a table, as `id:version`, in order. */
const found = (rows: readonly Readonly<Record<string, unknown>>[]) =>
  rows
    .map(({ id, version }) => [Number(id), Number(version)] as const)
    .toSorted(([a], [b]) => a - b)
    .map((pair) => pair.join(':'));
const ids = (from: number, to: number, version: number) =>
  Array.from({ length: to - from }, (_, index) => `${from + index}:${version}`);

/** Ways of writing: what is done to a table that has the orders 0 to 12, and what is in it afterwards. */
const WAYS: Readonly<
  Record<
    string,
    {
      readonly write: (lake: CatalogLake, table: string, partitionBy: readonly string[]) => Promise<unknown>;
      readonly left: readonly string[];
    }
  >
> = {
  append: {
    write: (lake, table, partitionBy) => lake.write(table, ORDERS, orders(12, 16, 2), { partitionBy }),
    left: [...ids(0, 12, 1), ...ids(12, 16, 2)],
  },
  overwrite: {
    write: (lake, table, partitionBy) => lake.write(table, ORDERS, orders(6, 16, 2), { partitionBy, mode: 'replace' }),
    left: ids(6, 16, 2),
  },
  upsert: {
    async write(lake, table, partitionBy) {
      const rule = { key: ['id'] };
      const { runId, change } = await lake.stageMerge(table, ORDERS, orders(8, 16, 2), rule, { partitionBy });
      await lake.lake.sink.commit(runId, [change]);
    },
    left: [...ids(0, 8, 1), ...ids(8, 16, 2)],
  },
};

describe.each(KINDS)('%s', (_name, kind, place) => {
  describe(`on ${place === 'S3' ? 'S3' : 'a local disk'}`, () => {
    let lake: CatalogLake;
    beforeAll(async () => {
      lake = await CatalogLake.create(kind, judge);
    }, 60_000);
    afterAll(() => lake[Symbol.asyncDispose]());

    test.each(TRANSFORMS)(
      'keeps what is written to a table by %s',
      async (transform, partitionBy) => {
        for (const [way, { write, left }] of Object.entries(WAYS)) {
          const table = `${transform}_${way}`;
          await lake.write(table, ORDERS, orders(0, 12, 1), { partitionBy });
          await write(lake, table, partitionBy);
          expect(found(await lake.judged.rows(lake.label(table))), way).toEqual(left);
          if (place === 'local') expect(found(await lake.judged.rowsByDuckDb(lake.label(table))), way).toEqual(left);
          const { files, specs } = await lake.judged.layout(lake.label(table));
          expect(files.every(({ partition }) => partition.length === partitionBy.length)).toBe(true);
          expect(Object.values(specs).at(-1)).toHaveLength(partitionBy.length);
        }
      },
      30_000,
    );
  });
});
