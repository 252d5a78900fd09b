import { fail } from '../../contracts/errors.ts';
import type { SourceSpec } from '../../contracts/job-source.ts';
import type { Column } from '../../contracts/schema.ts';
import type { Watcher } from './byte-stream.ts';
import type { Dialect, SniffedDialect, TextRecord } from './dialect.ts';
import { parseRecords, sniffDialect } from './dialect.ts';
import type { Encoding, FileHead } from './head.ts';
import { notCsv, readHead } from './head.ts';
import { headerNames, looksLikeHeader, placeNames } from './header.ts';
import type { InferredType } from './infer-type.ts';
import { inferType, NULL_TOKENS } from './infer-type.ts';

/** How every file of an object is read. Plain JSON: it goes into the plan, so that all chunks agree. */
export interface CsvFormat extends Dialect {
  readonly header: boolean;
  /** Unquoted texts that mean null; always holds the empty one unless the job says otherwise. */
  /** Texts that mean null where a column is not text. */
  readonly nullStrings: readonly string[];
  /**
   * Texts that mean null in a column of text as well: those that the job gives. One that was only found, such as NA in
   * a column of numbers, may be somebody's name or country in another column.
   */
  readonly nullsInText: readonly string[];
}

/** One file's own part of the format. */
export interface FileLayout {
  readonly path: string;
  readonly compression: FileHead['compression'];
  readonly encoding: Encoding;
  /** Names of its columns in order; none for an empty file. */
  readonly columns: readonly string[];
}

export interface SniffResult {
  readonly format: CsvFormat;
  /** Columns of all sampled files, in the order in which they were met; types as inferred. */
  readonly columns: readonly Column[];
  /** True when no sampled file holds a record below its header. */
  readonly empty: boolean;
  readonly notes: readonly string[];
}

const HEAD_BYTES = 8 * 1_048_576;
const SAMPLED_FILES = 8;

/**
 * Finds the format and the types of an object's files in a bounded sample: the heads of up to 8 of them, spread
 * evenly. The dialect is the first one's that is not empty. What the job gives is taken as it is.
 * Errors: SOURCE_EMPTY, SOURCE_NOT_CSV, DUPLICATE_COLUMN, SOURCE_UNREADABLE.
 */
export async function sniffFiles(
  paths: readonly string[],
  source: SourceSpec,
  contract: readonly Column[],
  watcher: Watcher,
): Promise<SniffResult> {
  const heads: FileHead[] = [];
  for (const path of spread(paths, SAMPLED_FILES)) {
    const head = await readHead(path, source, HEAD_BYTES / Math.min(paths.length, SAMPLED_FILES), watcher);
    if (head.text.trim() !== '') heads.push(head);
  }
  const [first] = heads;
  if (first === undefined) throw emptySource(paths);
  const dialect = requireDialect(first, source);
  const limit = Math.max(100, Math.ceil(source.sample_rows / heads.length));
  const sampled = heads.map((head) => ({ head, records: parseRecords(head.text, dialect, limit + 1) }));
  const header = source.header ?? looksLikeHeader(sampled[0]?.records[0] ?? []);
  const texts = collectTexts(sampled, header, contract);
  const tokens = source.null_strings ?? ['', ...NULL_TOKENS];
  const inferred = new Map([...texts].map(([name, values]) => [name, inferType(values, tokens)]));
  const nullStrings = source.null_strings ?? ['', ...foundTokens(inferred)];
  const nullsInText = source.null_strings ?? [''];
  const columns = [...inferred].map(([name, { type }]): Column => ({ name, type, required: false }));
  const { delimiter, quote, escape } = dialect;
  const format = { delimiter, quote, escape, header, nullStrings, nullsInText };
  const rows = sampled.reduce((sum, { records }) => sum + records.length - (header ? 1 : 0), 0);
  return {
    format,
    columns,
    empty: rows === 0,
    notes: [...describe(format, first, rows, paths.length), ...misfitNotes(inferred)],
  };
}

