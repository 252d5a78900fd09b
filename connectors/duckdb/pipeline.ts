import type { Column } from '../../contracts/schema.ts';
import type { TwoSteps } from './cast.ts';
import type { RowGate } from './gate.ts';
import { identifier, literal } from './sql.ts';

/** One value that a stage writes: into a new column, or in place of the one of that name. */
export interface Computed {
  readonly column: Column;
  /** SQL over the columns before the stage. */
  readonly sql: string;
  /** The code of the check that a row violates when the value cannot be computed. */
  readonly attempt?: {
    readonly code: number;
    /** SQL over the columns before the stage that is null when it failed. */
    readonly sql: string;
    /** The same in two steps, if it has them. */
    readonly steps?: TwoSteps | undefined;
    /** SQL: the value, given the name of what `sql` gave. */
    readonly value: (attempt: string) => string;
    /** SQL: did it fail? Given the same name, over the columns before the stage. */
    readonly failed: (attempt: string) => string;
  };
}

export interface Guard {
  /** SQL; the row gets the code where it is true. Null counts as false. */
  readonly when: string;
  readonly code: number;
}

type Stage =
  | { readonly kind: 'compute'; readonly replaced: readonly string[]; readonly values: readonly Computed[] }
  | { readonly kind: 'guard'; readonly value: string | undefined; readonly guards: (value: string) => readonly Guard[] }
  | { readonly kind: 'project'; readonly columns: readonly { readonly from: string; readonly to: string }[] }
  | { readonly kind: 'barrier' };

/** Names of the columns that travel with a row beside its own; no source column may be called so. */
export const HIDDEN = {
  row: '__dativo_row',
  file: '__dativo_file',
  code: '__dativo_code',
  cursor: '__dativo_cursor',
  stays: '__dativo_stays',
};
const ATTEMPT = '__dativo_attempt_';
const FIRST_STEP = '__dativo_first_';

export interface PipelineSource {
  readonly sql: string;
  readonly columns: readonly Column[];
  /** SQL over `sql` that names the row's file. */
  readonly sourceFile?: string;
  /** SQL over `sql`: the row's cursor as BIGINT. */
  readonly cursor?: string;
}

/**
 * The way of a row from the source to its table as nested queries. Every stage sees the columns that the one before
 * it left. A row that a rule or check singles out is not removed on the spot: it gets a code, which the first one
 * to hit decides, and leaves at the next gate. So one gate is enough, unless a window function comes after a rule:
 * a `barrier` before it makes the rows leave that it must not see.
 */
export class Pipeline {
  readonly #source: PipelineSource;
  readonly #gate: RowGate;
  readonly #stages: Stage[] = [];
  #columns: readonly Column[];
  #coded = false;

  constructor(source: PipelineSource, gate: RowGate) {
    this.#source = source;
    this.#gate = gate;
    this.#columns = source.columns;
  }

  get columns(): readonly Column[] {
    return this.#columns;
  }

  /** Adds or replaces columns, all of them from the columns before. */
  compute(values: readonly Computed[]): void {
    if (values.length === 0) return;
    const byName = new Map(values.map((value) => [value.column.name, value.column]));
    const replaced = this.#columns.filter((column) => byName.has(column.name)).map((column) => column.name);
    this.#stages.push({ kind: 'compute', replaced, values });
    const kept = this.#columns.map((column) => byName.get(column.name) ?? column);
    this.#columns = [...kept, ...values.map((value) => value.column).filter(({ name }) => !replaced.includes(name))];
    if (values.some((value) => value.attempt)) this.#coded = true;
  }

  /** Rows for which one of these is true get its code, unless they have one. */
  guard(guards: readonly Guard[]): void {
    if (guards.length > 0) this.guardBy(undefined, () => guards);
  }

  /** The same for guards that share one computed value, given its name. */
  guardBy(value: string | undefined, guards: (value: string) => readonly Guard[]): void {
    this.#stages.push({ kind: 'guard', value, guards });
    this.#coded = true;
  }

