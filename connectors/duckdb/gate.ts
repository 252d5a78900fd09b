import type { DuckDBDataChunk, DuckDBVector } from '@duckdb/node-api';
import { BIGINT, BOOLEAN, DuckDBScalarFunction, INTEGER, VARCHAR } from '@duckdb/node-api';
import { DativoError, fail } from '../../contracts/errors.ts';
import type { RejectedRow } from '../connector.ts';
import type { DuckDbSession } from './session.ts';
import { bytesOf, typedArray } from './vector-memory.ts';

export interface RowGateOptions {
  /** How many violating rows may be collected before the query is stopped with TOO_MANY_BAD_ROWS. */
  readonly limit: number;
  /** Bytes of raw text that may be collected in all; default 64 MiB. */
  readonly maxRawBytes?: number;
  /** Called about once per 2048 rows with the number of rows that reached their end so far. */
  readonly onProgress?: (rows: number) => void;
}

/** What one row gate saw, once the query is done. `read` is the sum of all the others. */
export interface GateCounts {
  readonly read: number;
  readonly kept: number;
  readonly violated: number;
  /** Rows by the name of the rule that left them out. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** Why a row was kept aside: a reason code and, where there is one, the column. */
export interface Check {
  readonly reason: string;
  readonly column: string | null;
}

/** The four SQL expressions of one gate. */
export interface GateArguments {
  /** INTEGER: 0 keeps the row, a rule's number skips it, a check's number keeps it aside. */
  readonly code: string;
  /**
   * VARCHAR: the file that the row came from, a zero character, and the row as text; wanted where the code is a
   * check's. One argument, because each costs time on every row.
   */
  readonly raw?: string;
  /** BIGINT: the row's place in the order of the cursor; null has none. */
  readonly cursor?: string;
}

const MAX_RAW_BYTES = 64 * 1_048_576;
const LOWEST = -(2n ** 63n);

let gates = 0;

/** The error of a run that met more malformed rows than it was told to bear. */
export function tooManyBadRows(limit: number, check: Check): DativoError {
  const where = check.column === null ? '' : ` in column "${check.column}"`;
  return fail('TOO_MANY_BAD_ROWS', {
    received: `more than ${limit} rows that cannot be used, the last one because of ${check.reason}${where}`,
    expected: `at most ${limit} (max_bad_rows)`,
    next: 'correct the source or the types it is read with, or raise source.max_bad_rows',
  });
}

/**
 * Counts every row of a query by its outcome, in the pass that reads it: a volatile function in the WHERE clause,
 * which DuckDB calls once per row. It works on whole vectors through their typed arrays.
 *
 * Rules and checks are numbered as they are declared: `rule()` gives 1, 2, …; `check()` gives -1, -2, ….
 * A gate in the middle of a query (`passSql`) counts only the rows that leave there; the last one (`sql`) counts
 * those that stay as well, so each row is counted once. Use one gate for one query.
 */
export class RowGate implements Disposable {
  readonly #name = `dativo_gate_${++gates}`;
  readonly #options: RowGateOptions;
  readonly #rules: string[] = [];
  readonly #checks: Check[] = [];
  readonly #skipped: number[] = [];
  readonly #rejected: RejectedRow[] = [];
  #functions: DuckDBScalarFunction[] = [];
  #kept = 0;
  #violated = 0;
  #rawBytes = 0;
  #tracksCursor = false;
  #highest: bigint | undefined;
  #failure: DativoError | undefined;

  constructor(options: RowGateOptions) {
    this.#options = options;
  }

  /** Declares a rule that skips rows; its positive code. A name that is declared again keeps its code. */
  rule(name: string): number {
    const known = this.#rules.indexOf(name);
    if (known >= 0) return known + 1;
    this.#skipped.push(0);
    return this.#rules.push(name);
  }

  /** Declares a check that keeps rows aside; its negative code. */
  check(reason: string, column: string | null): number {
    return -this.#checks.push({ reason, column });
  }

  get hasChecks(): boolean {
    return this.#checks.length > 0;
  }

  get hasRules(): boolean {
    return this.#rules.length > 0;
  }

  /** Makes the gate's functions known to the session; before the query that uses them. */
  register(session: DuckDbSession): void {
    for (const last of [false, true]) {
      const created = DuckDBScalarFunction.create({
        name: this.#functionName(last),
        returnType: BOOLEAN,
        parameterTypes: [INTEGER, VARCHAR, BIGINT],
        // Without this DuckDB folds a call with a constant NULL argument to NULL and never makes it.
        specialHandling: true,
        volatile: true,
        mainFunction: (info, chunk, output) => {
          try {
            this.#judge(chunk, output, last);
          } catch (error) {
            this.#failure ??= error instanceof DativoError ? error : undefined;
            info.setError('stopped by the row gate');
          }
        },
      });
      session.connection.registerScalarFunction(created);
      this.#functions.push(created);
    }
  }