/** The layout of one file: read from its head, with the dialect that all files share. */
export async function readLayout(
  path: string,
  format: CsvFormat,
  source: SourceSpec,
  contract: readonly Column[],
  watcher: Watcher,
): Promise<FileLayout> {
  const head = await readHead(path, source, LAYOUT_BYTES, watcher);
  const [first] = parseRecords(head.text, format, 1);
  const columns = first === undefined ? [] : columnNames(first, format.header, contract, path);
  return { path, compression: head.compression, encoding: head.encoding, columns };
}

const LAYOUT_BYTES = 1_048_576;

function spread(paths: readonly string[], count: number): string[] {
  if (paths.length <= count) return [...paths];
  const step = (paths.length - 1) / (count - 1);
  return Array.from({ length: count }, (_, index) => paths[Math.round(index * step)] ?? '');
}

function requireDialect(head: FileHead, source: SourceSpec): SniffedDialect {
  const { delimiter, quote, escape } = source;
  const dialect = sniffDialect(head.text, {
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(quote === undefined ? {} : { quote }),
    ...(escape === undefined ? {} : { escape }),
  });
  if (delimiter !== undefined || (dialect.fields > 1 && dialect.share >= 0.6)) return dialect;
  const start = head.text.replace(/^\ufeff/, '').trimStart();
  if (/^[[{]/.test(start)) throw notCsv(head.path, 'text that begins like JSON');
  if (start.startsWith('<')) throw notCsv(head.path, 'text that begins like HTML or XML');
  const records = parseRecords(head.text, dialect, 500);
  const single = records.filter(({ length }) => length === 1).length;
  if (single < records.length * 0.9) throw notCsv(head.path, 'no delimiter that divides its lines evenly');
  return dialect;
}

function columnNames(first: TextRecord, header: boolean, contract: readonly Column[], path: string): string[] {
  return header
    ? headerNames(first, path)
    : placeNames(
        first.length,
        contract.map(({ name }) => name),
      );
}

function collectTexts(
  sampled: readonly { readonly head: FileHead; readonly records: readonly TextRecord[] }[],
  header: boolean,
  contract: readonly Column[],
): Map<string, string[]> {
  const texts = new Map<string, string[]>();
  for (const { head, records } of sampled) {
    const [first] = records;
    if (first === undefined) continue;
    const names = columnNames(first, header, contract, head.path);
    for (const name of names) if (!texts.has(name)) texts.set(name, []);
    // Rows with another number of fields are malformed and say nothing about types.
    for (const record of header ? records.slice(1) : records) {
      if (record.length !== names.length) continue;
      for (const [index, name] of names.entries()) texts.get(name)?.push(record[index]?.text ?? '');
    }
  }
  return texts;
}

function foundTokens(inferred: ReadonlyMap<string, InferredType>): string[] {
  return [...new Set([...inferred.values()].flatMap(({ nullTokens }) => nullTokens))].sort();
}

function emptySource(paths: readonly string[]) {
  return fail('SOURCE_EMPTY', {
    received: paths.length === 1 ? `${paths[0]}, which is empty` : `${paths.length} files, all of them empty`,
    expected: 'at least a header',
    next: 'check what writes the files, or name others in source.path',
  });
}

function misfitNotes(inferred: ReadonlyMap<string, InferredType>): string[] {
  return [...inferred].flatMap(([name, { type, misfits, values }]) =>
    misfits === 0 ? [] : [`column ${name}: ${misfits} of ${values} sampled values are no ${type} and go to quarantine`],
  );
}

function describe(format: CsvFormat, head: FileHead, rows: number, files: number): string[] {
  const text = (value: string) => (value === '' ? 'none' : JSON.stringify(value));
  return [
    `files: ${files}`,
    `compression: ${head.compression}`,
    `encoding: ${head.encoding}`,
    `delimiter: ${text(format.delimiter)}`,
    `quote: ${text(format.quote)}`,
    `escape: ${text(format.escape)}`,
    `header: ${format.header ? 'yes' : 'no'}`,
    `null strings: ${format.nullStrings.map((value) => JSON.stringify(value)).join(', ') || 'none'}`,
    `rows sampled: ${rows}`,
  ];
}
