import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { ColumnBuffer, LandingType } from './column-buffer.ts';
import type { ThriftStruct, ThriftValue } from './thrift.ts';
import { bool, encodeThrift, i32, i64, list, struct, text, writeVarint } from './thrift.ts';

export interface LandingColumn {
  readonly name: string;
  readonly type: LandingType;
}

const MAGIC = Buffer.from('PAR1');
const PHYSICAL = { BOOLEAN: 0, INT32: 1, INT64: 2, FLOAT: 4, DOUBLE: 5, BYTE_ARRAY: 6, FIXED: 7 } as const;
const OPTIONAL = 1;
const PLAIN = 0;
const RLE = 3;
const UNCOMPRESSED = 0;
const DATA_PAGE = 0;
const MICROSECONDS = struct({ 2: struct({}) });

/** A physical type, its length, and what it means: the fields of Parquet's SchemaElement. */
interface Meaning {
  readonly physical: number;
  readonly length?: number;
  readonly converted?: number;
  readonly logical?: ThriftValue;
  readonly digits?: { readonly precision: number; readonly scale: number };
}

const zoned = (utc: boolean) => struct({ 1: bool(utc), 2: MICROSECONDS });

const MEANINGS: Readonly<Record<Exclude<LandingType, object>, Meaning>> = {
  boolean: { physical: PHYSICAL.BOOLEAN },
  int: { physical: PHYSICAL.INT32 },
  long: { physical: PHYSICAL.INT64 },
  float: { physical: PHYSICAL.FLOAT },
  double: { physical: PHYSICAL.DOUBLE },
  date: { physical: PHYSICAL.INT32, converted: 6, logical: struct({ 6: struct({}) }) },
  time: { physical: PHYSICAL.INT64, logical: struct({ 7: zoned(false) }) },
  timestamp: { physical: PHYSICAL.INT64, logical: struct({ 8: zoned(false) }) },
  timestamptz: { physical: PHYSICAL.INT64, logical: struct({ 8: zoned(true) }) },
  string: { physical: PHYSICAL.BYTE_ARRAY, converted: 0, logical: struct({ 1: struct({}) }) },
  binary: { physical: PHYSICAL.BYTE_ARRAY },
  uuid: { physical: PHYSICAL.FIXED, length: 16, logical: struct({ 14: struct({}) }) },
};

/** Decimals of up to 18 digits are 64-bit integers, larger ones 16 bytes, the highest first. */
function meaningOf(type: LandingType): Meaning {
  if (typeof type === 'string') return MEANINGS[type];
  const { precision, scale } = type;
  const logical = struct({ 5: struct({ 1: i32(scale), 2: i32(precision) }) });
  const decimal = { converted: 5, logical, digits: { precision, scale } };
  return precision <= 18
    ? { physical: PHYSICAL.INT64, ...decimal }
    : { physical: PHYSICAL.FIXED, length: 16, ...decimal };
}

/**
 * A file on a local disk that holds what was read from a source until DuckDB has read it: uncompressed Parquet
 * (specification: parquet-format 2.10), since DuckDB reads it several times faster than text, and each value in its
 * type. Rows come in row groups, one page for each column.
 */
export class LandingFile implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #columns: readonly (LandingColumn & { readonly meaning: Meaning })[];
  readonly #groups: ThriftValue[] = [];
  #position = 0;
  #rows = 0;

  private constructor(file: FileHandle, columns: readonly LandingColumn[]) {
    this.#file = file;
    this.#columns = columns.map((column) => ({ ...column, meaning: meaningOf(column.type) }));
  }

  static async create(path: string, columns: readonly LandingColumn[]): Promise<LandingFile> {
    const file = new LandingFile(await open(path, 'wx'), columns);
    await file.#write([MAGIC]);
    return file;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Writes what the buffers hold, one for each column and all with as many rows, and empties them. */
  async addRowGroup(buffers: readonly ColumnBuffer[]): Promise<void> {
    const rows = buffers[0]?.rows ?? 0;
    if (rows === 0) return;
    const chunks: ThriftValue[] = [];
    const start = this.#position;
    for (const [index, { name, meaning }] of this.#columns.entries()) {
      const buffer = buffers[index];
      if (buffer?.rows !== rows) throw new RangeError('columns of a row group with different numbers of rows');
      chunks.push(await this.#addColumn(name, meaning, buffer));
      buffer.clear();
    }
    this.#groups.push(struct({ 1: list('struct', chunks), 2: i64(this.#position - start), 3: i64(rows) }));
    this.#rows += rows;
  }

  /** Without this the file is no Parquet file. */
  async finish(): Promise<void> {
    const root = struct({ 4: text('schema'), 5: i32(this.#columns.length) });
    const footer = encodeThrift({
      1: i32(1),
      2: list('struct', [root, ...this.#columns.map(({ name, meaning }) => struct(schemaElement(name, meaning)))]),
      3: i64(this.#rows),
      4: list('struct', this.#groups),
      6: text('dativo'),
    });
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    await this.#write([footer, length, MAGIC]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #addColumn(name: string, { physical }: Meaning, buffer: ColumnBuffer): Promise<ThriftValue> {
    const offset = this.#position;
    const values = physical === PHYSICAL.BOOLEAN ? packBits(buffer) : buffer.bytes.subarray(0, buffer.end);
    const levels = definitionLevels(buffer);
    const bytes = levels.length + values.length;
    const header = encodeThrift({
      1: i32(DATA_PAGE),
      2: i32(bytes),
      3: i32(bytes),
      5: struct({ 1: i32(buffer.rows), 2: i32(PLAIN), 3: i32(RLE), 4: i32(RLE) }),
    });
    await this.#write([header, levels, values]);
    const size = i64(header.length + bytes);
    return struct({
      2: i64(offset),
      3: struct({
        1: i32(physical),
        2: list('i32', [i32(PLAIN), i32(RLE)]),
        3: list('text', [text(name)]),
        4: i32(UNCOMPRESSED),
        5: i64(buffer.rows),
        6: size,
        7: size,
        9: i64(offset),
      }),
    });
  }

  async #write(parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      let from = 0;
      // A disk that becomes full may take a part of a write before it refuses the rest.
      while (from < part.length) from += (await this.#file.write(part, from)).bytesWritten;
      this.#position += part.length;
    }
  }
}

function schemaElement(name: string, { physical, length, converted, logical, digits }: Meaning): ThriftStruct {
  return {
    1: i32(physical),
    2: length === undefined ? undefined : i32(length),
    3: i32(OPTIONAL),
    4: text(name),
    6: converted === undefined ? undefined : i32(converted),
    7: digits && i32(digits.scale),
    8: digits && i32(digits.precision),
    10: logical,
  };
}

/** Which rows have a value, in Parquet's hybrid of run lengths and packed bits, behind its length. */
function definitionLevels(buffer: ColumnBuffer): Buffer {
  const { rows, nulls } = buffer;
  const packed = nulls > 0 && nulls < rows;
  const defined = buffer.defined();
  const header: number[] = [];
  writeVarint(header, packed ? Math.ceil(rows / 8) * 2 + 1 : rows * 2);
  const body = packed ? defined : Buffer.from([nulls === 0 ? 1 : 0]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length + body.length);
  return Buffer.concat([length, Buffer.from(header), body]);
}

/** A boolean is a byte in a buffer, and a bit in a file. */
function packBits({ bytes, end }: ColumnBuffer): Uint8Array {
  const bits = new Uint8Array(Math.ceil(end / 8));
  for (let at = 0; at < end; at += 1) {
    if (bytes[at] === 1) bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
  }
  return bits;
}
