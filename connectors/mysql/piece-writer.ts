import path from 'node:path';
import { fail } from '../../contracts/errors.ts';
import type { RejectedRow } from '../connector.ts';
import { tooManyBadRows } from '../duckdb/gate.ts';
import { ColumnBuffer } from '../landing/column-buffer.ts';
import { LandingFile } from '../landing/landing-file.ts';
import { Unrepresentable } from '../landing/unrepresentable.ts';
import { storageError } from '../storage/errors.ts';
import type { RowTarget } from './binary-rows.ts';
import type { ReadColumn } from './columns.ts';
import type { Decode } from './decode.ts';
import type { WireColumn } from './type-rules.ts';
import { comesAsText, typeNameOf } from './type-rules.ts';
import { valueText } from './value-text.ts';

/** Rows that were landed in one file. */
export interface Piece {
  readonly file: string;
  readonly rows: number;
  /** Rows with a value that its column cannot hold. */
  readonly rejected: readonly RejectedRow[];
}

export interface PieceOptions {
  readonly columns: readonly ReadColumn[];
  /** Of the object. */
  readonly shown: string;
  readonly folder: string;
  /** A piece is given away when it has so many bytes. */
  readonly pieceBytes: number;
  readonly maxRejected: number;
  readonly give: (piece: Piece) => Promise<void>;
  readonly onProgress: () => void;
}

/** Of a row group in a landing file. */
const GROUP_ROWS = 65_536;
const GROUP_BYTES = 8 * 1_048_576;
/** The first piece is smaller than the others, since until it is there nothing else can be done. */
const FIRST_SHARE = 0.25;

let landings = 0;

/** Lands rows in files, a piece at a time. A row with a value that its column cannot hold is kept aside. */
export class PieceWriter implements RowTarget, AsyncDisposable {
  readonly #options: PieceOptions;
  readonly #buffers: readonly ColumnBuffer[];
  readonly #decoders: readonly Decode[];
  readonly #starts: Float64Array;
  readonly #groupLimit: number;
  #wire: readonly WireColumn[] = [];
  #landing: LandingFile | undefined;
  #file = '';
  #groupBytes = 0;
  #pieceBytes = 0;
  #share = FIRST_SHARE;
  #rejected: RejectedRow[] = [];
  #rejectedRows = 0;
  #seen = 0;
  #last: { readonly source: Uint8Array; readonly at: number } = { source: new Uint8Array(), at: 0 };

  constructor(options: PieceOptions) {
    this.#options = options;
    this.#buffers = options.columns.map(() => new ColumnBuffer(GROUP_ROWS));
    this.#decoders = options.columns.map(({ rule }) => rule.decode);
    this.#starts = new Float64Array(options.columns.length);
    this.#groupLimit = Math.min(GROUP_BYTES, options.pieceBytes);
  }

  /** Rows that came, over all pieces. */
  get seen(): number {
    return this.#seen;
  }

  begin(wire: readonly WireColumn[]): void {
    const { columns, shown } = this.#options;
    const isSame = columns.every(({ rule }, index) => {
      const came = wire[index];
      return came !== undefined && (rule.type === 'string' ? comesAsText(came) : typeNameOf(came) === rule.name);
    });
    if (!isSame || wire.length !== columns.length) throw columnsChanged(shown);
    this.#wire = wire;
  }

  row(source: Uint8Array, at: number): void {
    const decoders = this.#decoders;
    const buffers = this.#buffers;
    const starts = this.#starts;
    const { length } = decoders;
    this.#seen += 1;
    this.#last = { source, at };
    let from = at + 1 + ((length + 9) >> 3);
    let column = 0;
    try {
      for (; column < length; column += 1) {
        // All lists are as long as the row.
        const buffer = buffers[column] as ColumnBuffer;
        starts[column] = buffer.end;
        if (isNull(source, at, column)) buffer.addNull();
        else from = (decoders[column] as Decode)(buffer, source, from);
      }
    } catch (error) {
      if (!(error instanceof Unrepresentable)) throw error;
      for (let i = 0; i < column; i += 1) (buffers[i] as ColumnBuffer).takeBack(starts[i] ?? 0);
      (buffers[column] as ColumnBuffer).end = starts[column] ?? 0;
      this.#reject(source, at, column);
    }
    this.#groupBytes += from - at;
  }

