import { fail } from '../../contracts/errors.ts';
import type { Column, StreamSchema } from '../../contracts/schema.ts';
import type {
  Checkpoint,
  ConnectorContext,
  PlanRequest,
  Relation,
  Source,
  SourceChunk,
  SourcePlan,
  StreamDescription,
} from '../connector.ts';
import type { DuckDbSession } from '../duckdb/session.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { findFiles, inspectFile } from './files.ts';
import { planFiles, positionSchema } from './plan.ts';
import { readChunk } from './read.ts';
import type { CsvSettings } from './settings.ts';
import { objectNames, pathsOf } from './settings.ts';
import type { FileLayout } from './sniff.ts';
import { readLayout, sniffFiles } from './sniff.ts';

/** CSV files on a local disk, one stream for each object. */
export class CsvSource implements Source {
  readonly #settings: CsvSettings;

  constructor(settings: CsvSettings) {
    this.#settings = settings;
  }

  async check(context: ConnectorContext): Promise<void> {
    for (const object of objectNames(this.#settings)) {
      for (const path of await this.#files(object)) {
        context.signal.throwIfAborted();
        await inspectFile(path);
      }
    }
  }

  async objects(): Promise<readonly string[]> {
    return objectNames(this.#settings);
  }

  /**
   * The columns of all files, in the order in which they are met, by name. Types: the contract's, then the job's,
   * then what the sample shows. Errors: SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_EMPTY, SOURCE_NOT_CSV,
   * DUPLICATE_COLUMN.
   */
  async describe(object: string, context: ConnectorContext): Promise<StreamDescription> {
    const { source } = this.#settings;
    const contract = this.#contract(object);
    const paths = await this.#files(object);
    const sniffed = await sniffFiles(paths, source, contract, context);
    const given = new Map(Object.entries(source.types ?? {}).map(([name, type]) => [name, type]));
    const promised = new Map(contract.map((column) => [column.name, column]));
    const layouts: FileLayout[] = [];
    for (const path of paths) layouts.push(await readLayout(path, sniffed.format, source, contract, context));
    const inferred = new Map(sniffed.columns.map((column) => [column.name, column]));
    const columns = unionNames(layouts).map((name): Column => {
      const column = promised.get(name) ?? inferred.get(name) ?? { name, type: 'string', required: false };
      const type = promised.has(name) ? column.type : (given.get(name) ?? column.type);
      return { ...column, type, required: false };
    });
    requireTypes(sniffed.empty, columns, promised, given, paths);
    return { schema: { columns, primaryKey: [] }, notes: [...sniffed.notes, ...layoutNotes(layouts)] };
  }

  async plan(request: PlanRequest, context: ConnectorContext): Promise<SourcePlan> {
    const { source } = this.#settings;
    const contract = this.#contract(request.object);
    const paths = await this.#files(request.object);
    const { format } = await sniffFiles(paths, source, contract, context);
    const files = [];
    for (const path of paths) {
      context.signal.throwIfAborted();
      files.push(await inspectFile(path));
    }
    const layoutOf = (path: string) => readLayout(path, format, source, contract, context);
    return planFiles({ request, source, files, format, layoutOf });
  }

  async read(
    _object: string,
    schema: StreamSchema,
    chunk: SourceChunk,
    session: DuckDbSession,
    context: ConnectorContext,
  ): Promise<Relation> {
    const position = positionSchema.parse(chunk.position);
    return readChunk(position, schema, session, this.#settings.source.max_bad_rows, context);
  }

  /** The cursor only ever grows: a run over older rows does not take it back. */
  checkpointAfter(planned: Checkpoint, highestCursor: string | undefined): Checkpoint {
    if (highestCursor === undefined) return planned;
    const before = parseCheckpoint(planned);
    const cursor =
      before.cursor === undefined || isHigher(highestCursor, before.cursor) ? highestCursor : before.cursor;
    return { ...before, cursor };
  }

  async #files(object: string): Promise<string[]> {
    return findFiles(pathsOf(object, this.#settings));
  }

  #contract(object: string): readonly Column[] {
    return this.#settings.contractOf?.(object)?.columns ?? [];
  }
}

/** Cursors of one column are all numbers or all ISO 8601 in one form, which text orders rightly. */
function isHigher(a: string, b: string): boolean {
  const numbers = /^-?\d+$/.test(a) && /^-?\d+$/.test(b);
  return numbers ? BigInt(a) > BigInt(b) : a > b;
}

/** Errors: DUPLICATE_COLUMN where two files spell one name in different cases. */
function unionNames(layouts: readonly FileLayout[]): string[] {
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

function requireTypes(
  empty: boolean,
  columns: readonly Column[],
  promised: ReadonlyMap<string, unknown>,
  given: ReadonlyMap<string, unknown>,
  paths: readonly string[],
): void {
  const untyped = columns.filter(({ name }) => !promised.has(name) && !given.has(name));
  if (!empty || untyped.length === 0) return;
  throw fail('SOURCE_EMPTY', {
    received: `${paths.length === 1 ? paths[0] : `${paths.length} files`}: a header and no row to derive types from`,
    expected: 'at least one row, or a contract or source.types for every column',
    next: 'check what writes the files, or give the types',
  });
}

/** How the columns of some files differ from the first one's. */
function layoutNotes(layouts: readonly FileLayout[]): string[] {
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
