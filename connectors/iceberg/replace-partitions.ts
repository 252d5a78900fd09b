import { fail } from '../../contracts/errors.ts';
import type { PrimitiveType } from '../../contracts/schema.ts';
import { tableChanged, WRITTEN_TO } from '../commit-rules.ts';
import type { SinkChange } from '../sink.ts';
import type { DataFile, ManifestEntry } from './manifest.ts';
import { CONTENT } from './manifest.ts';
import type { PartitionSpec, TableMetadata } from './metadata.ts';
import { currentSpec, snapshotOfId } from './metadata.ts';
import type { PartitionTuple, TupleField } from './partition.ts';
import { tupleOf, tupleText } from './partition.ts';
import { compareValues, fromBytes } from './single-value.ts';
import type { Gone } from './take-over.ts';
import { applyTransform, keepsOrder } from './transform.ts';

/**
 * Tells which files go when a change replaces the partitions that it brings rows of: those of the same partitions. Fails
 * with LAYOUT_INVALID at a file of an earlier spec that may hold rows of one of them, since it would have to be taken
 * apart, and with TABLE_CHANGED at a file that came after the run was planned. `fields` are those of the table's current
 * spec, which the added files are of.
 */
export function replacedPartitions(
  change: SinkChange,
  table: TableMetadata,
  fields: readonly TupleField[],
  added: readonly DataFile[],
): Gone {
  const current = currentSpec(table);
  const tuples = new Map<string, PartitionTuple>();
  for (const { partition } of added) {
    const tuple = tupleOf(fields, partition);
    tuples.set(tupleText(fields, tuple), tuple);
  }
  const mayReach = reaches(change, current, [...tuples.values()]);
  return (file, manifest, entry) => {
    if (manifest.partition_spec_id === current['spec-id']) {
      if (!tuples.has(tupleText(fields, tupleOf(fields, file.partition)))) return false;
      requireSeen(change, table, entry);
      return true;
    }
    // What was marked as deleted in files of an earlier spec are rows of such files, which stay.
    if (file.content === CONTENT.data && mayReach(file)) throw earlierPartitioning(change);
    return false;
  };
}

/** Whether a file may hold rows of one of these partitions of a spec, by the bounds of its columns. */
function reaches({ plan }: SinkChange, spec: PartitionSpec, tuples: readonly PartitionTuple[]) {
  const types = new Map(plan.tableSchema.fields.map((field) => [field.id, field.type]));
  return (file: DataFile): boolean => {
    const ranges = spec.fields.map((field) => {
      const type = types.get(field['source-id']);
      return typeof type === 'string' ? rangeOf(file, field['source-id'], field.transform, type) : undefined;
    });
    return tuples.some((tuple) => ranges.every((has, index) => has === undefined || has(tuple[index] ?? null)));
  };
}

/** Tells which values of a partition field the rows of a file may have; undefined where nothing is known. */
function rangeOf(file: DataFile, id: number, transform: string, type: PrimitiveType) {
  const of = <T>(all: readonly { readonly key: number; readonly value: T }[] | null) =>
    all?.find(({ key }) => key === id)?.value;
  const [low, high] = [of(file.lower_bounds), of(file.upper_bounds)];
  if (!keepsOrder(transform) || low === undefined || high === undefined) return undefined;
  const [lowest, highest] = [low, high].map((bytes) => applyTransform(transform, type, fromBytes(type, bytes)));
  if (lowest === null || lowest === undefined || highest === null || highest === undefined) return undefined;
  const withoutNulls = of(file.null_value_counts) === 0n;
  const withoutNans = (type !== 'float' && type !== 'double') || of(file.nan_value_counts) === 0n;
  return (value: PartitionTuple[number]) => {
    if (value === null) return !withoutNulls;
    if (typeof value === 'number' && Number.isNaN(value)) return !withoutNans;
    return compareValues(lowest, value) <= 0 && compareValues(value, highest) <= 0;
  };
}

/** Rows that came after the run was planned are not among those that take their place. */
function requireSeen({ plan }: SinkChange, table: TableMetadata, { sequence_number: sequence }: ManifestEntry): void {
  const { snapshotId } = plan.base;
  const planned = snapshotId === null ? undefined : snapshotOfId(table, BigInt(snapshotId));
  const seen = snapshotId === null ? 0n : planned?.['sequence-number'];
  if (seen === undefined || (sequence ?? 0n) > seen) throw tableChanged(plan, WRITTEN_TO);
}

/** A file that was written before the table was partitioned as it is now stands in the way. */
function earlierPartitioning({ plan: { namespace, table } }: SinkChange) {
  return fail('LAYOUT_INVALID', {
    received: `overwrite: partitions for table ${namespace}.${table}, which has files of an earlier partitioning that may hold rows of the same partitions`,
    expected: 'every file that is replaced to belong to one of the partitions',
    next: 'run once with --full-refresh, which writes the whole table in the current partitions',
  });
}