  /** The condition for the WHERE clause that ends the query. */
  sql(args: GateArguments): string {
    return this.#call(true, args);
  }

  /** The condition for a WHERE clause before the end, from which rows that stay go on to another gate. */
  passSql(args: GateArguments): string {
    return this.#call(false, args);
  }

  /** Runs the work that consumes the query; the gate's own failure wins over what DuckDB makes of it. */
  async watch<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#failure ?? error;
    }
  }

  counts(): GateCounts {
    const skipped = Object.fromEntries(this.#rules.map((name, index) => [name, this.#skipped[index] ?? 0]));
    return { read: this.#total(), kept: this.#kept, violated: this.#violated, skipped };
  }

  /** The rows that were kept aside, in no particular order. */
  rejected(): readonly RejectedRow[] {
    return this.#rejected;
  }

  /** The highest cursor among the rows that stayed. */
  highestCursor(): bigint | undefined {
    return this.#highest;
  }

  [Symbol.dispose](): void {
    for (const created of this.#functions) created.destroySync();
    this.#functions = [];
  }

  #functionName(last: boolean): string {
    return last ? this.#name : `${this.#name}_pass`;
  }

  #call(last: boolean, { code, raw, cursor }: GateArguments): string {
    if (cursor !== undefined) this.#tracksCursor = true;
    const args = [`(${code})::INTEGER`, raw ?? 'NULL::VARCHAR', cursor ?? 'NULL::BIGINT'];
    return `${this.#functionName(last)}(${args.join(', ')})`;
  }

  #total(): number {
    return this.#skipped.reduce((sum, rows) => sum + rows, this.#kept + this.#violated);
  }

  #judge(chunk: DuckDBDataChunk, output: DuckDBVector, last: boolean): void {
    const rows = chunk.rowCount;
    const codes = typedArray(chunk.getColumnVector(0), Int32Array);
    const outcome = bytesOf(output);
    let kept = 0;
    for (let row = 0; row < rows; row++) {
      const keep = codes[row] === 0 ? 1 : 0;
      outcome[row] = keep;
      kept += keep;
    }
    output.flush();
    if (kept < rows) this.#countLeaving(chunk, codes, rows);
    if (!last) return;
    this.#kept += kept;
    if (this.#tracksCursor) this.#trackCursor(chunk.getColumnVector(2), codes, rows);
    this.#options.onProgress?.(this.#total());
  }

  #countLeaving(chunk: DuckDBDataChunk, codes: Int32Array, rows: number): void {
    for (let row = 0; row < rows; row++) {
      const code = codes[row] ?? 0;
      if (code > 0) this.#skipped[code - 1] = (this.#skipped[code - 1] ?? 0) + 1;
      else if (code < 0) this.#collect(chunk, row, code);
    }
  }

  #collect(chunk: DuckDBDataChunk, row: number, code: number): void {
    const check = this.#checks[-code - 1];
    if (check === undefined) throw new RangeError(`the gate has no check ${code}`);
    this.#violated++;
    const told: unknown = chunk.getColumnVector(1).getItem(row);
    const text = typeof told === 'string' ? told : '';
    const split = text.indexOf('\0');
    const raw = text.slice(split + 1);
    this.#rawBytes += raw.length;
    if (this.#violated > this.#options.limit || this.#rawBytes > (this.#options.maxRawBytes ?? MAX_RAW_BYTES)) {
      throw tooManyBadRows(this.#options.limit, check);
    }
    const { column, reason } = check;
    this.#rejected.push({ sourceFile: text.slice(0, Math.max(0, split)), line: null, column, reason, raw });
  }

  #trackCursor(cursors: DuckDBVector, codes: Int32Array, rows: number): void {
    const items = typedArray(cursors, BigInt64Array);
    let highest = this.#highest ?? LOWEST;
    for (let row = 0; row < rows; row++) {
      const value = items[row] ?? LOWEST;
      // The cheap comparison first: in most chunks few values are a new highest.
      if (value > highest && codes[row] === 0 && cursors.getItem(row) !== null) highest = value;
    }
    if (highest !== LOWEST) this.#highest = highest;
  }
}
