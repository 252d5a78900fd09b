import { z } from 'zod';
import type { SourceSpec } from '../../contracts/job-source.ts';
import type { RunOptions } from '../../contracts/run.ts';
import type { Column } from '../../contracts/schema.ts';
import type { Checkpoint, PlanRequest, SkipRule, SourceChunk, SourcePlan } from '../connector.ts';
import { cursorIs } from './boundary.ts';
import type { FileChanges } from './changes.ts';
import type { CsvCheckpoint, RememberedFile } from './checkpoint.ts';
import { parseCheckpoint, stateOf, withFiles } from './checkpoint.ts';
import { cursorColumn, skipRules } from './cursor-rule.ts';
import type { FoundFile } from './files.ts';
import { inBatches } from './files.ts';
import type { CsvFormat, FileLayout } from './sniff.ts';
import { reachesAhead } from './windows-ahead.ts';

const fileSchema = z.object({
  path: z.string(),
  bytes: z.number(),
  mtimeMs: z.number(),
  digest: z.string().optional(),
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
  /** See `Boundary`. */
  boundary: z.object({ at: z.string(), rows: z.string() }).optional(),
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
  /** All files of the object, and those that are new or have changed. */
  readonly changes: FileChanges;
  readonly format: CsvFormat;
  /** What decides the names of columns, see `formatKey`. */
  readonly formatKey: string;
  /** Asked only for the files that will be read. */
  readonly layoutOf: (file: FoundFile) => Promise<FileLayout>;
  /** Asked only for the files that will be read. */
  readonly digestOf: (file: FoundFile) => Promise<string>;
  /** The columns of a file that has not changed. */
  readonly headerOf: (file: FoundFile) => Promise<readonly string[]>;
}

/** True for a run that reads what is new or has changed; false for one that reads every file. */
export function readsChanges(source: SourceSpec, { mode }: Pick<RunOptions, 'mode'>): boolean {
  return mode === 'incremental' && source.incremental.strategy !== 'none';
}

/**
 * Divides the files that a run has to read into chunks: in the order of their paths, about 256 MiB uncompressed and
 * at most 200 files each, a file never divided. The same files and checkpoint give the same chunks.
 */
export async function planFiles(input: PlanInput): Promise<SourcePlan> {
  const { request, source, changes, format, layoutOf } = input;
  const { mode } = request.options;
  const before = parseCheckpoint(mode === 'full_refresh' ? undefined : request.checkpoint);
  const cursor = cursorColumn(source, request.schema.columns);
  const toRead = readsChanges(source, request.options) ? changes.changed : changes.files;
  const skip = skipRules(request, source, cursor, before.cursor, format.nullStrings);
  const boundary = boundaryOf(request, source, cursor, before);
  const layouts = await inBatches(toRead, layoutOf);
  const planned = toRead.flatMap((file, index): PlannedLayout[] => {
    const layout = layouts[index];
    // An empty file has no rows; it is only remembered.
    if (layout === undefined || layout.columns.length === 0) return [];
    const { compression, encoding, columns } = layout;
    return [{ ...file, compression, encoding, columns }];
  });
  const position = {
    format: { ...format, nullStrings: [...format.nullStrings], nullsInText: [...format.nullsInText] },
    skip,
    ...(cursor ? { cursorField: cursor.name } : {}),
    ...(boundary?.rows == null ? {} : { boundary: { at: boundary.at, rows: boundary.rows } }),
  };
  const wasRead = ({ path }: FoundFile) => stateOf(path, before) !== undefined;
  // Where rows at the boundary are too many to be told apart, files are: what was read before has been read there too.
  const apart = boundary?.rows === null && request.wholeRun !== true;
  const sets = apart ? [planned.filter((file) => !wasRead(file)), planned.filter(wasRead)] : [planned];
  const groups = sets.flatMap((set) => (request.wholeRun === true && set.length > 0 ? [set] : grouped(set)));
  const sameCursor = (group: readonly FoundFile[]): SkipRule[] =>
    boundary?.rows === null && group.some(wasRead) ? [{ rule: 'same_cursor', keep: `NOT (${boundary.at})` }] : [];
  const gone = goneFiles(changes.files, before).length;
  return {
    chunks: groups.map(
      (group): SourceChunk => ({
        position: { ...position, skip: [...skip, ...sameCursor(group)], layouts: layoutsOf(group) },
        estimatedBytes: group.reduce((sum, file) => sum + estimatedBytes(file), 0),
      }),
    ),
    unchangedUnits: changes.files.length - toRead.length,
    goneUnits: gone,
    upToDate: toRead.length + gone === 0,
    changedUnits: readAgain(toRead, before, source).slice(0, CHANGED_SHOWN),
    repeatsWindows: mode === 'incremental' && before.windowsAhead === true,
    nextCheckpoint:
      mode === 'window'
        ? afterWindow(request, before, cursor)
        : withFiles(before, await remembered(input, toRead, layouts, before), input.formatKey, request.schema.columns),
  };
}

/** A window leaves the checkpoint as it is, but for the mark that its rows are ahead of it. */
function afterWindow(
  { options, checkpoint = {} }: PlanRequest,
  before: CsvCheckpoint,
  cursor: Column | undefined,
): Checkpoint {
  if (before.windowsAhead === true || !reachesAhead(options, before.cursor, cursor?.type)) return checkpoint;
  return { ...before, windowsAhead: true };
}

/** The boundary that the run starts from; none where rows at it are to be read again. */
function boundaryOf(
  { options }: PlanRequest,
  source: SourceSpec,
  cursor: Column | undefined,
  { cursor: highest, atCursor = null }: CsvCheckpoint,
): { readonly at: string; readonly rows: string | null } | undefined {
  const { strategy, lookback_hours: lookback } = source.incremental;
  const follows = options.mode === 'incremental' && strategy === 'updated_after' && lookback === 0;
  if (!follows || cursor === undefined || highest === undefined) return undefined;
  return { at: cursorIs(cursor, highest), rows: atCursor };
}

type PlannedLayout = PlannedFile & { readonly columns: readonly string[] };

/** What the next checkpoint keeps of every file. */
async function remembered(
  { changes, digestOf, headerOf }: PlanInput,
  toRead: readonly FoundFile[],
  layouts: readonly FileLayout[],
  before: CsvCheckpoint,
): Promise<RememberedFile[]> {
  const columns = new Map(toRead.map(({ path }, index) => [path, layouts[index]?.columns]));
  return inBatches(changes.files, async (file) => {
    const state = columns.has(file.path) ? undefined : stateOf(file.path, before);
    const digest = state?.digest ?? (await digestOf(file));
    return { ...file, digest, columns: columns.get(file.path) ?? (await headerOf(file)) };
  });
}

const CHANGED_SHOWN = 20;

function goneFiles(files: readonly FoundFile[], before: CsvCheckpoint): string[] {
  const present = new Set(files.map((file) => file.path));
  return Object.keys(before.files).filter((name) => !present.has(name));
}

/** Known files whose rows are all read again; with a cursor only their newer rows are. */
function readAgain(toRead: readonly FoundFile[], before: CsvCheckpoint, source: SourceSpec): string[] {
  if ((source.incremental.strategy ?? 'new_files') !== 'new_files') return [];
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

function layoutsOf(files: readonly PlannedLayout[]): CsvPosition['layouts'] {
  const layouts = new Map<string, CsvPosition['layouts'][number]>();
  for (const { columns, ...file } of files) {
    const key = JSON.stringify(columns);
    const layout = layouts.get(key);
    if (layout) layout.files.push(file);
    else layouts.set(key, { columns: [...columns], files: [file] });
  }
  return [...layouts.values()];
}
