import { z } from 'zod';
import { filledText, location, plainName, wholeNumber } from './job-fields.ts';

export const CATALOG_TYPES = ['sqlite', 'rest', 'sql', 'hive', 'glue', 'nessie', 'polaris', 'lakekeeper'] as const;
export const FILE_FORMATS = ['parquet', 'markdown_kv'] as const;
export const STORAGE_PATTERNS = ['row_per_kv', 'document_level', 'raw'] as const;
export const WRITE_MODES = ['append', 'overwrite', 'upsert'] as const;

/** File name of the embedded catalog inside the warehouse, unless `target.catalog.uri` names another. */
export const EMBEDDED_CATALOG_FILE = 'catalog.db';

/** Name under which the embedded catalog lists its tables: the one that PyIceberg looks for by default. */
export const EMBEDDED_CATALOG_NAME = 'default';

const catalogSchema = z.strictObject({
  type: z
    .enum(CATALOG_TYPES)
    .default('sqlite')
    .describe('Kind of Iceberg catalog: sqlite is embedded and needs no server.'),
  uri: location()
    .optional()
    .describe(
      `Address of the catalog; for sqlite a file, relative to the job file. Default: ${EMBEDDED_CATALOG_FILE} in the warehouse.`,
    ),
  name: plainName()
    .default(EMBEDDED_CATALOG_NAME)
    .describe('Name of the catalog, as other Iceberg readers of it are told.'),
  token: filledText()
    .optional()
    .describe('Bearer token of a REST catalog. A secret: write ${VARIABLE} or ${file:path}.'),
  credential: filledText()
    .optional()
    .describe('OAuth2 client credential of a REST catalog, id:secret. A secret: write ${VARIABLE} or ${file:path}.'),
});

/** `target`: where rows go. */
export const targetSchema = z.strictObject({
  namespace: plainName().optional().describe('Namespace of the tables in the catalog. Default: the tenant_id.'),
  catalog: catalogSchema.prefault({}).describe('The Iceberg catalog that knows the tables.'),
  warehouse: location()
    .default('./warehouse')
    .describe('Folder of the lake, relative to the job file, or an s3:// address.'),
  file_format: z.enum(FILE_FORMATS).default('parquet').describe('Format of the data files.'),
  storage_pattern: z
    .enum(STORAGE_PATTERNS)
    .optional()
    .describe('Layout of markdown_kv: one row for each key and value, one document for each row, or raw text.'),
  write_mode: z
    .enum(WRITE_MODES)
    .default('append')
    .describe('append adds rows, overwrite replaces the content with each run, upsert replaces rows by primary key.'),
  partition_by: z
    .array(filledText())
    .optional()
    .describe('Partition transforms, such as day(created_at), bucket(16, id) or a column alone.'),
  target_file_size_mb: wholeNumber(1, 512)
    .default(160)
    .describe('Size at which a data file is closed and the next one begun, in MiB.'),
});

/** `target` with its defaults filled in; `namespace` is the only one that depends on another section. */
export type TargetSpec = z.output<typeof targetSchema>;
