import type { Client, Connection, Submittable } from 'pg';
import type { ColumnBuffer } from '../landing/column-buffer.ts';
import { Unrepresentable } from '../landing/unrepresentable.ts';
import type { Decode } from './decode.ts';
import { int32 } from './decode.ts';

/** Where rows go to: one buffer for each column of the query, in its order. */
export interface RowTarget {
  readonly buffers: readonly ColumnBuffer[];
  /** True when the buffers should be emptied before another row; `bytes` is what came since they were. */
  isFull(bytes: number): boolean;
  empty(): Promise<void>;
}

export interface CopiedColumn {
  readonly name: string;
  readonly decode: Decode;
}

/** A value that the column's type cannot hold. */
export class UnrepresentableValue extends Error {
  readonly column: string;
  readonly what: string;

  constructor(column: string, what: string) {
    super(`${what} in a column`);
    this.name = 'UnrepresentableValue';
    this.column = column;
    this.what = what;
  }
}

/** Messages of the protocol ("Message Formats" in the manual of Postgres). */
const COPY_OUT_RESPONSE = 0x48;
const COPY_DATA = 0x64;
/** Notices, notifications and changed parameters may come at any time. */
const ASIDE: ReadonlySet<number> = new Set([0x4e, 0x41, 0x53]);
const HEADER_BYTES = 5;
/** Of a binary copy: a signature of eleven bytes, flags, and the length of what else there is. */
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const FILE_HEADER_BYTES = 19;
const TRAILER = -1;

/**
 * Runs `COPY (query) TO STDOUT (FORMAT binary)` and decodes each row into the buffers, straight from the socket: the
 * client library's own parser makes an object for each row. Resolves with the number of rows that the server says it
 * sent and the number that came.
 */
export function copyBinary(
  client: Client,
  query: string,
  columns: readonly CopiedColumn[],
  target: RowTarget,
): Promise<{ readonly sent: number; readonly received: number }> {
  return new Promise((resolve, reject) => {
    client.query(new BinaryCopy(query, columns, target, resolve, reject));
  });
}

type DataListener = (chunk: Buffer) => void;

class BinaryCopy implements Submittable {
  readonly #text: string;
  readonly #columns: readonly CopiedColumn[];
  readonly #target: RowTarget;
  readonly #resolve: (counts: { sent: number; received: number }) => void;
  readonly #reject: (error: unknown) => void;
  #connection: Connection | undefined;
  #listeners: DataListener[] = [];
  /** The beginning of a message whose end has not come. */
  #begun: Buffer[] = [];
  #begunBytes = 0;
  #received = 0;
  #bytesSinceEmpty = 0;
  #sent = -1;
  #hasHeader = false;
  #failure: unknown;

