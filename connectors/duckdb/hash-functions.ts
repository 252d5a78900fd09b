import type { DuckDBDataChunk, DuckDBType, DuckDBVector } from '@duckdb/node-api';
import { BIGINT, BLOB, DECIMAL, DuckDBBlobVector, DuckDBScalarFunction, INTEGER, UUID } from '@duckdb/node-api';
import type { PrimitiveType } from '../../contracts/schema.ts';
import { decimalParts } from '../../contracts/schema.ts';
import { murmur3, murmur3Long } from '../iceberg/murmur3.ts';
import type { DuckDbSession } from './session.ts';
import { bytesOf, typedArray } from './vector-memory.ts';

/** How the values of a column type are hashed: the DuckDB type that the function takes, and its work on a chunk. */
interface Hash {
  readonly takes: DuckDBType;
  /** SQL: the column as that type. */
  readonly argument: (column: string) => string;
  readonly run: (input: DuckDBVector, hashes: Int32Array, rows: number) => void;
}

let functions = 0;

/**
 * Murmur3 of columns for bucket partitions, which DuckDB does not have. It works on whole vectors through their memory;
 * measured per row of cpu: 0.04 µs for integers (0.4 µs as SQL arithmetic), 0.1 µs for texts of up to 12 bytes, 1.4 µs
 * for longer ones, which node-api fetches one by one. Dispose it when the queries that use it are done.
 */
export class HashFunctions implements Disposable {
  readonly #session: DuckDbSession;
  readonly #created = new Map<string, DuckDBScalarFunction>();
  readonly #prefix = `dativo_hash_${++functions}`;

  constructor(session: DuckDbSession) {
    this.#session = session;
  }

  /** SQL for the hash of a column without its sign bit; null for null. Makes the function known to the session. */
  sql(column: string, type: PrimitiveType): string {
    const scale = decimalParts(type)?.scale;
    const hash = scale === undefined ? hashOfType(type) : hashOfDecimal(scale);
    const name = `${this.#prefix}_${scale === undefined ? hash.takes.toString().toLowerCase() : `decimal_${scale}`}`;
    if (!this.#created.has(name)) this.#register(name, hash);
    // A function is not told which of its arguments are null, nor may it leave a result out.
    return `CASE WHEN ${column} IS NOT NULL THEN ${name}(${hash.argument(column)}) END`;
  }

  [Symbol.dispose](): void {
    for (const created of this.#created.values()) created.destroySync();
    this.#created.clear();
  }

  #register(name: string, { takes, run }: Hash): void {
    const created = DuckDBScalarFunction.create({
      name,
      returnType: INTEGER,
      parameterTypes: [takes],
      mainFunction: (_info, chunk: DuckDBDataChunk, output) => {
        const hashes = typedArray(output, Int32Array);
        run(chunk.getColumnVector(0), hashes, chunk.rowCount);
        for (let row = 0; row < chunk.rowCount; row++) hashes[row] = (hashes[row] ?? 0) & 0x7fffffff;
        output.flush();
      },
    });
    this.#session.connection.registerScalarFunction(created);
    this.#created.set(name, created);
  }
}

function hashOfType(type: PrimitiveType): Hash {
  switch (type) {
    case 'int':
    case 'long':
      return { takes: BIGINT, argument: (column) => `${column}::BIGINT`, run: hashLongs };
    case 'date':
      return { takes: BIGINT, argument: (column) => `(${column} - DATE '1970-01-01')`, run: hashLongs };
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return { takes: BIGINT, argument: (column) => `epoch_us(${column})`, run: hashLongs };
    case 'uuid':
      return { takes: UUID, argument: (column) => column, run: hashUuids };
    case 'string':
      return { takes: BLOB, argument: (column) => `encode(${column})`, run: hashBlobs };
    default:
      return { takes: BLOB, argument: (column) => column, run: hashBlobs };
  }
}

function hashOfDecimal(scale: number): Hash {
  const takes = DECIMAL(38, scale);
  return { takes, argument: (column) => `${column}::DECIMAL(38, ${scale})`, run: hashDecimals };
}

function hashLongs(input: DuckDBVector, hashes: Int32Array, rows: number): void {
  const longs = typedArray(input, BigInt64Array);
  const halves = new Int32Array(longs.buffer, longs.byteOffset, rows * 2);
  for (let row = 0; row < rows; row++) hashes[row] = murmur3Long(halves[row * 2] ?? 0, halves[row * 2 + 1] ?? 0);
}

/** DuckDB keeps 16 bytes of each text: its length, and the text itself if it has no more than 12 bytes. */
const ENTRY_BYTES = 16;
const INLINE_BYTES = 12;

function hashBlobs(input: DuckDBVector, hashes: Int32Array, rows: number): void {
  if (!(input instanceof DuckDBBlobVector)) throw new TypeError('a vector that is not one of blobs');
  const entries = bytesOf(input);
  const lengths = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  for (let row = 0; row < rows; row++) {
    const at = row * ENTRY_BYTES;
    const length = lengths.getUint32(at, true);
    if (length <= INLINE_BYTES) hashes[row] = murmur3(entries, at + 4, length);
    else hashes[row] = murmur3(input.getItemBytes(row) ?? entries, 0, length);
  }
}

/** 128-bit integers are stored little-endian; both kinds are hashed big-endian. */
function hashUuids(input: DuckDBVector, hashes: Int32Array, rows: number): void {
  const stored = bytesOf(input);
  const bytes = new Uint8Array(16);
  for (let row = 0; row < rows; row++) {
    copyReversed(stored, row * 16, bytes);
    // DuckDB flips the first bit of a UUID, so that its order is that of signed integers.
    bytes[0] = (bytes[0] ?? 0) ^ 0x80;
    hashes[row] = murmur3(bytes);
  }
}

/** The unscaled value in as few bytes as hold it. */
function hashDecimals(input: DuckDBVector, hashes: Int32Array, rows: number): void {
  const stored = bytesOf(input);
  const bytes = new Uint8Array(16);
  for (let row = 0; row < rows; row++) {
    copyReversed(stored, row * 16, bytes);
    const sign = (bytes[0] ?? 0) >> 7;
    const filler = sign === 1 ? 0xff : 0;
    let first = 0;
    while (first < 15 && bytes[first] === filler && (bytes[first + 1] ?? 0) >> 7 === sign) first += 1;
    hashes[row] = murmur3(bytes, first);
  }
}

function copyReversed(from: Uint8Array, start: number, to: Uint8Array): void {
  for (let index = 0; index < to.length; index++) to[index] = from[start + to.length - 1 - index] ?? 0;
}
