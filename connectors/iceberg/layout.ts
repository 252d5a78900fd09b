import { fail } from '../../contracts/errors.ts';
import { nearest } from '../../contracts/nearest.ts';
import type { PartitionField } from '../../contracts/partition-by.ts';
import { showPartitionField, typesWanted } from '../../contracts/partition-by.ts';
import { typeName } from '../../contracts/schema.ts';
import type { SortField } from '../../contracts/sort-by.ts';
import { showSortField } from '../../contracts/sort-by.ts';
import type { PartitionSpec, SortOrder, TableMetadata } from './metadata.ts';
import { currentSpec, ofId } from './metadata.ts';
import type { IcebergField, IcebergSchema } from './schema.ts';
import { toColumnType } from './schema.ts';

/** How the rows of a table are divided into files, and ordered within each; columns by their ids. Plain JSON. */
export interface Layout {
  /** A data file holds rows of one combination of these alone. */
  readonly partition: readonly PartitionKey[];
  /** Left out where the table has an order that this version cannot follow: then new files are in none. */
  readonly sort?: readonly SortKey[];
}

/** Of a plan that says nothing about it. */
export const UNDIVIDED: Layout = { partition: [] };

export interface PartitionKey {
  readonly sourceId: number;
  /** Iceberg's spelling: `day`, `bucket[16]`. */
  readonly transform: string;
  readonly name: string;
}

export interface SortKey {
  readonly sourceId: number;
  readonly direction: 'asc' | 'desc';
  readonly nulls: 'first' | 'last';
}

/** What a job wants; what it leaves out stays as the table has it. */
export interface WantedLayout {
  readonly partitionBy?: readonly PartitionField[] | undefined;
  readonly sortBy?: readonly SortField[] | undefined;
}

export interface PlannedLayout {
  readonly layout: Layout;
  /** In plain words; empty where the table stays as it is, or is created. */
  readonly changes: readonly string[];
}

/**
 * Fits a wanted layout to a table (undefined for one that is to be created). Fails with LAYOUT_INVALID for a column that
 * the run does not bring or that cannot be divided so, and for a change of the partitioning where `allowed` is false.
 * `schema` has the columns that the run brings.
 */
export function planLayout(
  table: TableMetadata | undefined,
  schema: IcebergSchema,
  wanted: WantedLayout,
  { allowed, name }: { readonly allowed: boolean; readonly name: string },
): PlannedLayout {
  const spec = table === undefined ? undefined : currentSpec(table);
  const order = table === undefined ? undefined : currentOrder(table);
  const partition = plannedPartition(spec, schema, wanted.partitionBy, name);
  const sort = wanted.sortBy?.map((field) => sortKey(field, schema, name)) ?? followedSort(order, schema);
  const changes: string[] = [];
  if (spec !== undefined && !partitionsAs(spec, partition)) {
    const [to, from] = [shownPartition(partition, schema), shownPartition(keysOf(spec), schema)];
    if (!allowed) {
      throw fail('LAYOUT_INVALID', {
        received: `partition_by ${to} for table ${name}, which is partitioned by ${from}`,
        expected: 'the partitioning of the table (schema_mode strict)',
        next: 'set schema_mode: warn to let new files follow the job, or change partition_by',
      });
    }
    changes.push(`partition by ${to} instead of ${from}; files written before stay as they are`);
  }
  if (order !== undefined && sort !== undefined && !sortsAs(order, sort)) {
    changes.push(`sort new files by ${sort.map((key) => shownSort(key, schema)).join(', ') || 'nothing'}`);
  }
  return { layout: { partition, ...(sort === undefined ? {} : { sort }) }, changes };
}

/** True if a spec divides rows in the same way; names, order and fields that are always null aside. */
export function partitionsAs(spec: PartitionSpec, keys: readonly PartitionKey[]): boolean {
  const shape = (all: readonly PartitionKey[]) =>
    all
      .filter(({ transform }) => transform !== 'void')
      .map(({ sourceId, transform }) => `${sourceId} ${transform}`)
      .toSorted()
      .join();
  return shape(keysOf(spec)) === shape(keys);
}

export function sortsAs(order: SortOrder, keys: readonly SortKey[]): boolean {
  const shape = (all: readonly SortKey[]) => all.map((key) => `${key.sourceId} ${key.direction} ${key.nulls}`).join();
  const simple = order.fields.every(({ transform }) => transform === 'identity');
  return simple && shape(sortKeys(order)) === shape(keys);
}

export function keysOf(spec: PartitionSpec): PartitionKey[] {
  return spec.fields.map(({ 'source-id': sourceId, transform, name }) => ({ sourceId, transform, name }));
}

export function currentOrder(table: TableMetadata): SortOrder {
  return ofId(table['sort-orders'], 'order-id', table['default-sort-order-id'], table);
}

