import type { DuckDBVector } from '@duckdb/node-api';

/**
 * The memory that a vector's values stand in, for functions that see every row. node-api keeps it private and offers
 * one call per value instead, which would cost more than the query; hence the checks.
 */
export function typedArray<T>(vector: DuckDBVector, type: new () => T): T {
  const items: unknown = Reflect.get(vector, 'items');
  if (items instanceof type) return items;
  throw new TypeError(`a vector without its ${type.name}`);
}

/** The same as bytes, for types that have no typed array: booleans, 128-bit integers, texts and blobs. */
export function bytesOf(vector: DuckDBVector): Uint8Array {
  const view: unknown = Reflect.get(vector, 'dataView');
  if (view instanceof DataView) return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  throw new TypeError('a vector without its bytes');
}
