import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { testPython } from './python.ts';

/** A value in the judges' canonical form; see `iceberg_judge.py`. */
export type Canonical = null | boolean | string | readonly Canonical[] | { readonly [name: string]: Canonical };
export type CanonicalRow = Readonly<Record<string, Canonical>>;

const canonical: z.ZodType<Canonical> = z.lazy(() =>
  z.union([z.null(), z.boolean(), z.string(), z.array(canonical), z.record(z.string(), canonical)]),
);
const texts = z.record(z.string(), z.string());
const counts = z.record(z.string(), z.number());

const scanned = z.object({ rows: z.array(z.record(z.string(), canonical)), count: z.number() });

const described = z.object({
  location: z.string(),
  metadataLocation: z.string(),
  schema: z.array(z.object({ id: z.number(), name: z.string(), type: z.string(), required: z.boolean() })),
  key: z.array(z.string()),
  properties: texts,
  snapshots: z.array(
    z.object({
      id: z.string(),
      parent: z.string().nullable(),
      sequence: z.number(),
      operation: z.string(),
      summary: texts,
    }),
  ),
  files: z.array(
    z.object({
      path: z.string(),
      rows: z.number(),
      bytes: z.number(),
      deletes: z.number(),
      lower: texts,
      upper: texts,
      values: counts,
      nulls: counts,
    }),
  ),
});

const historyOfTable = z.object({
  snapshots: z.array(z.object({ id: z.string(), operation: z.string(), rows: z.number(), properties: texts })),
  references: z.array(z.string()),
  refs: texts,
});

const divided = z.object({
  current: z.number(),
  specs: z.record(
    z.string(),
    z.array(z.object({ id: z.number(), source: z.number(), name: z.string(), transform: z.string() })),
  ),
  lastPartitionId: z.number(),
  order: z.array(z.object({ source: z.number(), transform: z.string(), direction: z.string(), nulls: z.string() })),
  files: z.array(
    z.object({
      path: z.string(),
      rows: z.number(),
      spec: z.number(),
      order: z.number().nullable(),
      partition: z.array(z.string().nullable()),
    }),
  ),
});

export type DividedTable = z.infer<typeof divided>;

const foundRows = z.object({ answers: z.array(z.object({ files: z.array(z.string()), rows: z.array(z.string()) })) });

export type DescribedTable = z.infer<typeof described>;

/** PyIceberg and DuckDB's iceberg reader in a Python process of their own, asked one question after the other. */
export class Judge implements AsyncDisposable {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  #turn: Promise<unknown> = Promise.resolve();
  #complaints = '';

  private constructor(process: ChildProcessWithoutNullStreams) {
    this.#process = process;
    this.#answers = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
    process.stderr.on('data', (chunk: Buffer) => {
      this.#complaints = `${this.#complaints}${chunk.toString()}`.slice(-2000);
    });
  }

  static async start(): Promise<Judge> {
    const python = await testPython();
    return new Judge(spawn(python, ['-W', 'ignore', path.join(import.meta.dirname, 'iceberg_judge.py')]));
  }