function plannedPartition(
  spec: PartitionSpec | undefined,
  schema: IcebergSchema,
  wanted: readonly PartitionField[] | undefined,
  name: string,
): readonly PartitionKey[] {
  const kept = spec === undefined ? [] : keysOf(spec);
  const keys = wanted?.map((field) => partitionKey(field, schema, name));
  // The table's own spelling, so that a spec of the same meaning is not added a second time.
  if (keys === undefined || (spec !== undefined && partitionsAs(spec, keys))) {
    for (const key of kept) requireFit(key, schema, name);
    return kept;
  }
  return uniquelyNamed(keys, schema);
}

function partitionKey(field: PartitionField, schema: IcebergSchema, table: string): PartitionKey {
  const shown = `partition_by ${showPartitionField(field)}`;
  const source = columnNamed(field.column, schema, shown, table);
  requireType(field.transform, source, shown, table);
  return { sourceId: source.id, transform: field.transform, name: partitionName(field) };
}

function requireFit(key: PartitionKey, schema: IcebergSchema, table: string): void {
  if (key.transform === 'void') return;
  const source = schema.fields.find(({ id }) => id === key.sourceId);
  const shown = `partition ${key.name} (${key.transform})`;
  if (source === undefined) {
    throw fail('LAYOUT_INVALID', {
      received: `${shown} of table ${table}, whose column this run does not bring`,
      expected: 'every column that the table is partitioned by',
      next: 'bring the column, or give the table another partition_by',
    });
  }
  requireType(key.transform, source, shown, table);
}

function requireType(transform: string, source: IcebergField, shown: string, table: string): void {
  const type = toColumnType(source.type);
  const expected = typesWanted(transform, type);
  if (expected === undefined) return;
  throw fail('LAYOUT_INVALID', {
    received: `${shown}, and column ${source.name} of table ${table} is ${typeName(type)}`,
    expected,
    next: 'choose another transform or column, or cast the column in the job',
  });
}

function sortKey(field: SortField, schema: IcebergSchema, table: string): SortKey {
  const shown = `sort_by ${showSortField(field)}`;
  const source = columnNamed(field.column, schema, shown, table);
  requireType('identity', source, shown, table);
  return { sourceId: source.id, direction: field.direction, nulls: field.nulls };
}

function columnNamed(column: string, schema: IcebergSchema, shown: string, table: string): IcebergField {
  const found = schema.fields.find(({ name }) => name === column);
  if (found !== undefined) return found;
  const names = schema.fields.map(({ name }) => name);
  const near = nearest(column, names);
  throw fail('LAYOUT_INVALID', {
    received: `${shown}, and this run brings no column of that name to table ${table}`,
    expected: `one of ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`,
    next: near === undefined ? 'correct the name' : `write ${near} instead`,
  });
}

/** A table's order that this code can follow: by columns that are there. Any other leaves new files unsorted. */
export function followedSort(order: SortOrder | undefined, schema: IcebergSchema): readonly SortKey[] | undefined {
  if (order === undefined) return [];
  if (order.fields.some(({ transform }) => transform !== 'identity')) return undefined;
  const keys = sortKeys(order);
  const columns = new Map(schema.fields.map((field) => [field.id, field]));
  return keys.every(({ sourceId }) => typeof columns.get(sourceId)?.type === 'string') ? keys : undefined;
}

function sortKeys(order: SortOrder): SortKey[] {
  return order.fields.map((field) => ({
    sourceId: field['source-id'],
    direction: field.direction,
    nulls: field['null-order'] === 'nulls-first' ? 'first' : 'last',
  }));
}

/** The names that Iceberg's own writers give: `created_at_day`, `id_bucket_16`, `name_trunc_10`. */
function partitionName({ transform, column }: PartitionField): string {
  if (transform === 'identity') return column;
  const suffix = transform.replace('truncate', 'trunc').replace('void', 'null').replaceAll(/[[\]]/g, ' ').trim();
  return `${column}_${suffix.replaceAll(' ', '_')}`;
}

/** A field may bear the name of a column only if it holds that column's own values. */
function uniquelyNamed(keys: readonly PartitionKey[], schema: IcebergSchema): PartitionKey[] {
  const taken = new Set(schema.fields.map(({ name }) => name));
  return keys.map((key) => {
    let { name } = key;
    while (key.transform !== 'identity' && taken.has(name)) name = `${name}_`;
    taken.add(name);
    return { ...key, name };
  });
}

function shownPartition(keys: readonly PartitionKey[], schema: IcebergSchema): string {
  const shown = keys
    .filter(({ transform }) => transform !== 'void')
    .map(({ sourceId, transform }) => showPartitionField({ transform, column: nameOf(sourceId, schema) }));
  return shown.join(', ') || 'nothing';
}

function shownSort({ sourceId, direction, nulls }: SortKey, schema: IcebergSchema): string {
  return showSortField({ column: nameOf(sourceId, schema), direction, nulls });
}

function nameOf(id: number, schema: IcebergSchema): string {
  return schema.fields.find((field) => field.id === id)?.name ?? `column ${id}`;
}
