import type { SortKey } from '../layout.ts';
import { currentOrder, followedSort } from '../layout.ts';
import type { TableMetadata } from '../metadata.ts';
import { currentSchema } from '../metadata.ts';
import type { IcebergField } from '../schema.ts';

/** The order that the rows of a table's files are in. */
export interface RowOrder {
  readonly orderId: number;
  readonly keys: readonly SortKey[];
  /** The column that comes first in it. */
  readonly first: IcebergField;
}

/** The table's own order; undefined where it has none, or one by something else than columns that are there. */
export function rowOrder(metadata: TableMetadata): RowOrder | undefined {
  const schema = currentSchema(metadata);
  const order = currentOrder(metadata);
  const keys = followedSort(order, schema) ?? [];
  const first = schema.fields.find(({ id }) => id === keys[0]?.sourceId);
  return first === undefined ? undefined : { orderId: order['order-id'], keys, first };
}
