import { z } from 'zod';
import { atLeast, columnName, columnTypeName, filledText, location, objectName, wholeNumber } from './job-fields.ts';
import { storageSchema } from './job-storage.ts';

export const INCREMENTAL_STRATEGIES = ['new_files', 'updated_after', 'none'] as const;
export const CSV_ENCODINGS = ['utf-8', 'utf-16', 'latin-1'] as const;
export const CSV_COMPRESSIONS = ['auto', 'none', 'gzip', 'zstd'] as const;
/** What becomes of a database's column whose type the lake has no counterpart of. */
export const UNSUPPORTED_TYPES = ['text', 'refuse', 'skip'] as const;

/** What becomes of a date of MySQL that is in no calendar. */
export const ZERO_DATES = ['refuse', 'null', 'text'] as const;

/** Stands for the name of the object in `source.path`. */
export const OBJECT_PLACEHOLDER = '{object}';

const incrementalSchema = z.strictObject({
  strategy: z
    .enum(INCREMENTAL_STRATEGIES)
    .optional()
    .describe(
      'What a run reads of a database: updated_after = rows whose cursor_field is above the highest one committed, and ' +
        'rows at it that were not read then; none = everything, every time, which is the default there and has to be ' +
        'written with target.write_mode append, since it appends all rows again. Of csv files: new_files, the default ' +
        'there = files that are new or have changed since the last run, each as a whole; ' +
        'updated_after = of those files the rows whose cursor_field is at or above the highest one committed; none = ' +
        'everything, every time. A file has changed when its size has, or its time and its content. With ' +
        'target.write_mode append, rows that are read again are appended again: those of a file that has changed, of ' +
        'which the run tells, and with none all rows of every run.',
    ),
  cursor_field: columnName()
    .optional()
    .describe(
      'Column that grows when a row is added or changed: of a database any column with an order, of files a number, date ' +
        'or timestamp. Needed by updated_after, which counts what it leaves out: rows below the highest cursor committed, and rows at it that are the same in all ' +
        'values as one that was read there before, as incremental; rows without a value in it, in the first run as in ' +
        'any other, as null_cursor. Where more than 10,000 rows have the highest cursor they are told apart by their ' +
        'files: those of a file that was read before are left out as same_cursor; rows of a database go by their primary ' +
        'key then. A database is asked for newer rows alone, so that only null_cursor is counted.',
    ),
  lookback_hours: atLeast(0)
    .default(0)
    .describe(
      'How far behind the highest cursor updated_after starts to read again, for rows that arrive late, in hours. Rows ' +
        'are read a second time, so it is refused with target.write_mode append, which would double them.',
    ),
});

