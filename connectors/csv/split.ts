import type { Dialect } from './dialect.ts';
import { MAX_RECORD_BYTES } from './record-scan.ts';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/** Where a record ends, and what is wrong with it. */
export interface RecordEnd {
  /** End of its bytes, without the line end. */
  readonly end: number;
  /** Where the next one begins. */
  readonly next: number;
  readonly problem?: 'BROKEN_QUOTE' | 'LINE_TOO_LONG';
}

/**
 * Divides bytes into records as RFC 4180 does, one by one, with LF, CRLF or CR as line end. A record with a quote
 * that is malformed ends with its line, one with a quote that is never closed too: no bad row takes another with it.
 */
export class RecordSplitter {
  readonly #quote: number;
  readonly #escape: number;
  readonly #delimiter: Buffer;

  constructor({ delimiter, quote, escape }: Dialect) {
    this.#quote = quote === '' ? -1 : quote.charCodeAt(0);
    this.#escape = escape === '' ? -1 : escape.charCodeAt(0);
    this.#delimiter = Buffer.from(delimiter, 'utf8');
  }

  /**
   * The end of the record that begins at `start`, or undefined when more bytes are needed to tell. `last` says that
   * none will come.
   */
  next(bytes: Buffer, start: number, last: boolean): RecordEnd | undefined {
    let position = start;
    let fieldStart = true;
    while (position < bytes.length) {
      if (position - start > MAX_RECORD_BYTES) return this.#line(bytes, start, last, 'LINE_TOO_LONG');
      const byte = bytes[position];
      if (fieldStart && byte === this.#quote) {
        const closed = this.#closing(bytes, start, position + 1, last);
        if (closed === undefined) return undefined;
        if (closed < 0) return this.#line(bytes, start, last, 'BROKEN_QUOTE');
        position = closed + 1;
        while (bytes[position] === SPACE) position++;
        if (position >= bytes.length && !last) return undefined;
        if (position < bytes.length && !this.#endsField(bytes, position)) {
          const end = this.#line(bytes, position, last, 'BROKEN_QUOTE');
          return end;
        }
        fieldStart = false;
      } else if (byte === LF || byte === CR) {
        return lineEnd(bytes, position, last);
      } else if (this.#isDelimiter(bytes, position)) {
        position += this.#delimiter.length;
        fieldStart = true;
      } else {
        position++;
        fieldStart = false;
      }
    }
    return last ? { end: bytes.length, next: bytes.length } : undefined;
  }

  /** Place of the quote that closes; -1 when there is none within a record's length; undefined: not known yet. */
  #closing(bytes: Buffer, start: number, from: number, last: boolean): number | undefined {
    for (let at = from; at - start <= MAX_RECORD_BYTES; at++) {
      if (at >= bytes.length) return last ? -1 : undefined;
      if (this.#escape !== this.#quote && bytes[at] === this.#escape) at++;
      else if (bytes[at] === this.#quote) {
        if (at + 1 >= bytes.length && !last) return undefined;
        if (this.#escape !== this.#quote || bytes[at + 1] !== this.#quote) return at;
        at++;
      }
    }
    return -1;
  }

  #line(bytes: Buffer, from: number, last: boolean, problem: 'BROKEN_QUOTE' | 'LINE_TOO_LONG'): RecordEnd | undefined {
    for (let at = from; at < bytes.length; at++) {
      if (bytes[at] === LF || bytes[at] === CR) {
        const end = lineEnd(bytes, at, last);
        return end && { ...end, problem };
      }
    }
    return last ? { end: bytes.length, next: bytes.length, problem } : undefined;
  }

  #endsField(bytes: Buffer, position: number): boolean {
    return bytes[position] === LF || bytes[position] === CR || this.#isDelimiter(bytes, position);
  }

  #isDelimiter(bytes: Buffer, position: number): boolean {
    for (let index = 0; index < this.#delimiter.length; index++) {
      if (bytes[position + index] !== this.#delimiter[index]) return false;
    }
    return true;
  }
}

function lineEnd(bytes: Buffer, position: number, last: boolean): RecordEnd | undefined {
  if (bytes[position] === LF) return { end: position, next: position + 1 };
  if (position + 1 >= bytes.length && !last) return undefined;
  return { end: position, next: bytes[position + 1] === LF ? position + 2 : position + 1 };
}

export interface SplitRecord {
  /** Only valid until the next one is asked for. */
  readonly bytes: Buffer;
  /** 1-based line where it begins. */
  readonly line: number;
  readonly problem?: RecordEnd['problem'];
}

/**
 * All records of a stream of UTF-8 bytes, blank lines too, with the line where each begins. At most about two
 * records are held in memory: `LINE_TOO_LONG` is told with the first part of the record.
 */
export async function* splitRecords(
  pieces: AsyncIterable<Buffer>,
  dialect: Dialect,
): AsyncGenerator<SplitRecord, void, undefined> {
  const splitter = new RecordSplitter(dialect);
  let bytes: Buffer = Buffer.alloc(0);
  let start = 0;
  let line = 1;
  const records = function* (last: boolean): Generator<SplitRecord, void, undefined> {
    for (;;) {
      const record = start < bytes.length ? splitter.next(bytes, start, last) : undefined;
      if (record === undefined) break;
      const { end, next, problem } = record;
      yield { bytes: bytes.subarray(start, end), line, ...(problem === undefined ? {} : { problem }) };
      line += countLines(bytes, start, next);
      start = next;
    }
    bytes = bytes.subarray(start);
    start = 0;
  };
  let first = true;
  for await (const piece of pieces) {
    bytes = Buffer.concat([bytes, first && startsWithBom(piece) ? piece.subarray(3) : piece]);
    first = false;
    yield* records(false);
  }
  yield* records(true);
}

function startsWithBom(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** Line ends in [start, end); the CR of a CRLF is none of its own. */
export function countLines(bytes: Buffer, start: number, end: number): number {
  let lines = 0;
  for (let at = start; at < end; at++) {
    if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] !== LF)) lines++;
  }
  return lines;
}