  constructor(
    query: string,
    columns: readonly CopiedColumn[],
    target: RowTarget,
    resolve: (counts: { sent: number; received: number }) => void,
    reject: (error: unknown) => void,
  ) {
    this.#text = `COPY (${query}) TO STDOUT (FORMAT binary)`;
    this.#columns = columns;
    this.#target = target;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: Connection): void {
    this.#connection = connection;
    const { stream } = connection;
    this.#listeners = stream.listeners('data') as DataListener[];
    stream.removeAllListeners('data');
    stream.on('data', this.#onData);
    connection.query(this.#text);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#sent = Number(/^COPY (\d+)$/.exec(text)?.[1] ?? -1);
  }

  handleReadyForQuery(): void {
    if (this.#failure === undefined) this.#resolve({ sent: this.#sent, received: this.#received });
  }

  handleError(error: unknown): void {
    this.#giveBack();
    this.#reject(this.#failure ?? error);
  }

  readonly #onData = (chunk: Buffer): void => this.#work(this.#completed(chunk));

  /** What can be worked on: a message that had begun, made whole, and what is behind it. Nothing else is copied. */
  #completed(chunk: Buffer): readonly Buffer[] {
    const [first] = this.#begun;
    if (first === undefined) return [chunk];
    const isCutShort = first.length < HEADER_BYTES;
    const header = isCutShort ? Buffer.concat([first, chunk.subarray(0, HEADER_BYTES)]) : first;
    const missing = header.length < HEADER_BYTES ? Infinity : 1 + int32(header, 1) - this.#begunBytes;
    if (chunk.length < missing) {
      // So that the first part, once others follow it, has the whole header.
      if (isCutShort) this.#begun = [Buffer.concat([first, chunk])];
      else this.#begun.push(chunk);
      this.#begunBytes += chunk.length;
      return [];
    }
    const message = Buffer.concat([...this.#begun, chunk.subarray(0, missing)]);
    this.#begun = [];
    this.#begunBytes = 0;
    return [message, chunk.subarray(missing)];
  }

  #work(buffers: readonly Buffer[]): void {
    for (const [index, bytes] of buffers.entries()) {
      const from = (at: number) => [bytes.subarray(at), ...buffers.slice(index + 1)];
      let at = 0;
      while (at + HEADER_BYTES <= bytes.length) {
        const type = bytes[at] ?? 0;
        const end = at + 1 + int32(bytes, at + 1);
        if (end > bytes.length) break;
        if (type === COPY_DATA) {
          if (this.#failure === undefined) this.#takeRows(bytes, at + HEADER_BYTES, end);
          this.#bytesSinceEmpty += end - at;
        } else if (ASIDE.has(type)) {
          for (const listener of this.#listeners) listener(bytes.subarray(at, end));
        } else if (type !== COPY_OUT_RESPONSE) {
          this.#giveBack(Buffer.concat(from(at)));
          return;
        }
        at = end;
        if (this.#target.isFull(this.#bytesSinceEmpty)) {
          this.#emptyAndGoOn(from(at));
          return;
        }
      }
      if (at === bytes.length) continue;
      this.#begun = [bytes.subarray(at)];
      this.#begunBytes = bytes.length - at;
    }
  }

  #emptyAndGoOn(rest: readonly Buffer[]): void {
    const stream = this.#connection?.stream;
    this.#bytesSinceEmpty = 0;
    stream?.pause();
    this.#target
      .empty()
      .catch((error: unknown) => this.#give(error))
      .then(() => {
        this.#work(rest);
        stream?.resume();
      })
      .catch((error: unknown) => this.#give(error));
  }

  #takeRows(bytes: Buffer, from: number, end: number): void {
    let column = 0;
    try {
      let at = this.#hasHeader ? from : headerEnd(bytes, from);
      this.#hasHeader = true;
      const columns = this.#columns;
      const { buffers } = this.#target;
      while (at < end) {
        const fields = (((bytes[at] ?? 0) << 24) >> 16) | (bytes[at + 1] ?? 0);
        at += 2;
        if (fields === TRAILER) continue;
        if (fields !== columns.length) throw malformed();
        for (column = 0; column < fields; column += 1) {
          const length = int32(bytes, at);
          at += 4;
          // Both lists are as long as the row.
          const buffer = buffers[column] as ColumnBuffer;
          if (length < 0) buffer.addNull();
          else {
            (columns[column] as CopiedColumn).decode(buffer, bytes, at, length);
            at += length;
          }
        }
        this.#received += 1;
      }
      if (at !== end) throw malformed();
    } catch (error) {
      const name = this.#columns[column]?.name ?? '';
      this.#give(error instanceof Unrepresentable ? new UnrepresentableValue(name, error.what) : error);
    }
  }

  /** The rest of the answer is dropped; the connection is of no more use. */
  #give(error: unknown): void {
    this.#failure ??= error;
    this.#reject(error);
  }

  /** The client library reads the socket again, beginning with these bytes. */
  #giveBack(rest?: Buffer): void {
    const stream = this.#connection?.stream;
    if (stream === undefined || this.#listeners.length === 0) return;
    stream.off('data', this.#onData);
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) stream.on('data', listener);
    if (rest !== undefined) for (const listener of listeners) listener(rest);
  }
}

function headerEnd(bytes: Buffer, at: number): number {
  if (bytes.compare(SIGNATURE, 0, SIGNATURE.length, at, at + SIGNATURE.length) !== 0) throw malformed();
  return at + FILE_HEADER_BYTES + int32(bytes, at + FILE_HEADER_BYTES - 4);
}

function malformed(): Error {
  return new Error('the answer to COPY is not in the binary format');
}
