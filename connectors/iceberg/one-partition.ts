import { BugError } from '../../contracts/errors.ts';
import type { PrimitiveType } from '../../contracts/schema.ts';
import type { WrittenFile } from '../duckdb/parquet-file.ts';
import type { PartitionKey } from './layout.ts';
import type { PartitionTuple } from './partition.ts';
import type { SingleValue } from './single-value.ts';
import { fromText } from './single-value.ts';
import type { PartitionValue } from './transform.ts';
import { applyTransform, keepsOrder } from './transform.ts';

/** A partition key with the type of the column that it divides. */
export interface SourceKey {
  readonly key: PartitionKey;
  readonly sourceType: PrimitiveType;
}

/**
 * Holds a file to the partition that it was written for, by what its footer says of the columns: readers leave files out
 * by their partition, so a row in a wrong one would be lost to them. Its values were divided by SQL, and are judged
 * here by the other implementation of the transforms. Fails with UNEXPECTED, a fault of ours.
 */
export function requireOnePartition(
  file: Pick<WrittenFile, 'rows' | 'columns'>,
  keys: readonly SourceKey[],
  tuple: PartitionTuple,
): void {
  for (const [index, { key, sourceType }] of keys.entries()) {
    const column = file.columns.find(({ fieldId }) => fieldId === key.sourceId);
    if (column === undefined || key.transform === 'void') continue;
    const value = tuple[index] ?? null;
    const { nulls, min, max } = column;
    if (nulls !== undefined && nulls !== (value === null ? file.rows : 0)) throw misplaced(key, 'nulls');
    if (!keepsOrder(key.transform) || value === null) continue;
    for (const bound of exactBounds([min, max], sourceType, key.transform)) {
      if (!same(applyTransform(key.transform, sourceType, bound), value)) throw misplaced(key, 'other values');
    }
  }
}

/** DuckDB cuts texts and bytes to 256 bytes in a footer, at the end of a character. */
const CUT_FROM = 253;

/** The bounds that are values of the file. */
function exactBounds(
  [min, max]: readonly (string | undefined)[],
  type: PrimitiveType,
  transform: string,
): readonly SingleValue[] {
  const [lowest, highest] = [min, max].map((text) => {
    const value = text === undefined ? undefined : fromText(type, text);
    return value === undefined || Number.isNaN(value) ? undefined : value;
  });
  const isText = typeof lowest === 'string' || Buffer.isBuffer(lowest);
  if (isText && Buffer.byteLength(lowest) >= CUT_FROM) return [];
  // The highest of several may be longer than the lowest; what is cut off then makes it the next greater text.
  const bounds = isText && transform !== 'identity' ? [lowest] : [lowest, highest];
  return bounds.filter((bound) => bound !== undefined);
}

function same(a: PartitionValue, b: PartitionValue): boolean {
  if (Buffer.isBuffer(a) && Buffer.isBuffer(b)) return a.equals(b);
  // Also -0.0 and 0.0, which are one partition.
  return a === b;
}

function misplaced({ name, transform }: PartitionKey, what: string): BugError {
  return new BugError('UNEXPECTED', {
    received: `a file of one partition ${name} (${transform}) with ${what} in it`,
    expected: 'rows of that partition alone',
    next: 'report it together with the job file; nothing was committed',
  });
}
