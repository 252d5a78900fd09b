import type { Column, StreamSchema } from '../../contracts/schema.ts';
import type {
  Checkpoint,
  ConnectorContext,
  DescribeRequest,
  PlanRequest,
  Relation,
  Source,
  SourceChunk,
  SourcePlan,
  StreamDescription,
} from '../connector.ts';
import type { DuckDbSession } from '../duckdb/session.ts';
import type { SourceSettings } from '../source-settings.ts';
import { objectNames } from '../source-settings.ts';
import { afterReading } from './after-reading.ts';
import type { Watcher } from './byte-stream.ts';
import type { FileChanges } from './changes.ts';
import { findChanges } from './changes.ts';
import type { CsvCheckpoint } from './checkpoint.ts';
import { formatKey, parseCheckpoint, rememberedColumns, rememberedHeader } from './checkpoint.ts';
import { describeFiles } from './describe.ts';
import { FileMemo } from './file-memo.ts';
import type { FoundFile } from './files.ts';
import { inBatches } from './files.ts';
import { localised } from './localised.ts';
import { planFiles, positionSchema, readsChanges } from './plan.ts';
import { readChunk } from './read.ts';
import { pathsOf } from './settings.ts';
import type { CsvFormat, FileLayout, SniffResult } from './sniff.ts';
import { EMPTY_FORMAT, readLayout, sniffedFiles, sniffFiles } from './sniff.ts';
import { SourceFiles } from './source-files.ts';

/** CSV files on a disk, in an object store or on web servers, one stream for each object. */
export class CsvSource implements Source {
  readonly #settings: SourceSettings;
  readonly #places: SourceFiles;
  readonly #digests = new FileMemo<string>();
  readonly #layouts = new FileMemo<FileLayout>();
  readonly #sniffs = new FileMemo<SniffResult | undefined>();

  constructor(settings: SourceSettings) {
    this.#settings = settings;
    this.#places = new SourceFiles(settings);
  }

  async check(context: ConnectorContext): Promise<void> {
    for (const object of objectNames(this.#settings)) {
      for (const file of await this.#files(object, context)) {
        context.signal.throwIfAborted();
        await this.#places.requireReadable(file, context.signal);
      }
    }
  }

  async objects(): Promise<readonly string[]> {
    return objectNames(this.#settings);
  }

  /**
   * See `describeFiles`. Of files that have not changed since the checkpoint nothing is read but, for the format, the
   * heads of up to 8. Errors: SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_EMPTY, SOURCE_NOT_CSV, DUPLICATE_COLUMN.
   */
  async describe(
    object: string,
    context: ConnectorContext,
    { checkpoint, options = { mode: 'incremental' } }: DescribeRequest = {},
  ): Promise<StreamDescription> {
    const { source } = this.#settings;
    const contract = this.#contract(object);
    const before = parseCheckpoint(checkpoint);
    const changes = await this.#changes(object, before, context);
    const sniffed = await this.#sniff(object, changes, before, readsChanges(source, options), context);
    const headerOf = this.#headerOf(object, sniffed?.format ?? EMPTY_FORMAT, changes, before, context);
    const layouts = await inBatches(changes.files, async (file) => ({
      path: file.path,
      columns: await headerOf(file),
    }));
    const paths = changes.files.map(({ path }) => path);
    return describeFiles({ source, contract, before, paths, sniffed, layouts });
  }

  async plan(request: PlanRequest, context: ConnectorContext): Promise<SourcePlan> {
    const { source } = this.#settings;
    const { object } = request;
    const before = parseCheckpoint(request.checkpoint);
    const changes = await this.#changes(object, before, context);
    const sniffed = await this.#sniff(object, changes, before, readsChanges(source, request.options), context);
    const format = sniffed?.format ?? EMPTY_FORMAT;
    return planFiles({
      request,
      source,
      changes,
      format,
      formatKey: formatKey(format, this.#contract(object)),
      layoutOf: (file) => this.#layoutOf(object, file, format, context),
      digestOf: (file) => this.#digestOf(file, context),
      headerOf: this.#headerOf(object, format, changes, before, context),
    });
  }

  async read(
    _object: string,
    schema: StreamSchema,
    chunk: SourceChunk,
    session: DuckDbSession,
    context: ConnectorContext,
  ): Promise<Relation> {
    const position = positionSchema.parse(chunk.position);
    return localised(position, this.#places, context, (local) =>
      readChunk(local, schema, session, this.#settings.source.max_bad_rows, context),
    );
  }

  checkpointAfter(
    planned: Checkpoint,
    highestCursor: string | undefined,
    memories: readonly unknown[] = [],
  ): Checkpoint {
    return afterReading(planned, highestCursor, memories);
  }

  async #files(object: string, { signal }: ConnectorContext): Promise<FoundFile[]> {
    return this.#places.find(pathsOf(object, this.#settings), signal);
  }

  /** What reads heads of files needs to find those that are not on this machine. */
  #opener({ signal, onProgress }: ConnectorContext): Watcher {
    const stored = (name: string) => this.#places.stored(name, signal);
    return { signal, stored, ...(onProgress ? { onProgress } : {}) };
  }

  #contract(object: string): readonly Column[] {
    return this.#settings.contractOf?.(object)?.columns ?? [];
  }

  async #changes(object: string, before: CsvCheckpoint, context: ConnectorContext): Promise<FileChanges> {
    return findChanges(await this.#files(object, context), before, (file) => this.#digestOf(file, context));
  }

  async #sniff(
    object: string,
    { files, changed }: FileChanges,
    before: CsvCheckpoint,
    changesOnly: boolean,
    context: ConnectorContext,
  ): Promise<SniffResult | undefined> {
    const [first] = files;
    if (first === undefined) return undefined;
    const paths = (list: readonly FoundFile[]) => list.map(({ path }) => path);
    const look = sniffedFiles(paths(files), paths(changesOnly ? changed : files));
    const looked = files.filter(({ path }) => look.files.includes(path) || look.sample.includes(path));
    const { source } = this.#settings;
    const contract = this.#contract(object);
    const named = [...contract, ...rememberedColumns(before)].map(({ name }) => name);
    const known = [...named, ...Object.keys(source.types ?? {}), ...[source.incremental.cursor_field ?? []].flat()];
    return this.#sniffs.get(first, JSON.stringify([object, look, looked, known]), () =>
      sniffFiles(look, source, contract, known, this.#opener(context)),
    );
  }

  #digestOf(file: FoundFile, { signal }: ConnectorContext): Promise<string> {
    signal.throwIfAborted();
    return this.#digests.get(file, '', () => this.#places.digestOf(file, signal));
  }

  #layoutOf(object: string, file: FoundFile, format: CsvFormat, context: ConnectorContext): Promise<FileLayout> {
    context.signal.throwIfAborted();
    const contract = this.#contract(object);
    return this.#layouts.get(file, formatKey(format, contract), () =>
      readLayout(file.path, format, this.#settings.source, contract, this.#opener(context)),
    );
  }

  /** The columns of any file: remembered where it has not changed, else read from its head. */
  #headerOf(
    object: string,
    format: CsvFormat,
    { changed }: FileChanges,
    before: CsvCheckpoint,
    context: ConnectorContext,
  ): (file: FoundFile) => Promise<readonly string[]> {
    const changedPaths = new Set(changed.map(({ path }) => path));
    const key = formatKey(format, this.#contract(object));
    return async (file) => {
      const known = changedPaths.has(file.path) ? undefined : rememberedHeader(file.path, before, key);
      return known ?? (await this.#layoutOf(object, file, format, context)).columns;
    };
  }
}
