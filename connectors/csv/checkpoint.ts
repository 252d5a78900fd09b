import { z } from 'zod';
import { parseColumnType } from '../../contracts/column-type-names.ts';
import { fail } from '../../contracts/errors.ts';
import type { Column } from '../../contracts/schema.ts';
import { typeName } from '../../contracts/schema.ts';
import type { Checkpoint } from '../connector.ts';
import type { SourceFile } from './files.ts';
import type { CsvFormat } from './sniff.ts';

const fileStateSchema = z.object({
  bytes: z.number(),
  mtimeMs: z.number(),
  digest: z.string(),
  /** Its columns: an index into `headers`. */
  header: z.number().optional(),
});

const checkpointSchema = z.object({
  version: z.literal(1),
  /**
   * Files whose rows are in the table, by path. One that has disappeared stays listed: when it comes back as it was,
   * its rows are not read twice.
   */
  files: z.record(z.string(), fileStateSchema),
  /** Highest cursor that was written, as text. */
  cursor: z.string().optional(),
  /** Rows that were read at that very cursor, see `Boundary`; null when they are too many. */
  atCursor: z.string().nullable().optional(),
  /** True when windows brought rows that a run which goes on from here would read again. */
  windowsAhead: z.boolean().optional(),
  /** The columns that files have, and the format that they were found with. */
  headers: z.array(z.array(z.string())).optional(),
  format: z.string().optional(),
  /** The columns that rows were last read with, and the names of their types. */
  columns: z.array(z.tuple([z.string(), z.string()])).optional(),
});

export type CsvCheckpoint = z.output<typeof checkpointSchema>;
export type FileState = z.output<typeof fileStateSchema>;

const NOTHING: CsvCheckpoint = { version: 1, files: {} };

/** Errors: TABLE_NEWER for a checkpoint that this version cannot read. */
export function parseCheckpoint(checkpoint: Checkpoint | undefined): CsvCheckpoint {
  if (checkpoint === undefined || Object.keys(checkpoint).length === 0) return NOTHING;
  const parsed = checkpointSchema.safeParse(checkpoint);
  if (parsed.success) return parsed.data;
  throw fail('TABLE_NEWER', {
    received: 'a checkpoint of another source or of a newer version',
    expected: 'one that this version of the csv source wrote',
    next: 'use the version that wrote it, or run with --full-refresh',
  });
}

export function stateOf(path: string, { files }: CsvCheckpoint): FileState | undefined {
  return Object.hasOwn(files, path) ? files[path] : undefined;
}

/** A file with the names of its columns, as far as they are known. */
export interface RememberedFile extends SourceFile {
  readonly columns: readonly string[] | undefined;
}

/** The checkpoint with these files added, and with what was found out about all of them. */
export function withFiles(
  checkpoint: CsvCheckpoint,
  files: readonly RememberedFile[],
  format: string,
  columns: readonly Column[],
): CsvCheckpoint {
  const headers = new Map<string, number>();
  const added = files.map(({ path, bytes, mtimeMs, digest, columns: names }) => {
    const key = JSON.stringify(names);
    if (names !== undefined && !headers.has(key)) headers.set(key, headers.size);
    const header = headers.get(key);
    return [path, { bytes, mtimeMs, digest, ...(header === undefined ? {} : { header }) }] as const;
  });
  // The headers are numbered anew, so files that are gone lose theirs.
  const before = Object.entries(checkpoint.files).map(([path, { header: _, ...state }]) => [path, state] as const);
  return {
    ...checkpoint,
    files: Object.fromEntries([...before, ...added]),
    headers: [...headers.keys()].map((key) => z.array(z.string()).parse(JSON.parse(key))),
    format,
    columns: columns.map(({ name, type }) => [name, typeName(type)]),
  };
}

/** What decides the names of columns when a file is read; they are only to be remembered as long as it stays. */
export function formatKey({ delimiter, quote, escape, header }: CsvFormat, contract: readonly Column[]): string {
  const names = header ? [] : contract.map(({ name }) => name);
  return JSON.stringify([delimiter, quote, escape, header, ...names]);
}

/** The columns of a file that has not changed, if they were found with the same format. */
export function rememberedHeader(
  path: string,
  checkpoint: CsvCheckpoint,
  format: string,
): readonly string[] | undefined {
  const header = checkpoint.format === format ? stateOf(path, checkpoint)?.header : undefined;
  return header === undefined ? undefined : checkpoint.headers?.[header];
}

/** The columns that rows were last read with. */
export function rememberedColumns({ columns = [] }: CsvCheckpoint): Column[] {
  return columns.flatMap(([name, text]) => {
    const type = parseColumnType(text);
    return type === undefined ? [] : [{ name, type, required: false }];
  });
}
