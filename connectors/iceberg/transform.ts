import { transformParts, typesWanted } from '../../contracts/partition-by.ts';
import type { PrimitiveType } from '../../contracts/schema.ts';
import { decimalParts } from '../../contracts/schema.ts';
import { civilFromDays } from './civil-date.ts';
import { murmur3, murmur3Long } from './murmur3.ts';
import type { SingleValue } from './single-value.ts';
import { bigEndian, MICROS_PER_DAY } from './single-value.ts';

/** A value of a partition tuple: the result of a transform, null for a row that has no value. */
export type PartitionValue = SingleValue | null;

const MICROS_PER_HOUR = 3_600_000_000n;

/** The type of what a transform (in Iceberg's spelling) gives of a column of that type. */
export function resultType(transform: string, source: PrimitiveType): PrimitiveType {
  const { name } = transformParts(transform);
  if (name === 'day') return 'date';
  return name === 'identity' || name === 'truncate' || name === 'void' ? source : 'int';
}

/** Whether a transform in Iceberg's spelling is one that this version computes. */
export function isTransform(transform: string): boolean {
  return typesWanted(transform, 'int') === undefined || typesWanted(transform, 'timestamp') === undefined;
}

/** Whether a greater value never gives a smaller result, so that bounds of a column bound its partitions. */
export function keepsOrder(transform: string): boolean {
  const { name } = transformParts(transform);
  return name !== 'bucket' && name !== 'void';
}

/** The transforms of the spec ("Partition Transforms", appendix B); `duckdb/partition-sql.ts` has the same in SQL. */
export function applyTransform(transform: string, type: PrimitiveType, value: PartitionValue): PartitionValue {
  if (value === null) return null;
  const { name, parameter = 0 } = transformParts(transform);
  switch (name) {
    case 'identity':
      return value;
    case 'year':
      return civilFromDays(daysOf(type, value)).year - 1970;
    case 'month': {
      const { year, month } = civilFromDays(daysOf(type, value));
      return (year - 1970) * 12 + month - 1;
    }
    case 'day':
      return daysOf(type, value);
    case 'hour':
      return Number(floorDivide(integer(value), MICROS_PER_HOUR));
    case 'bucket':
      return bucketOf(hashOf(type, value), parameter);
    case 'truncate':
      return truncate(value, parameter);
    case 'void':
      return null;
    default:
      throw new RangeError(`no transform ${name}`);
  }
}

/** Appendix B, "32-bit Hash Requirements". */
export function hashOf(type: PrimitiveType, value: SingleValue): number {
  if (typeof value === 'string') return murmur3(Buffer.from(value));
  if (Buffer.isBuffer(value)) return murmur3(value);
  if (decimalParts(type)) return murmur3(bigEndian(integer(value)));
  const long = BigInt.asIntN(64, integer(value));
  return murmur3Long(Number(BigInt.asIntN(32, long)), Number(long >> 32n));
}

export function bucketOf(hash: number, buckets: number): number {
  return (hash & 0x7fffffff) % buckets;
}

function truncate(value: SingleValue, width: number): SingleValue {
  if (typeof value === 'string') return [...value].slice(0, width).join('');
  if (Buffer.isBuffer(value)) return value.subarray(0, width);
  const truncated = floorDivide(integer(value), BigInt(width)) * BigInt(width);
  return typeof value === 'number' ? Number(truncated) : truncated;
}

function daysOf(type: PrimitiveType, value: SingleValue): number {
  return type === 'date' ? Number(value) : Number(floorDivide(integer(value), MICROS_PER_DAY));
}

function integer(value: SingleValue): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return BigInt(value);
  throw new RangeError('a number was expected');
}

/** Division rounds towards zero in JavaScript; days before 1970 want it towards less. */
function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}