  /** A judge of one warehouse folder (a path) with the embedded catalog. */
  of(warehouse: string): JudgedLake {
    return new JudgedLake((operation, request) => this.#ask(operation, { warehouse, ...request }));
  }

  /** What PyIceberg's transform (`bucket[16]`) gives of values of a type: numbers and bytes as text, decimals unscaled. */
  async transformed(transform: string, type: string, values: readonly Canonical[]): Promise<(string | null)[]> {
    const answer = z.object({ values: z.array(z.string().nullable()) });
    return answer.parse(await this.#ask('transformed', { transform, type, values })).values;
  }

  /** A judge of what a catalog knows, given what PyIceberg calls the catalog's properties. */
  ofCatalog(catalog: Readonly<Record<string, string>>): JudgedLake {
    return new JudgedLake((operation, request) => this.#ask(operation, { catalog, ...request }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    this.#process.kill();
  }

  async #ask(operation: string, request: object): Promise<unknown> {
    const turn = this.#turn.then(async () => {
      this.#process.stdin.write(`${JSON.stringify({ operation, ...request })}\n`);
      const { value, done } = await this.#answers.next();
      if (done === true) throw new Error(`the judge stopped before it answered: ${this.#complaints}`);
      const answer = z.object({ ok: z.unknown().optional(), error: z.string().optional() }).parse(JSON.parse(value));
      if (answer.error !== undefined) throw new Error(`the judge refuses: ${answer.error}`);
      return answer.ok;
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/** Tables are named `namespace.table`. */
export class JudgedLake {
  readonly #ask: (operation: string, request: object) => Promise<unknown>;

  constructor(ask: (operation: string, request: object) => Promise<unknown>) {
    this.#ask = ask;
  }

  async tables(): Promise<string[]> {
    return z.object({ tables: z.array(z.string()) }).parse(await this.#ask('tables', {})).tables;
  }

  async describe(table: string): Promise<DescribedTable> {
    return described.parse(await this.#ask('describe', { table }));
  }

  /** All rows that PyIceberg sees, in no order. */
  async rows(table: string, filter?: string): Promise<CanonicalRow[]> {
    return scanned.parse(await this.#ask('scan', { table, ...(filter === undefined ? {} : { filter }) })).rows;
  }

  async count(table: string): Promise<number> {
    return z.object({ count: z.number() }).parse(await this.#ask('scan', { table, values: false })).count;
  }

  /** How the files are divided and sorted; partition values as PyIceberg has them, see `transformed`. */
  async layout(table: string): Promise<DividedTable> {
    return divided.parse(await this.#ask('layout', { table }));
  }

  /** For each value of a column, the files that PyIceberg would read for it; for the first ones also its rows' first column. */
  async found(table: string, column: string, values: readonly Canonical[], read: number) {
    return foundRows.parse(await this.#ask('found', { table, column, values, read })).answers;
  }

  /** How many files PyIceberg would read for a filter. */
  async plannedFiles(table: string, filter: string): Promise<number> {
    return z.object({ files: z.number() }).parse(await this.#ask('planned', { table, filter })).files;
  }

  /** Which columns have bounds, floats aside, and which values of the table are not within them. */
  async valuesOutsideBounds(table: string): Promise<{ outside: string[]; bounded: string[] }> {
    const answer = z.object({ outside: z.array(z.string()), bounded: z.array(z.string()) });
    return answer.parse(await this.#ask('outside_bounds', { table }));
  }

  /** All rows that DuckDB's iceberg extension sees, in no order. */
  async rowsByDuckDb(table: string): Promise<CanonicalRow[]> {
    const { metadataLocation } = await this.describe(table);
    return scanned.parse(await this.#ask('duckdb_scan', { metadata: metadataLocation })).rows;
  }

  /** Tags and branches, by their name. */
  async references(table: string): Promise<Record<string, string>> {
    return z.object({ references: texts }).parse(await this.#ask('references', { table })).references;
  }

  async append(table: string, select: string): Promise<void> {
    await this.#ask('append', { table, select });
  }

  async delete(table: string, filter: string): Promise<void> {
    await this.#ask('delete', { table, filter });
  }

  /** A table with an int column `id` and a string column `name`. */
  async create(table: string, version: 1 | 2 | 3 = 2): Promise<void> {
    await this.#ask('create', { table, version });
  }

  /** The same table, partitioned by `name`. */
  async createPartitioned(table: string): Promise<void> {
    await this.#ask('create_partitioned', { table });
  }

  /** Makes a tag or a branch; `rules` are PyIceberg's, such as `max_ref_age_ms`. */
  async refer(
    table: string,
    kind: 'tag' | 'branch',
    name: string,
    snapshot: string,
    rules: Readonly<Record<string, number>> = {},
  ): Promise<void> {
    await this.#ask('refer', { table, kind, name, snapshot, rules });
  }

  /** Every snapshot with its rows, counted by reading them, and the URI of every file that the table refers to. */
  async history(table: string): Promise<z.infer<typeof historyOfTable>> {
    return historyOfTable.parse(await this.#ask('history', { table }));
  }
}
