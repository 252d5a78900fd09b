import { decimalParts, fixedLength } from '../../contracts/schema.ts';
import type { AvroSchema } from './avro.ts';
import { optional } from './manifest-schemas.ts';
import type { PartitionSpec } from './metadata.ts';
import { notOurs } from './metadata.ts';
import type { IcebergSchema, IcebergType } from './schema.ts';

type AvroColumn = ReturnType<typeof optional>;

/** Avro type of each column type that a partition tuple may hold (spec, appendix A). */
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
  uuid: { type: 'fixed', name: 'uuid_fixed', size: 16, logicalType: 'uuid' },
};

/** Avro type of the result of each transform that does not keep its source's type. */
const AVRO_OF_TRANSFORM: Readonly<Record<string, AvroSchema>> = {
  bucket: 'int',
  year: 'int',
  month: 'int',
  day: { type: 'int', logicalType: 'date' },
  hour: 'int',
};

/** The columns of the partition tuple of a spec, for the schema of its manifests. */
export function partitionColumns(spec: PartitionSpec, schema: IcebergSchema): readonly AvroColumn[] {
  return spec.fields.map((field) => {
    const transform = field.transform.replace(/\[\d+\]$/, '');
    const type = AVRO_OF_TRANSFORM[transform] ?? avroOf(sourceType(schema, field['source-id']), field.name);
    return optional(field['field-id'], field.name, type);
  });
}

function sourceType(schema: IcebergSchema, id: number): IcebergType {
  const source = schema.fields.find((field) => field.id === id);
  if (source === undefined)
    throw notOurs(`with partition source ${id}`, 'partitions by a column that no longer exists');
  return source.type;
}

function avroOf(type: IcebergType, name: string): AvroSchema {
  if (typeof type !== 'string') throw notOurs(name, 'partitions by a nested column');
  const plain = AVRO_OF[type];
  if (plain !== undefined) return plain;
  const decimal = decimalParts(type);
  const size = decimal ? bytesFor(decimal.precision) : fixedLength(type);
  return { type: 'fixed', name: `${name}_fixed`, size, ...(decimal ? { logicalType: 'decimal', ...decimal } : {}) };
}

/** Bytes of the smallest two's complement number with that many digits. */
function bytesFor(digits: number): number {
  return Math.ceil((digits * Math.log2(10) + 1) / 8);
}
