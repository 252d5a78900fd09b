import fc from 'fast-check';
import { literal } from '../../connectors/duckdb/sql.ts';
import { toDuckDb } from '../../connectors/duckdb/type-names.ts';
import type { Column, ColumnType, PrimitiveType } from '../../contracts/schema.ts';
import type { Canonical } from './judge.ts';

/** One value as SQL that makes it and in the judges' canonical form. */
export interface TypedValue {
  readonly sql: string;
  readonly canonical: Canonical;
}

const NULL: TypedValue = { sql: 'NULL', canonical: null };

/** Ten thousand years less one microsecond, from year 1 to year 9999, in microseconds since 1970. */
const FIRST_MICRO = -62_135_596_800_000_000n;
const LAST_MICRO = 253_402_300_799_999_999n;
const MICROS_PER_DAY = 86_400_000_000n;

/** Values of a type, its edges among them more often than chance would have it. */
export function typedValue(type: ColumnType): fc.Arbitrary<TypedValue> {
  if (typeof type === 'string')
    return fc.oneof({ weight: 1, arbitrary: fc.constant(NULL) }, { weight: 6, arbitrary: primitive(type) });
  const typed = toDuckDb(type);
  const present = nested(type).map(({ sql, canonical }) => ({ sql: `CAST(${sql} AS ${typed})`, canonical }));
  return fc.oneof({ weight: 1, arbitrary: fc.constant(NULL) }, { weight: 5, arbitrary: present });
}

function nested(type: Exclude<ColumnType, string>): fc.Arbitrary<TypedValue> {
  switch (type.type) {
    case 'struct':
      return fc.tuple(...type.fields.map((field) => typedValue(field.type))).map((values) => ({
        sql: `{${type.fields.map((field, i) => `${literal(field.name)}: ${cast(values[i], field.type)}`).join(', ')}}`,
        canonical: Object.fromEntries(type.fields.map((field, i) => [field.name, values[i]?.canonical ?? null])),
      }));
    case 'list':
      return fc.array(typedValue(type.element), { maxLength: 3 }).map((values) => ({
        sql: `[${values.map((value) => cast(value, type.element)).join(', ')}]`,
        canonical: values.map((value) => value.canonical),
      }));
    case 'map':
      return fc
        .uniqueArray(fc.tuple(mapKey(type.key), typedValue(type.value)), {
          maxLength: 3,
          selector: ([key]) => JSON.stringify(key.canonical),
        })
        .map((pairs) => ({
          sql: `MAP {${pairs.map(([k, v]) => `${cast(k, type.key)}: ${cast(v, type.value)}`).join(', ')}}`,
          canonical: Object.fromEntries(pairs.map(([k, v]) => [String(k.canonical), v.canonical])),
        }));
  }
}

/** `__proto__` is a key that the objects which tests compare cannot hold. */
function mapKey(type: ColumnType): fc.Arbitrary<TypedValue> {
  return typedValue(type).filter(({ canonical }) => canonical !== null && canonical !== '__proto__');
}

function cast(value: TypedValue | undefined, type: ColumnType): string {
  return `CAST(${value?.sql ?? 'NULL'} AS ${toDuckDb(type)})`;
}

function integer(min: bigint, max: bigint): fc.Arbitrary<bigint> {
  return fc.oneof(fc.constantFrom(min, max, 0n, -1n, 1n), fc.bigInt({ min, max })).filter((n) => n >= min && n <= max);
}

function text(arbitrary: fc.Arbitrary<bigint>, sql: (value: bigint) => string): fc.Arbitrary<TypedValue> {
  return arbitrary.map((value) => ({ sql: sql(value), canonical: String(value) }));
}