/** `source`: where rows come from. Settings that a connector does not know are refused by its validation. */
export const sourceSchema = z.strictObject({
  connection: filledText()
    .optional()
    .describe(
      'Connection string of a database or service. A secret: write ${VARIABLE}, ${file:path}, ${vault:path#key} or ${aws:name#key}.',
    ),
  path: z
    .union([location(), z.array(location()).min(1, { error: 'a list with at least one path' })])
    .optional()
    .describe(
      'File, glob or list of them, relative to the job file; s3://bucket/key, with the same wildcards; or the https:// ' +
        'address of a file. `{object}` stands for the name of the object: data/{object}.csv.gz.',
    ),
  storage: storageSchema.optional().describe('How the object store of s3:// files is reached.'),
  objects: z
    .array(objectName())
    .min(1, { error: 'a list with at least one object' })
    .optional()
    .describe(
      'Names of the streams to bring in, each into a table of its own. Of a database: tables and views, with their ' +
        'schema where it is not source.schema (sales.orders). Default: the asset alone.',
    ),
  schema: filledText()
    .optional()
    .describe('Schema of a Postgres database in which objects are looked up that name none. Default: public.'),
  query: filledText()
    .optional()
    .describe(
      'A SELECT in the SQL of the database, in place of a table, for a job with one object. It is run as it stands, so ' +
        'that nobody but you decides what it may read.',
    ),
  unsupported_types: z
    .enum(UNSUPPORTED_TYPES)
    .default('text')
    .describe(
      'What becomes of the columns of a database that no type of the lake can hold exactly, such as intervals, ranges or ' +
        'numbers of any precision: text = kept as the text that the database writes, without loss; refuse = the object ' +
        'fails and names them; skip = left out.',
    ),
  chunk_mb: wholeNumber(1, 65_536)
    .default(128)
    .describe(
      'How much of a table is worked on at a time, in MB: of Postgres what one chunk reads, as the table lies there; of ' +
        'MySQL, where a table is read in one go, what of it is landed on the disk of the worker.',
    ),
  batch_rows: wholeNumber(1, 10_000_000)
    .default(10_000)
    .describe('How many rows of a MySQL or MariaDB table with a key one statement reads, in rows.'),
  zero_dates: z
    .enum(ZERO_DATES)
    .default('refuse')
    .describe(
      'What becomes of the dates and times of MySQL and MariaDB that no calendar has, such as 0000-00-00, 2024-00-00 or ' +
        'a 30th of February: refuse = the row is kept in quarantine; null = no value; text = all columns of dates and ' +
        'times are kept as the text that the server writes.',
    ),
  statement_timeout_seconds: wholeNumber(1, 2_000_000)
    .default(3600)
    .describe('How long the database may work on one chunk before it gives up, in seconds.'),
  lock_timeout_seconds: wholeNumber(1, 2_000_000)
    .default(60)
    .describe('How long to wait for a table that somebody else has locked, in seconds.'),
  incremental: incrementalSchema.prefault({}).describe('How a run finds what the last one has not read.'),
  delimiter: z
    .string()
    .min(1, { error: 'one to four characters' })
    .max(4, { error: 'one to four characters' })
    .optional()
    .describe('Text between two fields of a CSV file. Default: found in the sample.'),
  quote: z
    .string()
    .max(1, { error: 'one character, or "" for none' })
    .optional()
    .describe(
      'Character around a CSV field that holds delimiters or line breaks; "" for none. Default: found in the sample.',
    ),
  escape: z
    .string()
    .max(1, { error: 'one character, or "" for none' })
    .optional()
    .describe('Character before a quote inside a quoted CSV field; "" for none. Default: found in the sample.'),
  header: z
    .boolean()
    .optional()
    .describe(
      'Whether the first line of a CSV file holds the names of its columns. Default: found in the sample, by comparing ' +
        'it with the lines below; where it could be either, the first run and `dativo validate --sample` say so.',
    ),
  encoding: z.enum(CSV_ENCODINGS).optional().describe('Text encoding of CSV files. Default: found in the sample.'),
  compression: z
    .enum(CSV_COMPRESSIONS)
    .default('auto')
    .describe('Compression of the files; auto goes by their names (.gz, .zst).'),
  null_strings: z
    .array(z.string())
    .optional()
    .describe('Texts of a CSV field that mean "no value", such as ["", NA]. Default: found in the sample.'),
  types: z
    .record(columnName(), columnTypeName())
    .optional()
    .describe(
      'Types of columns by name, where the ones found in the sample are not wanted: { zip: string, price: ' +
        '"decimal(10, 2)" }. The contract goes before. A column is read as string when more than one of 200 sampled ' +
        'values is no value of another type; where most are, the first run and `dativo validate --sample` say so.',
    ),
  sample_rows: wholeNumber(1, 10_000_000)
    .default(20_480)
    .describe('Rows that are looked at to find the format and types of a file, in rows.'),
  max_bad_rows: wholeNumber(0, 10_000_000)
    .default(1000)
    .describe('Malformed rows that a run puts aside into quarantine before it fails, in rows for each object.'),
  parallel_chunks: wholeNumber(1, 256)
    .default(4)
    .describe(
      'Chunks of one object that are worked on at once, over all workers; one run keeps all workers busy with as many as ' +
        'they take together (DATIVO_HEAVY_ACTIVITIES each).',
    ),
  parallel_objects: wholeNumber(1, 256).default(4).describe('Objects that are worked on at once, over all workers.'),
});

/** `source` with its defaults filled in. */
export type SourceSpec = z.output<typeof sourceSchema>;
