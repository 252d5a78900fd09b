import type { Dialect } from './dialect.ts';
import { QuickScan } from './quick-scan.ts';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const BOM = [0xef, 0xbb, 0xbf];

/** DuckDB gives up on longer records. */
export const MAX_RECORD_BYTES = 2_000_000;

/**
 * Counts the records of a CSV file by going from quote to quote and from line end to line end, independently of
 * DuckDB. Its reader has been seen to lose rows without a word: near the places where it divides a file among
 * threads, after a quote that is never closed, where line ends are mixed. So its sum is held against this one.
 *
 * A file is regular when all of its quotes are well formed, its lines all end in the same way (LF or CRLF) and no
 * record is longer than DuckDB bears; only then is the count to be trusted, and DuckDB to be trusted with the file.
 */
export class RecordScan {
  readonly #quote: number;
  readonly #delimiter: number;
  /** Blank lines are rows of a file with one column, and nothing in others. */
  readonly #countsBlank: boolean;
  #lines: 'lf' | 'crlf' | undefined;
  #irregular: boolean;
  #records = 0;
  #inQuotes = false;
  /** The byte after a quote that may close is in the next piece. */
  #afterQuote = false;
  /** Bytes of the current record in the pieces before, and the last one of them. */
  #carried = 0;
  #previous = LF;
  #first = true;

  constructor(dialect: Dialect, columns: number) {
    this.#quote = dialect.quote === '' ? -1 : dialect.quote.charCodeAt(0);
    this.#delimiter = dialect.delimiter.charCodeAt(dialect.delimiter.length - 1);
    this.#countsBlank = columns === 1;
    const escaped = dialect.quote !== '' && dialect.escape !== dialect.quote;
    this.#irregular = escaped || this.#quote > 0x7f || this.#delimiter > 0x7f;
  }

  /** From the first irregularity on nothing is counted any more. */
  get irregular(): boolean {
    return this.#irregular;
  }

  /** Records so far, a header among them. */
  get records(): number {
    return this.#records;
  }

  push(piece: Buffer): void {
    if (piece.length === 0 || this.#irregular || this.#pushQuickly(piece)) return;
    const quotes = new Finder(piece, this.#quote);
    const newlines = new Finder(piece, LF);
    const returns = new Finder(piece, CR);
    let start = -this.#carried;
    let position = this.#open(piece);
    if (this.#first) start = position;
    this.#first = false;
    while (position < piece.length && !this.#irregular) {
      if (this.#inQuotes) {
        const closing = quotes.from(position);
        position = closing < piece.length ? this.#closeQuote(piece, closing + 1) : piece.length;
        continue;
      }
      const quote = quotes.from(position);
      const newline = newlines.from(position);
      if (quote < newline) {
        this.#requireNoReturn(returns, position, quote);
        const before = quote > 0 ? piece[quote - 1] : this.#previous;
        // Elsewhere than at the start of a field a quote is a character like any other.
        this.#inQuotes = quote === start || before === this.#delimiter;
        position = quote + 1;
      } else if (newline < piece.length) {
        this.#endRecord(piece, start, newline);
        this.#requireNoReturn(returns, position, this.#lines === 'crlf' ? newline - 1 : newline);
        position = newline + 1;
        start = position;
      } else {
        this.#requireNoReturn(returns, position, piece.length - 1);
        position = piece.length;
      }
    }
    this.#carried = piece.length - start;
    this.#previous = piece.at(-1) ?? LF;
    if (this.#carried > MAX_RECORD_BYTES) this.#irregular = true;
  }

  /** After the last piece. */
  end(): void {
    if (this.#inQuotes && !this.#afterQuote) this.#irregular = true;
    if (this.#carried > 0 && !(this.#carried === 1 && this.#previous === CR)) this.#records++;
  }

  /** The quick way, which most pieces of most files can go. Tells whether it was taken. */
  #pushQuickly(piece: Buffer): boolean {
    const returned = !this.#inQuotes && this.#previous === CR;
    // A carriage return that was the last byte, alone on its line or not half of a line end, is not regular.
    if (returned && (this.#lines === 'lf' || this.#carried === 1)) return false;
    if (this.#first || this.#lines === undefined) return false;
    const before = {
      inQuotes: this.#inQuotes && !this.#afterQuote,
      closed: this.#afterQuote,
      atFieldStart: this.#carried === 0 || (!this.#inQuotes && this.#previous === this.#delimiter),
      atRecordStart: this.#carried === 0,
      returned,
    };
    const text = { quote: this.#quote, delimiter: this.#delimiter, crlf: this.#lines === 'crlf' };
    const result = QuickScan.get().scan(piece, before, text);
    if (result === undefined) return false;
    const { ends, firstEnd, lastEnd, inQuotes, closed } = result;
    if (this.#carried + firstEnd > MAX_RECORD_BYTES) this.#irregular = true;
    this.#records += ends;
    this.#inQuotes = inQuotes || closed;
    this.#afterQuote = closed;
    this.#carried = lastEnd < 0 ? this.#carried + piece.length : piece.length - lastEnd - 1;
    this.#previous = piece.at(-1) ?? LF;
    if (this.#carried > MAX_RECORD_BYTES) this.#irregular = true;
    return true;
  }

  /** What the bytes before this piece left open; the position to start from. */
  #open(piece: Buffer): number {
    if (this.#first) return BOM.every((byte, index) => piece[index] === byte) ? BOM.length : 0;
    if (this.#afterQuote) {
      this.#afterQuote = false;
      return this.#closeQuote(piece, 0);
    }
    if (!this.#inQuotes && this.#previous === CR && piece[0] !== LF) this.#irregular = true;
    return 0;
  }

  #endRecord(piece: Buffer, start: number, newline: number): void {
    const length = newline - start;
    const returned = length > 0 && (newline > 0 ? piece[newline - 1] : this.#previous) === CR;
    const lines = returned ? 'crlf' : 'lf';
    this.#lines ??= lines;
    if (this.#lines !== lines || length > MAX_RECORD_BYTES) this.#irregular = true;
    if (this.#countsBlank || length > (returned ? 1 : 0)) this.#records++;
  }

  /** Outside of quotes a carriage return is half of a line end. */
  #requireNoReturn(returns: Finder, from: number, to: number): void {
    if (returns.from(from) < to) this.#irregular = true;
  }

  /** `position` is behind a quote inside quotes: it closes them, unless another one follows. */
  #closeQuote(piece: Buffer, position: number): number {
    if (position === piece.length) {
      this.#afterQuote = true;
      return position;
    }
    const next = piece[position];
    if (next === this.#quote) return position + 1;
    this.#inQuotes = false;
    if (next !== this.#delimiter && next !== LF && next !== CR && next !== SPACE) this.#irregular = true;
    return position;
  }
}

/** Places of one byte in a piece, found in order and each only once. */
class Finder {
  readonly #piece: Buffer;
  readonly #byte: number;
  #found = -1;

  constructor(piece: Buffer, byte: number) {
    this.#piece = piece;
    this.#byte = byte;
    if (byte < 0) this.#found = piece.length;
  }

  /** The first place at or after `position`; the length of the piece when there is none. */
  from(position: number): number {
    if (this.#found < position) {
      const found = this.#piece.indexOf(this.#byte, position);
      this.#found = found < 0 ? this.#piece.length : found;
    }
    return this.#found;
  }
}
