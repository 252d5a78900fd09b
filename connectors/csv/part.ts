import type { Column } from '../../contracts/schema.ts';
import { identifier, literal } from '../duckdb/sql.ts';
import type { NormalisedFile } from './normalise.ts';
import type { CsvPosition, PlannedFile } from './plan.ts';
import type { RejectTables } from './rejects.ts';

/** Files that one `read_csv` reads. */
export interface Part {
  readonly columns: readonly string[];
  readonly files: readonly PlannedFile[];
  /** The copy that is read in place of its only file. */
  readonly copy?: NormalisedFile;
  /** Another name for its only file. */
  readonly link?: string;
  readonly parallel: boolean;
}

/** The column of a part's query that names the file of a row. */
export const FILE_COLUMN = '__dativo_source_file';

/**
 * A query for the rows of a part: the wanted columns as text, null where its files lack one, and the file. Rows that
 * DuckDB leaves out go to the reject tables; without those they are left out silently.
 */
export function partSql(
  part: Part,
  tables: RejectTables | undefined,
  wanted: readonly Column[],
  format: CsvPosition['format'],
): string {
  const { files, copy, columns } = part;
  const [first] = files;
  if (first === undefined) throw new RangeError('a part without files');
  const paths = files.map((file) => readPath(part, file));
  const nulls = format.nullsInText.length > 0 ? format.nullsInText : [NO_NULL];
  const options = [
    `columns = {${columns.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ')}}`,
    'auto_detect = false',
    // A folder called `key=value` adds no column.
    'hive_partitioning = false',
    `header = ${format.header}`,
    `delim = ${literal(format.delimiter)}`,
    `quote = ${literal(format.quote)}`,
    `escape = ${literal(format.escape)}`,
    `nullstr = [${nulls.map(literal).join(', ')}]`,
    // An empty text in quotes is an empty text, and no null.
    'allow_quoted_nulls = false',
    `compression = ${literal(copy ? 'none' : first.compression)}`,
    `parallel = ${part.parallel}`,
    ...(tables === undefined ? ['ignore_errors = true'] : rejectOptions(tables)),
    ...(files.length > 1 ? [`filename = ${literal(FILE_COLUMN)}`] : []),
  ];
  const list = wanted.map(({ name }) =>
    columns.includes(name) ? identifier(name) : `NULL::VARCHAR AS ${identifier(name)}`,
  );
  const file = files.length > 1 ? FILE_COLUMN : `${literal(first.path)} AS ${FILE_COLUMN}`;
  return `SELECT ${[...list, file].join(', ')} FROM read_csv([${paths.map(literal).join(', ')}], ${options.join(', ')})`;
}

function rejectOptions({ errors, scans, limit }: RejectTables): string[] {
  return [
    `store_rejects = true, rejects_table = ${literal(errors)}, rejects_scan = ${literal(scans)}`,
    `rejects_limit = ${limit}`,
  ];
}

/** Where DuckDB finds a file of a part. */
export function readPath({ copy, link }: Part, file: PlannedFile): string {
  return copy?.path ?? link ?? file.path;
}

/** Stands for "no text means null": DuckDB wants at least one. */
const NO_NULL = '\u0001no null\u0001';
