import type { PrimitiveType } from '../../contracts/schema.ts';
import type { ColumnStatistics, WrittenFile } from '../duckdb/parquet-file.ts';
import { lowerBound, upperBound } from './bounds.ts';
import type { DataFile } from './manifest.ts';
import { CONTENT } from './manifest.ts';
import { UNSORTED } from './metadata.ts';
import type { IcebergField, IcebergSchema, IcebergType } from './schema.ts';

/** A leaf column of a schema; `repeated` if it lies in a list or a map. */
interface Leaf {
  readonly id: number;
  readonly path: string;
  readonly type: PrimitiveType;
  readonly repeated: boolean;
}

/** How much of a column's statistics goes into table metadata; `truncateTo` is 0 for no bounds. */
interface MetricsMode {
  readonly counts: boolean;
  readonly truncateTo: number;
}

export type Leaves = ReadonlyMap<number, Leaf & MetricsMode>;

/** The leaf columns of a schema with the metrics that the table's properties allow for each. */
export function leavesOf(schema: IcebergSchema, properties: Readonly<Record<string, string>>): Leaves {
  const leaves = schema.fields.flatMap((field) => leavesOfField(field));
  return new Map(leaves.map((leaf) => [leaf.id, { ...leaf, ...metricsMode(leaf.path, properties) }]));
}

/** Where a file stands in its table: its partition, and the order that its rows are in. */
export interface Placement {
  readonly partition: DataFile['partition'];
  readonly sortOrderId: number;
}

/** A written file as a manifest describes it: counts, sizes and bounds by field id. */
export function toDataFile(
  file: WrittenFile,
  leaves: Leaves,
  { partition, sortOrderId }: Placement = { partition: {}, sortOrderId: UNSORTED },
): DataFile {
  const known = file.columns.flatMap((column) => {
    const leaf = leaves.get(column.fieldId);
    return leaf?.counts === true ? [{ column, leaf }] : [];
  });
  // In a list or a map the file counts elements, which is not what readers compare with the number of rows.
  const plain = known.filter(({ leaf }) => !leaf.repeated);
  const numbers = (of: typeof known, value: (column: ColumnStatistics) => number | undefined) =>
    of.flatMap(({ column }) => pair(column.fieldId, toBigInt(value(column))));
  const bounds = (bound: typeof lowerBound, value: (column: ColumnStatistics) => string | undefined) =>
    plain.flatMap(({ column, leaf }) => pair(column.fieldId, boundOf(bound, value(column), column, leaf)));
  return {
    content: CONTENT.data,
    file_path: file.uri,
    file_format: 'PARQUET',
    partition,
    record_count: BigInt(file.rows),
    file_size_in_bytes: BigInt(file.bytes),
    column_sizes: numbers(known, (column) => column.bytes),
    value_counts: numbers(plain, (column) => column.values),
    null_value_counts: numbers(plain, (column) => column.nulls),
    // The footer knows whether there is a NaN, not how many.
    nan_value_counts: numbers(plain, (column) => (column.hasNan === false ? 0 : undefined)),
    lower_bounds: bounds(lowerBound, (column) => column.min),
    upper_bounds: bounds(upperBound, (column) => column.max),
    key_metadata: null,
    split_offsets: null,
    equality_ids: null,
    sort_order_id: sortOrderId,
  };
}

function boundOf(
  bound: typeof lowerBound,
  value: string | undefined,
  column: ColumnStatistics,
  leaf: Leaf & MetricsMode,
): Buffer | undefined {
  if (value === undefined || leaf.truncateTo === 0 || column.hasNan === true) return undefined;
  return bound(leaf.type, value, leaf.truncateTo);
}

function pair<T>(key: number, value: T | undefined): { key: number; value: T }[] {
  return value === undefined ? [] : [{ key, value }];
}

function toBigInt(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}

function leavesOfField(field: IcebergField): Leaf[] {
  return leavesOfType(field.id, field.name, field.type, false);
}

function leavesOfType(id: number, path: string, type: IcebergType, repeated: boolean): Leaf[] {
  if (typeof type === 'string') return [{ id, path, type, repeated }];
  switch (type.type) {
    case 'struct':
      return type.fields.flatMap((field) => leavesOfType(field.id, `${path}.${field.name}`, field.type, repeated));
    case 'list':
      return leavesOfType(type['element-id'], `${path}.element`, type.element, true);
    case 'map':
      return [
        ...leavesOfType(type['key-id'], `${path}.key`, type.key, true),
        ...leavesOfType(type['value-id'], `${path}.value`, type.value, true),
      ];
  }
}

const METRICS_DEFAULT = 'write.metadata.metrics.default';
const METRICS_COLUMN_PREFIX = 'write.metadata.metrics.column.';

/** Table properties that keep the values of these top-level columns, and all that is in them, out of the metadata. */
export function withoutBoundsProperties(
  schema: IcebergSchema,
  columns: readonly string[],
): Readonly<Record<string, string>> {
  const fields = schema.fields.filter((field) => columns.includes(field.name));
  const leaves = fields.flatMap((field) => leavesOfField(field));
  return Object.fromEntries(leaves.map((leaf) => [`${METRICS_COLUMN_PREFIX}${leaf.path}`, 'counts']));
}

const TRUNCATE = /^truncate\((\d+)\)$/;

/** The table properties that every Iceberg writer follows; the default is truncate(16). */
function metricsMode(path: string, properties: Readonly<Record<string, string>>): MetricsMode {
  const mode = properties[`${METRICS_COLUMN_PREFIX}${path}`] ?? properties[METRICS_DEFAULT] ?? 'truncate(16)';
  if (mode === 'none') return { counts: false, truncateTo: 0 };
  if (mode === 'counts') return { counts: true, truncateTo: 0 };
  if (mode === 'full') return { counts: true, truncateTo: Infinity };
  return { counts: true, truncateTo: Number(TRUNCATE.exec(mode)?.[1] ?? 16) };
}
