import type { Layout } from '../iceberg/layout.ts';
import type { IcebergSchema } from '../iceberg/schema.ts';
import { toColumnType } from '../iceberg/schema.ts';
import type { Storage } from '../storage/storage.ts';
import { inFolder } from '../storage/storage.ts';
import { copyToParquet } from './copy-parquet.ts';
import { copyInLayout } from './layout-copy.ts';
import type { DuckDbSession } from './session.ts';
import { identifier } from './sql.ts';
import { toDuckDb } from './type-names.ts';

/** One data file and what its footer says. Plain JSON. The statistics hold values: keep them inside the lake. */
export interface WrittenFile {
  readonly uri: string;
  readonly rows: number;
  readonly bytes: number;
  readonly columns: readonly ColumnStatistics[];
  /** Of a file that is one partition's: its tuple in the order of the layout, see `writeTuple`. */
  readonly partition?: readonly (string | null)[];
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
  /** How rows are divided into files and ordered in them; left out for as they come. */
  readonly layout?: Layout | undefined;
  /** Called every so often while files are written and brought to their place. */
  readonly onProgress?: () => void;
}

/**
 * Writes the rows of a query as Parquet files into a folder that is this call's alone, and makes them durable. The
 * query's columns are found by name and cast to the schema's types. No rows, no file.
 */
export async function writeParquet(
  session: DuckDbSession,
  select: string,
  schema: IcebergSchema,
  folder: string,
  { storage, fileSizeBytes, layout, onProgress }: ParquetOptions,
): Promise<WrittenFile[]> {
  const { signal, scratchFolder } = session;
  const progress = onProgress ? { onProgress } : {};
  const staging = await storage.stage(folder, { signal, scratchFolder, ...progress });
  const columns = schema.fields.map(
    ({ name, type }) => `CAST(${identifier(name)} AS ${toDuckDb(toColumnType(type))}) AS ${identifier(name)}`,
  );
  const rows = `SELECT ${columns.join(', ')} FROM (${select})`;
  const target = { root: staging.path, fileSizeBytes };
  const written =
    layout === undefined || (layout.partition.length === 0 && (layout.sort ?? []).length === 0)
      ? await copyToParquet(session, rows, schema, target)
      : await copyInLayout(session, rows, schema, layout, { ...target, ...progress });
  await staging.finish(written.map(({ name }) => name));
  return written.map(({ name, ...file }) => ({ uri: inFolder(folder, name), ...file }));
}