function primitive(type: PrimitiveType): fc.Arbitrary<TypedValue> {
  const decimal = /^decimal\((\d+), (\d+)\)$/.exec(type);
  if (decimal) return decimals(Number(decimal[1]), Number(decimal[2]));
  switch (type) {
    case 'boolean':
      return fc.boolean().map((value) => ({ sql: String(value), canonical: value }));
    case 'int':
      return text(integer(-(2n ** 31n), 2n ** 31n - 1n), (n) => `(${n})`);
    case 'long':
      return text(integer(-(2n ** 63n), 2n ** 63n - 1n), (n) => `'${n}'::BIGINT`);
    case 'float':
      return floats(fc.float(), 'FLOAT');
    case 'double':
      return floats(fc.double(), 'DOUBLE');
    case 'date':
      return text(
        integer(FIRST_MICRO / MICROS_PER_DAY, LAST_MICRO / MICROS_PER_DAY),
        (n) => `(DATE '1970-01-01' + (${n}))`,
      );
    case 'time':
      return text(integer(0n, MICROS_PER_DAY - 1n), (n) => `(make_timestamp(${n})::TIME)`);
    case 'timestamp':
      return text(integer(FIRST_MICRO, LAST_MICRO), (n) => `make_timestamp(${n})`);
    case 'timestamptz':
      return text(integer(FIRST_MICRO, LAST_MICRO), (n) => `(make_timestamp(${n})::TIMESTAMPTZ)`);
    case 'string':
      return fc
        .oneof(
          fc.constantFrom(
            '',
            'é'.repeat(17),
            '\u{10ffff}'.repeat(20),
            '\ud7ff'.repeat(17),
            'x'.repeat(300),
            'é'.repeat(300),
          ),
          fc.string({ unit: 'grapheme', maxLength: 30 }),
        )
        .map((value) => ({ sql: literal(value), canonical: value }));
    case 'uuid':
      return fc
        .oneof(
          fc.uuid(),
          fc.constantFrom('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
        )
        .map((value) => ({ sql: `'${value}'::UUID`, canonical: value }));
    default:
      return fc.uint8Array({ maxLength: 24 }).map((bytes) => {
        const hex = Buffer.from(bytes).toString('hex');
        return { sql: `unhex('${hex}')`, canonical: hex };
      });
  }
}

function decimals(precision: number, scale: number): fc.Arbitrary<TypedValue> {
  const limit = 10n ** BigInt(precision) - 1n;
  return integer(-limit, limit).map((unscaled) => {
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
    const whole = digits.slice(0, digits.length - scale);
    const value = `${unscaled < 0n ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`;
    return { sql: `'${value}'::DECIMAL(${precision}, ${scale})`, canonical: value };
  });
}

function floats(arbitrary: fc.Arbitrary<number>, type: string): fc.Arbitrary<TypedValue> {
  return arbitrary.map((value) => ({ sql: `'${sqlFloat(value)}'::${type}`, canonical: canonicalFloat(value) }));
}

function sqlFloat(value: number): string {
  return Object.is(value, -0) ? '-0.0' : String(value).replace('Infinity', 'inf');
}

/** Numbers are compared as numbers: Python and JavaScript write the same double differently. */
export function canonicalFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  return Object.is(value, -0) ? '-0' : String(value).replace('Infinity', 'inf');
}

/** One column of every type, nested ones included, and a `row` number to find rows by. */
export const EVERY_TYPE: readonly Column[] = [
  { name: 'row', type: 'long', required: true },
  ...(
    [
      ['boolean', 'boolean'],
      ['int', 'int'],
      ['long', 'long'],
      ['float', 'float'],
      ['double', 'double'],
      ['date', 'date'],
      ['time', 'time'],
      ['timestamp', 'timestamp'],
      ['timestamptz', 'timestamptz'],
      ['string', 'string'],
      ['uuid', 'uuid'],
      ['binary', 'binary'],
      ['decimal_small', 'decimal(4, 2)'],
      ['decimal_medium', 'decimal(18, 0)'],
      ['decimal_large', 'decimal(38, 10)'],
      ['a "quoted", name', 'int'],
    ] as const
  ).map(([name, type]) => ({ name, type, required: false })),
  {
    name: 'struct',
    required: false,
    type: {
      type: 'struct',
      fields: [
        { name: 'text', type: 'string', required: false },
        {
          name: 'inner',
          type: { type: 'struct', fields: [{ name: 'n', type: 'decimal(10, 3)', required: false }] },
          required: false,
        },
      ],
    },
  },
  { name: 'list', required: false, type: { type: 'list', element: 'timestamptz', elementRequired: false } },
  { name: 'map', required: false, type: { type: 'map', key: 'string', value: 'long', valueRequired: false } },
  {
    name: 'list_of_structs',
    required: false,
    type: {
      type: 'list',
      elementRequired: false,
      element: {
        type: 'struct',
        fields: [
          { name: 'a', type: 'uuid', required: false },
          { name: 'tags', type: { type: 'list', element: 'string', elementRequired: false }, required: false },
        ],
      },
    },
  },
];

/** Rows of a schema; the first column is their number. */
export function rowsOf(columns: readonly Column[], count: number): fc.Arbitrary<readonly (readonly TypedValue[])[]> {
  const row = fc.tuple(...columns.slice(1).map((column) => typedValue(column.type)));
  return fc
    .array(row, { minLength: count, maxLength: count })
    .map((rows) => rows.map((values, index) => [{ sql: String(index), canonical: String(index) }, ...values]));
}

/** A query that gives these rows. */
export function selectRows(columns: readonly Column[], rows: readonly (readonly TypedValue[])[]): string {
  const lines = rows.map((row) => `(${row.map((value, i) => cast(value, columns[i]?.type ?? 'string')).join(', ')})`);
  return `SELECT * FROM (VALUES ${lines.join(',\n')}) AS t(${columns.map((column) => `"${column.name.replaceAll('"', '""')}"`).join(', ')})`;
}
