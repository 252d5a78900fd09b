import type { SourceSpec } from '../../contracts/job-source.ts';
import type { Column } from '../../contracts/schema.ts';
import type { Doubt } from '../connector.ts';
import type { Watcher } from './byte-stream.ts';
import type { Dialect, SniffedDialect, TextRecord } from './dialect.ts';
import { parseRecords, sniffDialect } from './dialect.ts';
import { notCsv } from './file-kind.ts';
import type { Encoding, FileHead } from './head.ts';
import { readHead } from './head.ts';
import { headerNames, placeNames } from './header.ts';
import type { InferredType } from './infer-type.ts';
import { inferType, NULL_TOKENS } from './infer-type.ts';
import { judgeHeader } from './judge-header.ts';
import { formatNotes, headerDoubt, misfitNotes, typeDoubts } from './sniff-notes.ts';

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

/** Stands for the format of files that are all empty. */
export const EMPTY_FORMAT: CsvFormat = {
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: true,
  nullStrings: [''],
  nullsInText: [''],
};

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
  readonly doubts: readonly Doubt[];
}

/** Files to look at: all of an object's for how they are divided, those that a run will read for their types. */
export interface SniffedFiles {
  readonly files: readonly string[];
  readonly sample: readonly string[];
}

const HEAD_BYTES = 8 * 1_048_576;
const FORMAT_BYTES = 65_536;
const SAMPLED_FILES = 8;
const JUDGED_RECORDS = 500;

/** Up to 8 of each, spread evenly. */
export function sniffedFiles(files: readonly string[], changed: readonly string[]): SniffedFiles {
  const spreadFiles = spread(files, SAMPLED_FILES);
  return { files: spreadFiles, sample: changed.length === 0 ? spreadFiles : spread(changed, SAMPLED_FILES) };
}

/**
 * Finds the format and the types of an object's files in a bounded sample. The dialect is that of the first file
 * which is not empty, so that it stays the same from run to run. What the job gives is taken as it is.
 * Undefined when all of the files are empty. Errors: SOURCE_NOT_CSV, DUPLICATE_COLUMN, SOURCE_UNREADABLE.
 */
export async function sniffFiles(
  { files, sample }: SniffedFiles,
  source: SourceSpec,
  contract: readonly Column[],
  /** Names that columns have in the job, the contract or the checkpoint. */
  known: readonly string[],
  watcher: Watcher,
): Promise<SniffResult | undefined> {
  const sampledHeads = await readHeads(sample, source, HEAD_BYTES / sample.length, watcher);
  const others = files.filter((path) => !sample.includes(path));
  const otherHeads = await readHeads(others, source, FORMAT_BYTES, watcher);
  const heads = [...sampledHeads, ...otherHeads].sort((a, b) => (a.path < b.path ? -1 : 1));
  const [first] = heads;
  if (first === undefined) return undefined;
  const dialect = requireDialect(first, source);
  const limit = Math.max(100, Math.ceil(source.sample_rows / Math.max(1, sampledHeads.length)));
  const parsed = heads.map((head) => ({ head, records: parseRecords(head.text, dialect, limit + 1) }));
  const verdict = judgeHeader(
    parsed.map(({ records }) => records.slice(0, JUDGED_RECORDS)),
    known,
  );
  const header = source.header ?? verdict.header;
  const holdsRows = ({ records }: ParsedHead) => records.length > (header ? 1 : 0);
  const wanted = parsed.filter(({ head }) => sample.includes(head.path));
  // Files that bring no row say nothing about types, so those that were read before are asked.
  const sampled = wanted.some(holdsRows) ? wanted : parsed;
  const texts = collectTexts(sampled, header, contract);
  const tokens = source.null_strings ?? ['', ...NULL_TOKENS];
  const inferred = new Map([...texts].map(([name, values]) => [name, inferType(values, tokens)]));
  const nullStrings = source.null_strings ?? ['', ...foundTokens(inferred)];
  const nullsInText = source.null_strings ?? [''];
  const columns = [...inferred].map(([name, { type }]): Column => ({ name, type, required: false }));
  const { delimiter, quote, escape } = dialect;
  const format = { delimiter, quote, escape, header, nullStrings, nullsInText };
  const rows = sampled.reduce((sum, { records }) => sum + Math.max(0, records.length - (header ? 1 : 0)), 0);
  return {
    format,
    columns,
    empty: rows === 0,
    notes: [...formatNotes(format, first, rows), ...misfitNotes(inferred)],
    // Where the first line may be data, the names of the columns may be too, and are not told.
    doubts:
      source.header === undefined && !verdict.certain ? [headerDoubt(header)] : typeDoubts(texts, inferred, tokens),
  };
}

interface ParsedHead {
  readonly head: FileHead;
  readonly records: readonly TextRecord[];
}

/** Heads of the files that are not empty. */
async function readHeads(
  paths: readonly string[],
  source: SourceSpec,
  maxBytes: number,
  watcher: Watcher,
): Promise<FileHead[]> {
  const heads: FileHead[] = [];
  for (const path of paths) {
    const head = await readHead(path, source, maxBytes, watcher);
    if (head.text.trim() !== '') heads.push(head);
  }
  return heads;
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
  sampled: readonly ParsedHead[],
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