  /** Keeps these columns in this order, under these names. */
  project(columns: readonly { readonly from: string; readonly to: string }[]): void {
    this.#stages.push({ kind: 'project', columns });
    this.#columns = columns.map(({ from, to }) => {
      const column = this.#columns.find(({ name }) => name === from);
      if (column === undefined) throw new RangeError('a projection of a column that is not there');
      return { ...column, name: to };
    });
  }

  /** Rows that have a code leave here; needed before a window function. */
  barrier(): void {
    if (this.#coded && this.#stages.at(-1)?.kind !== 'barrier') this.#stages.push({ kind: 'barrier' });
  }

  /** The whole query: the pipeline's columns, without the rows that leave. */
  sql(): string {
    let sql = this.#start();
    let coded = false;
    this.#stages.forEach((stage, index) => {
      if (stage.kind === 'compute') {
        sql = renderCompute(sql, stage.replaced, stage.values, index, coded);
        coded ||= stage.values.some((value) => value.attempt);
      } else if (stage.kind === 'guard') {
        sql = renderGuard(sql, stage.value, stage.guards, coded);
        coded = true;
      } else if (stage.kind === 'project') {
        const list = stage.columns.map(({ from, to }) => `${identifier(from)} AS ${identifier(to)}`);
        sql = `SELECT ${[...list, ...this.#hidden(coded)].join(', ')} FROM (${sql})`;
      } else {
        sql = passing(`* EXCLUDE (${HIDDEN.stays})`, sql, this.#gate.passSql(this.#arguments(coded)));
      }
    });
    const list = this.#columns.map((column) => identifier(column.name)).join(', ');
    const gate = this.#gate.sql({ ...this.#arguments(coded), ...this.#cursor() });
    return coded ? passing(list, sql, gate) : `SELECT ${list} FROM (${sql}) WHERE ${gate}`;
  }

  #start(): string {
    const { sql, columns, sourceFile, cursor } = this.#source;
    const list = columns.map((column) => identifier(column.name));
    if (this.#gate.hasChecks) {
      const fields = columns.map((column) => `${literal(column.name)}: ${identifier(column.name)}`);
      list.push(`{${fields.join(', ')}} AS ${HIDDEN.row}`, `${sourceFile ?? "''"} AS ${HIDDEN.file}`);
    }
    if (cursor !== undefined) list.push(`${cursor} AS ${HIDDEN.cursor}`);
    return `SELECT ${list.join(', ')} FROM (${sql})`;
  }

  #hidden(coded: boolean): string[] {
    return [
      ...(this.#gate.hasChecks ? [HIDDEN.row, HIDDEN.file] : []),
      ...(this.#source.cursor !== undefined ? [HIDDEN.cursor] : []),
      ...(coded ? [HIDDEN.code] : []),
    ];
  }

  #arguments(coded: boolean): { code: string; raw?: string } {
    if (!coded) return { code: '0' };
    if (!this.#gate.hasChecks) return { code: HIDDEN.code };
    // The row as text is only built for the few rows that are kept aside.
    const json = `coalesce(TRY(to_json(${HIDDEN.row})::VARCHAR), ${HIDDEN.row}::VARCHAR)`;
    return { code: HIDDEN.code, raw: `CASE WHEN ${HIDDEN.code} < 0 THEN ${HIDDEN.file} || chr(0) || ${json} END` };
  }

  #cursor(): { cursor?: string } {
    return this.#source.cursor === undefined ? {} : { cursor: HIDDEN.cursor };
  }
}

/**
 * The rows of a query that a gate lets stay. The gate is asked in a projection of its own: DuckDB pushes a condition
 * down through projections and repeats their expressions in it, so that each value would be computed three times
 * (measured: twice the cpu of the whole query), but it never pushes a volatile column.
 */
