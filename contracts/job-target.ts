import { z } from 'zod';
import { catalogSchema } from './job-catalog.ts';
import { filledText, location, plainName, wholeNumber } from './job-fields.ts';
import { partitionFields, sortFields } from './job-layout.ts';
import { storageSchema } from './job-storage.ts';

export const FILE_FORMATS = ['parquet', 'markdown_kv'] as const;
export const STORAGE_PATTERNS = ['row_per_kv', 'document_level', 'raw'] as const;
export const WRITE_MODES = ['append', 'overwrite', 'upsert'] as const;
export type WriteMode = (typeof WRITE_MODES)[number];

/** What `write_mode: overwrite` replaces. */
export const OVERWRITE_SCOPES = ['table', 'partitions'] as const;
export type OverwriteScope = (typeof OVERWRITE_SCOPES)[number];

/** `target`: where rows go. */
export const targetSchema = z.strictObject({
  namespace: plainName().optional().describe('Namespace of the tables in the catalog. Default: the tenant_id.'),
  catalog: catalogSchema.prefault({}).describe('The Iceberg catalog that knows the tables.'),
  warehouse: location()
    .default('./warehouse')
    .describe('Folder of the lake, relative to the job file, or an s3://bucket/prefix.'),
  storage: storageSchema.optional().describe('How the object store of an s3:// warehouse is reached.'),
  file_format: z.enum(FILE_FORMATS).default('parquet').describe('Format of the data files.'),
  storage_pattern: z
    .enum(STORAGE_PATTERNS)
    .optional()
    .describe('Layout of markdown_kv: one row for each key and value, one document for each row, or raw text.'),
  write_mode: z
    .enum(WRITE_MODES)
    .default('append')
    .describe(
      'append adds the rows that a run reads: a file that has changed is read again as a whole, so that its rows are ' +
        'there twice, and the run tells which file it was; overwrite replaces the content with all that the source ' +
        'holds, whenever something in it is new, has changed or is gone; upsert replaces rows by primary key.',
    ),
  shared: z
    .boolean()
    .default(false)
    .describe(
      'Whether several jobs fill the table, each with a checkpoint of its own; every one of them says so. Without it a ' +
        'table is filled by the job that created it: tenant, asset and source_connector.',
    ),
  primary_key: z
    .array(filledText())
    .optional()
    .describe(
      'Columns that identify a row for upsert; a row without a value in one of them goes to quarantine. Default: the ' +
        'primaryKey of the contract.',
    ),
  latest_by: filledText()
    .optional()
    .describe(
      'Column whose highest value marks the newest of several rows with one primary key, in a run and against the ' +
        'table; older rows are skipped and counted. Without it, a run that brings two rows with one key fails.',
    ),
  overwrite: z
    .enum(OVERWRITE_SCOPES)
    .default('table')
    .describe(
      'What write_mode overwrite replaces: the whole table with the whole of the source, or only the partitions that ' +
        'the new and changed files bring rows of.',
    ),
  partition_by: partitionFields()
    .optional()
    .describe(
      'How rows are divided into files: a column, or year, month, day, hour, bucket(16, id) or truncate(10, name) of ' +
        'one. [] divides nothing. Default: as the table is; a new one is not divided.',
    ),
  sort_by: sortFields()
    .optional()
    .describe(
      'Order of the rows in each data file, such as amount desc nulls last. Default: as the table is; a new one is ' +
        'not sorted.',
    ),
  target_file_size_mb: wholeNumber(1, 512)
    .default(160)
    .describe('Size at which a data file is closed and the next one begun, in MiB.'),
});

/** `target` with its defaults filled in; `namespace` is the only one that depends on another section. */
export type TargetSpec = z.output<typeof targetSchema>;
