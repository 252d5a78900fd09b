import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HashFunctions } from '../../../connectors/duckdb/hash-functions.ts';
import { partitionSql } from '../../../connectors/duckdb/partition-sql.ts';
import type { DuckDbSession } from '../../../connectors/duckdb/session.ts';
import { fromText } from '../../../connectors/iceberg/single-value.ts';
import type { PartitionValue } from '../../../connectors/iceberg/transform.ts';
import { applyTransform, hashOf } from '../../../connectors/iceberg/transform.ts';
import { typesWanted } from '../../../contracts/partition-by.ts';
import type { PrimitiveType } from '../../../contracts/schema.ts';
import { openSession } from '../../support/duckdb.ts';
import { Judge } from '../../support/judge.ts';
import type { TypedValue } from '../../support/typed-values.ts';
import { typedValue } from '../../support/typed-values.ts';

/** Appendix B of the spec: type, value as DuckDB prints it, hash. */
const HASHES: readonly (readonly [PrimitiveType, string, number])[] = [
  ['int', '34', 2017239379],
  ['long', '34', 2017239379],
  ['decimal(4, 2)', '14.20', -500754589],
  ['date', '2017-11-16', -653330422],
  ['time', '22:31:08', -662762989],
  ['timestamp', '2017-11-16 22:31:08', -2047944441],
  ['timestamp', '2017-11-16 22:31:08.000001', -1207196810],
  ['timestamptz', '2017-11-16 22:31:08+00', -2047944441],
  ['timestamptz', '2017-11-16 22:31:08.000001+00', -1207196810],
  ['string', 'iceberg', 1210000089],
  ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 1488055340],
  ['fixed[4]', '00010203', -188683207],
  ['binary', '00010203', -188683207],
];

describe('the hash of a value', () => {
  test.each(HASHES)('is the one of the spec: %s %s', (type, text, hash) => {
    expect(hashOf(type, fromText(type, text) ?? '')).toBe(hash);
  });
});

/** Worked examples of the spec's section "Partition Transforms" and around them. */
const RESULTS: readonly (readonly [transform: string, PrimitiveType, text: string, result: unknown])[] = [
  ['truncate[10]', 'int', '1', 0],
  ['truncate[10]', 'int', '-1', -10],
  ['truncate[10]', 'long', '-10', -10n],
  ['truncate[50]', 'decimal(9, 2)', '10.65', 1050n],
  ['truncate[10]', 'decimal(9, 2)', '-0.05', -10n],
  ['truncate[3]', 'string', 'iceberg', 'ice'],
  ['truncate[2]', 'string', '\u{1f9ca}é\u{1f9ca}', '\u{1f9ca}é'],
  ['truncate[3]', 'binary', '0102030405', Buffer.from('010203', 'hex')],
  ['year', 'date', '1969-12-31', -1],
  ['year', 'timestamp', '2017-11-16 22:31:08', 47],
  ['month', 'date', '1970-02-28', 1],
  ['month', 'timestamp', '1969-12-31 23:59:59.999999', -1],
  ['day', 'timestamptz', '1969-12-31 23:59:59.999999+00', -1],
  ['day', 'timestamp', '2017-12-01 10:12:55.038194', 17_501],
  ['hour', 'timestamp', '1969-12-31 22:59:59.999999', -2],
  ['hour', 'timestamp', '2017-12-01 10:12:55.038194', 420_034],
  ['void', 'int', '1', null],
];

describe('a transform', () => {
  test.each(RESULTS)('%s of %s %s is as in the spec', (transform, type, text, result) => {
    expect(applyTransform(transform, type, fromText(type, text) ?? null)).toEqual(result);
  });

  test('of null is null, whatever it is', () => {
    for (const transform of TRANSFORMS) expect(applyTransform(transform, 'int', null)).toBeNull();
  });
});

const TRANSFORMS = [
  'identity',
  'year',
  'month',
  'day',
  'hour',
  'bucket[16]',
  'bucket[2147483647]',
  'truncate[1]',
  'truncate[7]',
  'truncate[100000]',
  'void',
];
const TYPES: readonly PrimitiveType[] = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
  'decimal(4, 2)',
  'decimal(18, 0)',
  'decimal(38, 10)',
];
const ALLOWED = TYPES.flatMap((type) =>
  TRANSFORMS.filter((transform) => typesWanted(transform, type) === undefined).map(
    (transform) => [transform, type] as const,
  ),
);

describe('for every type that it allows', () => {
  let session: DuckDbSession;
  let judge: Judge;
  beforeAll(async () => {
    session = await openSession();
    judge = await Judge.start();
  }, 300_000);
  afterAll(async () => {
    await session[Symbol.asyncDispose]();
    await judge[Symbol.asyncDispose]();
  });

  test.each(ALLOWED)('%s of %s is the same in SQL, in TypeScript and for PyIceberg', async (transform, type) => {
    using hashes = new HashFunctions(session);
    const sql = partitionSql(transform, type, 'v', hashes);
    const values = fc.sample(truncatable(transform, type), 300);
    const typed = values.map((value, row) => `(${row}, ${value.sql})`).join(',');
    const printed = type === 'binary' ? 'hex(v)' : 'v::VARCHAR';
    const rows = await session.rows(
      `SELECT ${printed} AS v, ${sql.text('p')} AS p FROM (SELECT *, ${sql.value} AS p FROM (VALUES ${typed}) t(i, v)) ORDER BY i`,
    );
    const inSql = rows.map(({ p }) => sql.read(typeof p === 'string' ? p : null));
    const single = rows.map(({ v }) => applyTransform(transform, type, read(type, v)));
    expect(inSql).toEqual(single.map(oneZero));
    if (type === 'float' || type === 'double') return;
    const judged = await judge.transformed(
      transform,
      type,
      values.map(({ canonical }) => canonical),
    );
    expect(single.map(plain)).toEqual(judged);
  });
});

/** Numbers whose truncation their type holds. */
function truncatable(transform: string, type: PrimitiveType): fc.Arbitrary<TypedValue> {
  const lowest: Readonly<Record<string, bigint>> = { int: -(2n ** 31n), long: -(2n ** 63n) };
  const bound = transform.startsWith('truncate') ? lowest[type] : undefined;
  if (bound === undefined) return typedValue(type);
  return typedValue(type).filter(({ canonical }) => canonical === null || BigInt(String(canonical)) > bound + 100_000n);
}

function read(type: PrimitiveType, printed: unknown): PartitionValue {
  return typeof printed === 'string' ? (fromText(type, printed) ?? null) : null;
}

/** Both zeros are one partition. */
function oneZero(value: PartitionValue): PartitionValue {
  return value === 0 ? 0 : value;
}

/** As the judge answers. */
function plain(value: PartitionValue): string | null {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return Buffer.isBuffer(value) ? value.toString('hex') : value === null ? null : String(value);
}