  isFull(): boolean {
    return (this.#buffers[0]?.rows ?? 0) >= GROUP_ROWS || this.#groupBytes >= this.#groupLimit;
  }

  async empty(): Promise<void> {
    this.#options.onProgress();
    const landing = this.#landing ?? (await this.#onDisk(() => this.#create()));
    this.#landing = landing;
    await this.#onDisk(() => landing.addRowGroup(this.#buffers));
    this.#pieceBytes += this.#groupBytes;
    this.#groupBytes = 0;
    if (this.#pieceBytes >= this.#options.pieceBytes * this.#share) await this.#cut();
  }

  /** Gives the last piece away; the only one, if there were no rows. */
  async finish(): Promise<void> {
    await this.empty();
    if (this.#landing !== undefined) await this.#cut();
  }

  /** Values of the row that came last, in the SQL of the server. */
  lastValues(indexes: readonly number[]): readonly string[] {
    const { source, at } = this.#last;
    const values = this.#valuesOf(source, at);
    return indexes.map((index) => values[index]?.sql ?? 'NULL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#landing?.[Symbol.asyncDispose]();
  }

  async #create(): Promise<LandingFile> {
    landings += 1;
    this.#file = path.join(this.#options.folder, `landing-${landings}.parquet`);
    const columns = this.#options.columns.map(({ name, rule }) => ({ name, type: rule.landing }));
    return LandingFile.create(this.#file, columns);
  }

  async #cut(): Promise<void> {
    const landing = this.#landing;
    if (landing === undefined) return;
    await this.#onDisk(() => landing.finish());
    await landing[Symbol.asyncDispose]();
    const piece = { file: this.#file, rows: landing.rows, rejected: this.#rejected };
    this.#landing = undefined;
    this.#share = 1;
    this.#pieceBytes = 0;
    this.#rejected = [];
    await this.#options.give(piece);
  }

  async #onDisk<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storageError(error, 'landing rows in', this.#options.folder);
    }
  }

  #valuesOf(source: Uint8Array, at: number): readonly ({ text: string; sql: string } | undefined)[] {
    let from = at + 1 + ((this.#wire.length + 9) >> 3);
    return this.#wire.map((wire, column) => {
      if (isNull(source, at, column)) return undefined;
      const value = valueText(wire, source, from);
      from = value.end;
      return value;
    });
  }

  #reject(source: Uint8Array, at: number, column: number): void {
    const { columns, shown, maxRejected } = this.#options;
    const check = { reason: 'CAST', column: columns[column]?.name ?? null };
    this.#rejectedRows += 1;
    if (this.#rejectedRows > maxRejected) throw tooManyBadRows(maxRejected, check);
    const values = this.#valuesOf(source, at);
    const raw = JSON.stringify(Object.fromEntries(columns.map(({ name }, i) => [name, values[i]?.text ?? null])));
    this.#rejected.push({ sourceFile: shown, line: null, ...check, raw });
  }
}

/** A bit for each column, behind a byte and two bits that mean something else. */
function isNull(source: Uint8Array, at: number, column: number): boolean {
  return ((source[at + 1 + ((column + 2) >> 3)] ?? 0) & (1 << ((column + 2) & 7))) !== 0;
}

export function columnsChanged(shown: string) {
  return fail('SOURCE_CHANGED', {
    received: `${shown} with other columns than when the run was planned`,
    expected: 'the columns to stay while a table is read',
    next: 'start the run again: it plans with the columns as they are now',
  });
}
