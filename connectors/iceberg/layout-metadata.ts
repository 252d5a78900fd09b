import type { Layout, PartitionKey, SortKey } from './layout.ts';
import { currentOrder, partitionsAs, sortsAs } from './layout.ts';
import type { PartitionSpec, TableMetadata } from './metadata.ts';
import { currentSpec, FIRST_PARTITION_ID, UNSORTED } from './metadata.ts';

/**
 * The metadata with this layout as the table's default: a spec or order of the same meaning that the table has or had
 * is taken up again, else a new one is added (spec, "Partition Evolution"). Files keep the spec they were written with.
 */
export function withLayout(metadata: TableMetadata, layout: Layout): TableMetadata {
  return withOrder(withSpec(metadata, layout.partition), layout.sort);
}

function withSpec(metadata: TableMetadata, keys: readonly PartitionKey[]): TableMetadata {
  const specs = metadata['partition-specs'];
  // A new table has none yet.
  if (specs.length > 0 && partitionsAs(currentSpec(metadata), keys)) return metadata;
  const known = specs.find((spec) => partitionsAs(spec, keys));
  if (known !== undefined) return { ...metadata, 'default-spec-id': known['spec-id'] };
  const id = Math.max(-1, ...specs.map((spec) => spec['spec-id'])) + 1;
  const earlier = specs.flatMap((spec) => spec.fields);
  let last = Math.max(metadata['last-partition-id'], FIRST_PARTITION_ID - 1, ...earlier.map((f) => f['field-id']));
  const fields: PartitionSpec['fields'] = keys.map(({ sourceId, transform, name }) => {
    // What divides a column in the same way as a field of an earlier spec is that field.
    const same = earlier.find((field) => field['source-id'] === sourceId && field.transform === transform);
    if (same === undefined) last += 1;
    return { 'source-id': sourceId, 'field-id': same?.['field-id'] ?? last, name: same?.name ?? name, transform };
  });
  return {
    ...metadata,
    'partition-specs': [...specs, { 'spec-id': id, fields }],
    'default-spec-id': id,
    'last-partition-id': last,
  };
}

function withOrder(metadata: TableMetadata, keys: readonly SortKey[] | undefined): TableMetadata {
  if (keys === undefined || sortsAs(currentOrder(metadata), keys)) return metadata;
  const orders = metadata['sort-orders'];
  const known = orders.find((order) => sortsAs(order, keys));
  if (known !== undefined) return { ...metadata, 'default-sort-order-id': known['order-id'] };
  const id = Math.max(0, ...orders.map((order) => order['order-id'])) + 1;
  const fields = keys.map(({ sourceId, direction, nulls }) => ({
    transform: 'identity',
    'source-id': sourceId,
    direction,
    'null-order': nulls === 'first' ? ('nulls-first' as const) : ('nulls-last' as const),
  }));
  return { ...metadata, 'sort-orders': [...orders, { 'order-id': id, fields }], 'default-sort-order-id': id };
}

/** The id of the order that files of this layout are sorted in. */
export function orderIdOf(metadata: TableMetadata, { sort }: Layout): number {
  const order = sort === undefined ? undefined : metadata['sort-orders'].find((one) => sortsAs(one, sort));
  return order?.['order-id'] ?? UNSORTED;
}
