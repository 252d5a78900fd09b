import path from 'node:path';
import { z } from 'zod';
import type { IcebergField, IcebergSchema, IcebergType } from '../iceberg/schema.ts';
import { toColumnType } from '../iceberg/schema.ts';
import type { Storage } from '../storage/storage.ts';
import { inFolder } from '../storage/storage.ts';
import type { DuckDbSession } from './session.ts';
import { identifier, literal } from './sql.ts';
import { toDuckDb } from './type-names.ts';

/** One data file and what its footer says. Plain JSON. The statistics hold values: keep them inside the lake. */
export interface WrittenFile {
  readonly uri: string;
  readonly rows: number;
  readonly bytes: number;
  readonly columns: readonly ColumnStatistics[];
}

/** Statistics of one leaf column, the values as DuckDB prints them in UTC. */
export interface ColumnStatistics {
  readonly fieldId: number;
  readonly bytes: number;
  readonly values: number;
  readonly nulls?: number;
  readonly hasNan?: boolean;
  readonly min?: string;
  readonly max?: string;
}

export interface ParquetOptions {
  readonly storage: Storage;
  /** A file is closed when it has reached this many bytes. */
  readonly fileSizeBytes: number;
}

/**
 * Writes the rows of a query as zstd Parquet files into a folder that is this call's alone, and makes them durable.
 * The query's columns are found by name and cast to the schema's types; field ids go into the files, so that readers
 * never depend on names. No rows, no file.
 */
export async function writeParquet(
  session: DuckDbSession,
  select: string,
  schema: IcebergSchema,
  folder: string,
  { storage, fileSizeBytes }: ParquetOptions,
): Promise<WrittenFile[]> {
  await storage.makeFolder(folder);
  const columns = schema.fields.map(
    ({ name, type }) => `CAST(${identifier(name)} AS ${toDuckDb(toColumnType(type))}) AS ${identifier(name)}`,
  );
  const rows = await session.rows(
    `COPY (SELECT ${columns.join(', ')} FROM (${select})) TO ${literal(storage.toLocalPath(folder))} ` +
      `(FORMAT parquet, COMPRESSION zstd, FIELD_IDS ${fieldIds(schema.fields)}, RETURN_STATS, ` +
      `FILE_SIZE_BYTES ${fileSizeBytes})`,
  );
  const leaves = leafIds(schema.fields);
  const files = COPY_RESULT.parse(rows).map((row) => describeFile(row, folder, leaves));
  for (const file of files) {
    if (file.rows === 0) await storage.remove(file.uri, folder);
    else await storage.sync(file.uri);
  }
  return files.filter((file) => file.rows > 0);
}

/** DuckDB's maps arrive as lists of pairs. */
const STATISTICS = z
  .array(z.object({ key: z.string(), value: z.string() }))
  .transform((pairs) => new Map(pairs.map((pair) => [pair.key, pair.value])));

/** The rows that `COPY … (RETURN_STATS)` gives back, one for each file. */
const COPY_RESULT = z.array(
  z.object({
    filename: z.string(),
    count: z.coerce.number(),
    file_size_bytes: z.coerce.number(),
    column_statistics: z.array(z.object({ key: z.string(), value: STATISTICS })),
  }),
);

function describeFile(
  row: z.infer<typeof COPY_RESULT>[number],
  folder: string,
  leaves: ReadonlyMap<string, number>,
): WrittenFile {
  const columns = row.column_statistics.flatMap(({ key, value }) => {
    const fieldId = leaves.get(key);
    return fieldId === undefined ? [] : [describeColumn(fieldId, value)];
  });
  return {
    uri: inFolder(folder, path.basename(row.filename)),
    rows: row.count,
    bytes: row.file_size_bytes,
    columns,
  };
}

function describeColumn(fieldId: number, statistics: ReadonlyMap<string, string>): ColumnStatistics {
  const [nulls, hasNan] = [statistics.get('null_count'), statistics.get('has_nan')];
  const [min, max] = [statistics.get('min'), statistics.get('max')];
  return {
    fieldId,
    bytes: Number(statistics.get('column_size_bytes') ?? 0),
    values: Number(statistics.get('num_values') ?? 0),
    ...(nulls === undefined ? {} : { nulls: Number(nulls) }),
    ...(hasNan === undefined ? {} : { hasNan: hasNan === 'true' }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  };
}

/** DuckDB's FIELD_IDS: `{a: 1, s: {__duckdb_field_id: 2, x: 3}, l: {__duckdb_field_id: 4, element: 5}}`. */
export function fieldIds(fields: readonly IcebergField[]): string {
  return `{${fields.map((field) => `${identifier(field.name)}: ${fieldId(field.id, field.type)}`).join(', ')}}`;
}

function fieldId(id: number, type: IcebergType): string {
  const inner = children(type).map((child) => `${identifier(child.name)}: ${fieldId(child.id, child.type)}`);
  return inner.length === 0 ? String(id) : `{__duckdb_field_id: ${id}, ${inner.join(', ')}}`;
}

interface Child {
  readonly name: string;
  readonly id: number;
  readonly type: IcebergType;
}

/** The parts of a nested type under the names that DuckDB gives them in a Parquet file. */
function children(type: IcebergType): readonly Child[] {
  if (typeof type === 'string') return [];
  switch (type.type) {
    case 'struct':
      return type.fields;
    case 'list':
      return [{ name: 'element', id: type['element-id'], type: type.element }];
    case 'map':
      return [
        { name: 'key', id: type['key-id'], type: type.key },
        { name: 'value', id: type['value-id'], type: type.value },
      ];
  }
}

/** Path of every leaf as RETURN_STATS spells it (`"s"."x"`) → field id. */
function leafIds(fields: readonly Child[], prefix = ''): Map<string, number> {
  const found = new Map<string, number>();
  for (const { name, id, type } of fields) {
    const columnPath = `${prefix}${identifier(name)}`;
    const inner = children(type);
    if (inner.length === 0) found.set(columnPath, id);
    for (const [leaf, leafId] of leafIds(inner, `${columnPath}.`)) found.set(leaf, leafId);
  }
  return found;
}
