import type { PrimitiveType } from '../../contracts/schema.ts';
import { decimalParts, fixedLength } from '../../contracts/schema.ts';
import type { AvroSchema } from './avro.ts';
import { optional } from './manifest-schemas.ts';
import type { PartitionSpec } from './metadata.ts';
import { notOurs } from './metadata.ts';
import type { IcebergSchema } from './schema.ts';
import { bigEndianOf, fromBytes, toBytes } from './single-value.ts';
import type { PartitionValue } from './transform.ts';
import { isTransform, resultType } from './transform.ts';

/** One value of the partition tuples of a spec. */
export interface TupleField {
  readonly id: number;
  readonly name: string;
  readonly type: PrimitiveType;
}

/** The values of a data file's rows, in the order of the fields of its spec. */
export type PartitionTuple = readonly PartitionValue[];

/**
 * The fields of a spec's tuples. A column that was dropped is looked for in older schemas, so give the newest first:
 * a file keeps its partition. Fails with TABLE_NOT_OURS for what no version of this code can have written.
 */
export function tupleFields(spec: PartitionSpec, schemas: readonly IcebergSchema[]): readonly TupleField[] {
  return spec.fields.map(({ 'source-id': sourceId, 'field-id': id, name, transform }) => {
    const source = schemas.flatMap(({ fields }) => fields).find((field) => field.id === sourceId);
    if (source === undefined) throw notOurs(name, 'a partition of a column that is in no schema, or nested');
    if (typeof source.type !== 'string') throw notOurs(name, 'a partition by a nested column');
    if (!isTransform(transform)) throw notOurs(name, 'a partition by a transform that this version does not know');
    return { id, name, type: resultType(transform, source.type) };
  });
}

/** Avro type of each type that a tuple may hold (spec, appendix A). */
const AVRO_OF: Readonly<Record<string, AvroSchema>> = {
  boolean: 'boolean',
  int: 'int',
  long: 'long',
  float: 'float',
  double: 'double',
  date: { type: 'int', logicalType: 'date' },
  time: { type: 'long', logicalType: 'time-micros' },
  timestamp: { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': false },
  timestamptz: { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true },
  string: 'string',
  binary: 'bytes',
};

/** The fields of the tuple in the Avro schema of a manifest. */
export function tupleColumns(fields: readonly TupleField[]): readonly ReturnType<typeof optional>[] {
  return fields.map((field) => optional(field.id, avroName(field), avroType(field)));
}

/** A tuple as a record of that Avro schema. */
export function tupleToAvro(fields: readonly TupleField[], tuple: PartitionTuple): Record<string, unknown> {
  return Object.fromEntries(
    fields.map((field, index) => [avroName(field), valueToAvro(field.type, tuple[index] ?? null)]),
  );
}

/** Under these names `readAvro` gives the fields of a tuple, however its writer called them. */
export function tupleKey(id: number): string {
  return `p${id}`;
}

/** A tuple by the ids of its fields, as manifests in memory have it. */
export function tupleRecord(fields: readonly TupleField[], tuple: PartitionTuple): Record<string, unknown> {
  return Object.fromEntries(fields.map(({ id }, index) => [tupleKey(id), tuple[index] ?? null]));
}

/** The tuple of such a record, or of one that was read from Avro. */
export function tupleOf(fields: readonly TupleField[], record: Readonly<Record<string, unknown>>): PartitionTuple {
  return fields.map(({ id, type }) => valueFromAvro(type, record[tupleKey(id)] ?? null));
}

/** Equal for equal tuples of one spec, and for no others. */
export function tupleText(fields: readonly TupleField[], tuple: PartitionTuple): string {
  return JSON.stringify(writeTuple(fields, tuple));
}

/** A tuple as plain JSON: each value in the spec's binary single-value serialization, as hexadecimal digits. */
export function writeTuple(
  fields: readonly Pick<TupleField, 'type'>[],
  tuple: PartitionTuple,
): readonly (string | null)[] {
  return fields.map(({ type }, index) => {
    const value = tuple[index] ?? null;
    const bytes = value === null ? null : toBytes(type, value);
    if (bytes === undefined) throw new RangeError(`a partition value that is no ${type}`);
    return bytes === null ? null : bytes.toString('hex');
  });
}

export function readTuple(
  fields: readonly Pick<TupleField, 'type'>[],
  written: readonly (string | null)[],
): PartitionTuple {
  return fields.map(({ type }, index) => {
    const hex = written[index] ?? null;
    return hex === null ? null : fromBytes(type, Buffer.from(hex, 'hex'));
  });
}

/** Letters and digits, as Avro wants names; what else stands in one is written as its code. */
function avroName({ name }: TupleField): string {
  const safe = name.replaceAll(
    /[^A-Za-z0-9_]/g,
    (character) => `_x${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return /^\d/.test(safe) ? `_${safe}` : safe;
}

function avroType({ id, type }: TupleField): AvroSchema {
  const plain = AVRO_OF[type];
  if (plain !== undefined) return plain;
  // A name may be defined once in an Avro schema, and two fields may have one type.
  const fixed = { type: 'fixed', name: `fixed_${id}` };
  const decimal = decimalParts(type);
  if (decimal) return { ...fixed, size: decimalBytes(decimal.precision), logicalType: 'decimal', ...decimal };
  if (type === 'uuid') return { ...fixed, size: 16, logicalType: 'uuid' };
  return { ...fixed, size: fixedLength(type) };
}

function valueToAvro(type: PrimitiveType, value: PartitionValue): unknown {
  const decimal = decimalParts(type);
  return decimal && typeof value === 'bigint' ? bigEndianOf(value, decimalBytes(decimal.precision)) : value;
}

function valueFromAvro(type: PrimitiveType, value: unknown): PartitionValue {
  if (Buffer.isBuffer(value)) return decimalParts(type) ? fromBytes(type, value) : value;
  // Columns are widened, and the files that were there keep the tuples they have.
  if (type === 'long' && typeof value === 'number') return BigInt(value);
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return null;
}

/** Bytes of the smallest two's complement number with that many digits, which is how long a decimal is in a tuple. */
export function decimalBytes(digits: number): number {
  return Math.ceil((digits * Math.log2(10) + 1) / 8);
}
