import { fail } from '../../contracts/errors.ts';
import type { SourceSpec } from '../../contracts/job-source.ts';
import type { Column } from '../../contracts/schema.ts';
import type { StreamDescription } from '../connector.ts';
import type { CsvCheckpoint } from './checkpoint.ts';
import { rememberedColumns } from './checkpoint.ts';
import type { FileLayout, SniffResult } from './sniff.ts';

/** The columns of one file. */
export type FileColumns = Pick<FileLayout, 'path' | 'columns'>;

export interface DescribeInput {
  readonly source: SourceSpec;
  readonly contract: readonly Column[];
  readonly before: CsvCheckpoint;
  readonly paths: readonly string[];
  /** Undefined when all files are empty. */
  readonly sniffed: SniffResult | undefined;
  readonly layouts: readonly FileColumns[];
}

/**
 * The columns of all files, in the order in which they are met, by name. Types: the contract's, then the job's, then
 * what the sample shows; where there is no row to show any, those that earlier runs read with.
 * Errors: SOURCE_EMPTY, DUPLICATE_COLUMN.
 */
export function describeFiles({ source, contract, before, paths, sniffed, layouts }: DescribeInput): StreamDescription {
  const remembered = rememberedColumns(before);
  const files = `files: ${paths.length}`;
  if (sniffed === undefined) {
    if (remembered.length === 0) throw emptySource(paths);
    return { schema: { columns: remembered, primaryKey: [] }, notes: [files, 'every file is empty'] };
  }
  const promised = new Map(contract.map((column) => [column.name, column]));
  const given = new Map(Object.entries(source.types ?? {}));
  const inferred = new Map(sniffed.columns.map((column) => [column.name, column]));
  const known = new Map(sniffed.empty ? remembered.map((column) => [column.name, column]) : []);
  const columns = unionNames(layouts).map((name): Column => {
    const text: Column = { name, type: 'string', required: false };
    const column = promised.get(name) ?? known.get(name) ?? inferred.get(name) ?? text;
    const type = promised.has(name) ? column.type : (given.get(name) ?? column.type);
    return { ...column, type, required: false };
  });
  const untyped = columns.filter(({ name }) => !promised.has(name) && !given.has(name) && !known.has(name));
  if (sniffed.empty && untyped.length > 0) throw headerOnly(paths);
  const doubts = sniffed.doubts.filter(({ column = '' }) => !promised.has(column) && !given.has(column));
  return {
    schema: { columns, primaryKey: [] },
    notes: [files, ...sniffed.notes, ...layoutNotes(layouts), ...doubts.map(({ text }) => text)],
    doubts,
  };
}

/** Errors: DUPLICATE_COLUMN where two files spell one name in different cases. */
function unionNames(layouts: readonly FileColumns[]): string[] {
  const seen = new Map<string, { readonly name: string; readonly path: string }>();
  for (const { path, columns } of layouts) {
    for (const name of columns) {
      const other = seen.get(name.toLowerCase()) ?? { name, path };
      seen.set(name.toLowerCase(), other);
      if (other.name === name) continue;
      throw fail('DUPLICATE_COLUMN', {
        received: `the column "${other.name}" in ${other.path} and "${name}" in ${path}`,
        expected: 'one spelling of a column in all files of an object',
        next: 'rename it in one of the files',
      });
    }
  }
  return [...seen.values()].map(({ name }) => name);
}

function emptySource(paths: readonly string[]) {
  return fail('SOURCE_EMPTY', {
    received: paths.length === 1 ? `${paths[0]}, which is empty` : `${paths.length} files, all of them empty`,
    expected: 'at least a header',
    next: 'check what writes the files, or name others in source.path',
  });
}

function headerOnly(paths: readonly string[]) {
  return fail('SOURCE_EMPTY', {
    received: `${paths.length === 1 ? paths[0] : `${paths.length} files`}: a header and no row to derive types from`,
    expected: 'at least one row, or a contract or source.types for every column',
    next: 'check what writes the files, or give the types',
  });
}

/** How the columns of some files differ from the first one's. */
function layoutNotes(layouts: readonly FileColumns[]): string[] {
  const [first, ...others] = layouts.filter(({ columns }) => columns.length > 0);
  if (first === undefined) return [];
  return others.flatMap(({ path, columns }) => {
    const missing = first.columns.filter((name) => !columns.includes(name));
    const added = columns.filter((name) => !first.columns.includes(name));
    const moved = missing.length + added.length === 0 && columns.some((name, index) => name !== first.columns[index]);
    const parts = [
      ...(missing.length > 0 ? [`lacks ${missing.join(', ')}`] : []),
      ...(added.length > 0 ? [`adds ${added.join(', ')}`] : []),
      ...(moved ? ['has its columns in another order'] : []),
    ];
    return parts.length > 0 ? [`header of ${path}: ${parts.join('; ')}`] : [];
  });
}
