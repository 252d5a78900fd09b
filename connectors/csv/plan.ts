import { z } from 'zod';
import type { SourceSpec } from '../../contracts/job-source.ts';
import type { PlanRequest, SourceChunk, SourcePlan } from '../connector.ts';
import type { CsvCheckpoint } from './checkpoint.ts';
import { isKnown, parseCheckpoint, withFiles } from './checkpoint.ts';
import { cursorColumn, skipRules } from './cursor-rule.ts';
import type { SourceFile } from './files.ts';
import type { CsvFormat, FileLayout } from './sniff.ts';

const fileSchema = z.object({
  path: z.string(),
  bytes: z.number(),
  mtimeMs: z.number(),
  digest: z.string(),
  compression: z.enum(['none', 'gzip', 'zstd']),
  encoding: z.enum(['utf-8', 'utf-16le', 'utf-16be', 'latin-1']),
});

/** What `read` is told: nothing about the files is found out a second time. */
export const positionSchema = z.object({
  format: z.object({
    delimiter: z.string(),
    quote: z.string(),
    escape: z.string(),
    header: z.boolean(),
    nullStrings: z.array(z.string()),
    nullsInText: z.array(z.string()),
  }),
  /** Files by the columns that they have, in the files' order. */
  layouts: z.array(z.object({ columns: z.array(z.string()), files: z.array(fileSchema) })),
  skip: z.array(z.object({ rule: z.string(), keep: z.string() })),
  cursorField: z.string().optional(),
});

export type CsvPosition = z.output<typeof positionSchema>;
export type PlannedFile = z.output<typeof fileSchema>;

const CHUNK_BYTES = 256 * 1_048_576;
const CHUNK_FILES = 200;
/** How many times larger a file is once decompressed, roughly. */
const EXPANSION = { none: 1, gzip: 5, zstd: 5 } as const;

export interface PlanInput {
  readonly request: PlanRequest;
  readonly source: SourceSpec;
  /** All files of the object, sorted. */
  readonly files: readonly SourceFile[];
  readonly format: CsvFormat;
  /** Asked only for the files that will be read. */
  readonly layoutOf: (path: string) => Promise<FileLayout>;
}

/**
 * Divides the files that a run has to read into chunks: in the order of their paths, about 256 MiB uncompressed and
 * at most 200 files each, a file never divided. The same files and checkpoint give the same chunks.
 */
export async function planFiles({ request, source, files, format, layoutOf }: PlanInput): Promise<SourcePlan> {
  const { mode } = request.options;
  const before = parseCheckpoint(mode === 'full_refresh' ? undefined : request.checkpoint);
  const cursor = cursorColumn(source, request.schema.columns);
  const incremental = mode === 'incremental' && source.incremental.strategy !== 'none';
  const toRead = incremental ? files.filter((file) => !isKnown(file, before)) : files;
  const skip = skipRules(request, source, cursor, before.cursor);
  const planned: (PlannedFile & { readonly columns: readonly string[] })[] = [];
  for (const file of toRead) {
    const { columns, compression, encoding } = await layoutOf(file.path);
    // An empty file has no rows; it is only remembered.
    if (columns.length > 0) planned.push({ ...file, compression, encoding, columns });
  }
  const position = {
    format: { ...format, nullStrings: [...format.nullStrings], nullsInText: [...format.nullsInText] },
    skip,
    ...(cursor ? { cursorField: cursor.name } : {}),
  };
  const groups = request.wholeRun === true ? [planned].filter(({ length }) => length > 0) : grouped(planned);
  return {
    chunks: groups.map(
      (group): SourceChunk => ({
        position: { ...position, layouts: layoutsOf(group) },
        estimatedBytes: group.reduce((sum, file) => sum + estimatedBytes(file), 0),
      }),
    ),
    unchangedUnits: files.length - toRead.length,
    goneUnits: goneFiles(files, before).length,
    changedUnits: readAgain(toRead, before, source).slice(0, CHANGED_SHOWN),
    nextCheckpoint: mode === 'window' ? (request.checkpoint ?? {}) : withFiles(before, files),
  };
}

const CHANGED_SHOWN = 20;

function goneFiles(files: readonly SourceFile[], before: CsvCheckpoint): string[] {
  const present = new Set(files.map((file) => file.path));
  return Object.keys(before.files).filter((name) => !present.has(name));
}

/** Known files whose rows are all read again; with a cursor only their newer rows are. */
function readAgain(toRead: readonly SourceFile[], before: CsvCheckpoint, source: SourceSpec): string[] {
  if (source.incremental.strategy !== 'new_files') return [];
  return toRead.map((file) => file.path).filter((name) => Object.hasOwn(before.files, name));
}

function estimatedBytes({ bytes, compression }: PlannedFile): number {
  return bytes * EXPANSION[compression];
}

function grouped<T extends PlannedFile>(files: readonly T[]): T[][] {
  const groups: T[][] = [];
  let size = 0;
  for (const file of files) {
    const group = groups.at(-1);
    const bytes = estimatedBytes(file);
    if (group !== undefined && group.length < CHUNK_FILES && size + bytes <= CHUNK_BYTES) {
      group.push(file);
      size += bytes;
    } else {
      groups.push([file]);
      size = bytes;
    }
  }
  return groups;
}

function layoutsOf(files: readonly (PlannedFile & { readonly columns: readonly string[] })[]): CsvPosition['layouts'] {
  const layouts = new Map<string, CsvPosition['layouts'][number]>();
  for (const { columns, ...file } of files) {
    const key = JSON.stringify(columns);
    const layout = layouts.get(key);
    if (layout) layout.files.push(file);
    else layouts.set(key, { columns: [...columns], files: [file] });
  }
  return [...layouts.values()];
}
