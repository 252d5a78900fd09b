/** How a column stands in a landing file: Parquet's physical and logical types, as far as sources need them. */
export type LandingType =
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'string'
  | 'binary'
  | 'uuid'
  | { readonly precision: number; readonly scale: number };

const FIRST_BYTES = 65_536;

/**
 * The values of one column of a row group, in Parquet's PLAIN encoding: fixed-width values little-endian one after the
 * other, texts behind their length in four bytes. A null takes no room; which rows have a value is kept as bits.
 */
export class ColumnBuffer {
  /** Whoever writes a value makes room first, writes at `end` and moves it. */
  bytes = new Uint8Array(FIRST_BYTES);
  view = new DataView(this.bytes.buffer);
  end = 0;
  rows = 0;
  nulls = 0;
  readonly #defined: Uint8Array;

  constructor(maxRows: number) {
    this.#defined = new Uint8Array(Math.ceil(maxRows / 8));
  }

  room(bytes: number): void {
    if (this.end + bytes <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.end + bytes));
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** To be called once for each value, before or after its bytes. */
  addValue(): void {
    const at = this.rows >> 3;
    this.#defined[at] = (this.#defined[at] ?? 0) | (1 << (this.rows & 7));
    this.rows += 1;
  }

  addNull(): void {
    this.rows += 1;
    this.nulls += 1;
  }

  /** Leaves the last row out again; `end` is where the buffer ended before it. */
  takeBack(end: number): void {
    this.rows -= 1;
    this.end = end;
    const at = this.rows >> 3;
    const bit = 1 << (this.rows & 7);
    const defined = this.#defined[at] ?? 0;
    if ((defined & bit) === 0) this.nulls -= 1;
    else this.#defined[at] = defined & ~bit;
  }

  /** One bit for each row, the first row's lowest; set where there is a value. */
  defined(): Uint8Array {
    return this.#defined.subarray(0, Math.ceil(this.rows / 8));
  }

  clear(): void {
    this.end = 0;
    this.rows = 0;
    this.nulls = 0;
    this.#defined.fill(0);
  }
}
