import type { WritePlan } from '../connectors/sink.ts';
import { fail } from '../contracts/errors.ts';
import type { Column } from '../contracts/schema.ts';

/**
 * A column that the source lost becomes null in the table; as a partition column it would put every row of the run into
 * one partition without a word. Throws LAYOUT_INVALID.
 */
export function requirePartitionColumns(
  { layout, fileSchema, namespace, table }: WritePlan,
  brought: readonly Column[],
): void {
  for (const { sourceId, transform, name } of layout?.partition ?? []) {
    const column = fileSchema.fields.find(({ id }) => id === sourceId)?.name;
    if (transform === 'void' || brought.some((one) => one.name === column)) continue;
    throw fail('LAYOUT_INVALID', {
      received: `no column ${column ?? name}, by which table ${namespace}.${table} is partitioned`,
      expected: 'every column of partition_by in the source, or written by a transformation',
      next: 'bring the column back, or change partition_by',
    });
  }
}