function passing(list: string, sql: string, gate: string): string {
  return `SELECT ${list} FROM (SELECT *, ${gate} AS ${HIDDEN.stays} FROM (${sql})) WHERE ${HIDDEN.stays}`;
}

/** The code column after some guards, as the tail of `SELECT *`; `replacements` go with it. */
function withCode(coded: boolean, guards: readonly Guard[], replacements: readonly string[]): string {
  const cases = guards.map(({ when, code }) => `WHEN ${when} THEN ${code}`);
  const replace = [...replacements];
  let added = '';
  if (guards.length > 0) {
    const first = coded ? `WHEN ${HIDDEN.code} <> 0 THEN ${HIDDEN.code} ` : '';
    const code = `CASE ${first}${cases.join(' ')} ELSE 0 END AS ${HIDDEN.code}`;
    if (coded) replace.push(code);
    else added = `, ${code}`;
  }
  return `${replace.length > 0 ? `REPLACE (${replace.join(', ')})` : ''}${added}`;
}

function renderGuard(
  source: string,
  value: string | undefined,
  guards: (value: string) => readonly Guard[],
  coded: boolean,
): string {
  if (value === undefined) return `SELECT * ${withCode(coded, guards(''), [])} FROM (${source})`;
  const from = `SELECT *, ${value} AS ${ATTEMPT} FROM (${source})`;
  return `SELECT * EXCLUDE (${ATTEMPT}) ${withCode(coded, guards(ATTEMPT), [])} FROM (${from})`;
}

/**
 * Values that can fail are tried one query below the one that uses them, so that each is computed once and its
 * failure and its value are read from the same result.
 */
function renderCompute(
  source: string,
  replaced: readonly string[],
  values: readonly Computed[],
  stage: number,
  coded: boolean,
): string {
  const tried = values.flatMap((value, index) =>
    value.attempt ? [{ ...value, attempt: value.attempt, name: `${ATTEMPT}${stage}_${index}` }] : [],
  );
  const from = tried.length > 0 ? renderAttempts(source, tried) : source;
  const names = new Map(tried.map(({ column, name }) => [column.name, name]));
  const written = values.map(({ column, sql, attempt }) => {
    const name = names.get(column.name);
    const value = attempt && name !== undefined ? attempt.value(name) : sql;
    return { column: column.name, sql: `${value} AS ${identifier(column.name)}` };
  });
  const exclude = tried.length > 0 ? `EXCLUDE (${tried.map(({ name }) => name).join(', ')}) ` : '';
  const replacements = written.filter(({ column }) => replaced.includes(column)).map(({ sql }) => sql);
  const added = written.filter(({ column }) => !replaced.includes(column)).map(({ sql }) => `, ${sql}`);
  const guards = tried.map(({ attempt, name }) => ({ when: attempt.failed(name), code: attempt.code }));
  return `SELECT * ${exclude}${withCode(coded, guards, replacements)}${added.join('')} FROM (${from})`;
}

function renderAttempts(
  source: string,
  tried: readonly { readonly name: string; readonly attempt: NonNullable<Computed['attempt']> }[],
): string {
  const firsts = new Map<string, string>();
  const attempts = tried.map(({ attempt: { sql, steps }, name }) => {
    if (steps === undefined) return `${sql} AS ${name}`;
    const first = name.replace(ATTEMPT, FIRST_STEP);
    firsts.set(first, steps.first);
    return `${steps.then(first)} AS ${name}`;
  });
  if (firsts.size === 0) return `SELECT *, ${attempts.join(', ')} FROM (${source})`;
  const computed = [...firsts].map(([name, sql]) => `${sql} AS ${name}`);
  const from = `SELECT *, ${computed.join(', ')} FROM (${source})`;
  return `SELECT * EXCLUDE (${[...firsts.keys()].join(', ')}), ${attempts.join(', ')} FROM (${from})`;
}
