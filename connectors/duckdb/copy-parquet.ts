import path from 'node:path';
import { z } from 'zod';
import type { IcebergSchema } from '../iceberg/schema.ts';
import { fieldIds, leafIds } from './field-ids.ts';
import type { ColumnStatistics, WrittenFile } from './parquet-file.ts';
import type { DuckDbSession } from './session.ts';
import { literal } from './sql.ts';

/** A file that was written, still under its local name. */
export interface CopiedFile extends Omit<WrittenFile, 'uri'> {
  /** Path of the file, below the folder that everything is written to. */
  readonly name: string;
}

export interface CopyTarget {
  /** A local folder; names are given relative to it. */
  readonly root: string;
  /** The folder in it that the files go to; left out for the root itself. */
  readonly folder?: string;
  /** A file is closed when it has reached this many bytes. */
  readonly fileSizeBytes: number;
}

/**
 * Where most of the cpu of writing goes. The second level of zstd gives files of the same size as DuckDB's default, the
 * third, for a fifth less cpu; and a column with more distinct values in a row group than this gains nothing from the
 * dictionary that DuckDB would go on building up to 24,576 values and then throw away. See docs/architecture.md.
 */
const ENCODING = 'COMPRESSION zstd, COMPRESSION_LEVEL 2, DICTIONARY_SIZE_LIMIT 10000';

/**
 * Writes the rows of a query, which has the schema's columns in its order and types, as zstd Parquet files. Field ids
 * go into the files, so that readers never depend on names. Files without rows are left out of the answer.
 */
export async function copyToParquet(
  session: DuckDbSession,
  select: string,
  schema: IcebergSchema,
  { root, folder = '', fileSizeBytes }: CopyTarget,
): Promise<CopiedFile[]> {
  const rows = await session.rows(
    `COPY (${select}) TO ${literal(path.join(root, folder))} ` +
      `(FORMAT parquet, ${ENCODING}, FIELD_IDS ${fieldIds(schema.fields)}, RETURN_STATS, ` +
      `FILE_SIZE_BYTES ${fileSizeBytes})`,
  );
  const leaves = leafIds(schema.fields);
  const written = COPY_RESULT.parse(rows).filter((row) => row.count > 0);
  return written.map((row) => describeFile(row, path.relative(root, row.filename), leaves));
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
  name: string,
  leaves: ReadonlyMap<string, number>,
): CopiedFile {
  const columns = row.column_statistics.flatMap(({ key, value }) => {
    const fieldId = leaves.get(key);
    return fieldId === undefined ? [] : [describeColumn(fieldId, value)];
  });
  return { name, rows: row.count, bytes: row.file_size_bytes, columns };
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
