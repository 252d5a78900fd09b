import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import avsc from 'avsc';
import { z } from 'zod';

/**
 * Avro object container files (Avro 1.12 spec, "Object Container Files") for manifests and manifest lists.
 * The records are avsc's work; the header is written here, because avsc leaves out the `field-id` attributes that
 * Iceberg finds fields by (Iceberg spec, appendix A).
 */
export type AvroSchema = string | { readonly [key: string]: unknown } | readonly unknown[];

/** The name that a field is to be given by its id; undefined leaves it the writer's. One function for one kind of file. */
export type FieldNames = (id: number) => string | undefined;

export interface AvroFile {
  readonly metadata: ReadonlyMap<string, string>;
  readonly records: readonly unknown[];
}

const MAGIC = Buffer.from('Obj\x01', 'latin1');
const SYNC_BYTES = 16;
/** Readers hold one block at a time. */
const RECORDS_PER_BLOCK = 500;

export function writeAvro(
  schema: AvroSchema,
  records: readonly object[],
  metadata: Readonly<Record<string, string>>,
): Buffer {
  const type = codec(schema);
  const sync = randomBytes(SYNC_BYTES);
  const parts = [header({ 'avro.schema': JSON.stringify(schema), 'avro.codec': 'deflate', ...metadata }), sync];
  for (let first = 0; first < records.length; first += RECORDS_PER_BLOCK) {
    const block = records.slice(first, first + RECORDS_PER_BLOCK);
    const body = zlib.deflateRawSync(Buffer.concat(block.map((record) => type.toBuffer(record))));
    parts.push(long(block.length), long(body.length), body, sync);
  }
  return Buffer.concat(parts);
}

/**
 * Reads codecs null and deflate. Writers have called one field by different names over the years, so fields whose id
 * `names` knows are given under that name. Throws RangeError on anything that is not such a file.
 */
export function readAvro(bytes: Buffer, names: FieldNames): AvroFile {
  const cursor = new Cursor(bytes);
  if (!cursor.take(MAGIC.length).equals(MAGIC)) throw new RangeError('not an Avro container file');
  const metadata = readMetadata(cursor);
  const sync = cursor.take(SYNC_BYTES);
  const type = reader(metadata.get('avro.schema'), names);
  const inflate = inflater(metadata.get('avro.codec') ?? 'null');
  const records: unknown[] = [];
  while (!cursor.atEnd()) {
    const count = cursor.long();
    const block = inflate(cursor.take(cursor.long()));
    for (let offset = 0, left = count; left > 0; left -= 1) {
      const decoded = type.decode(block, offset);
      if (decoded.offset < 0) throw new RangeError('an Avro block is shorter than its records');
      records.push(decoded.value);
      offset = decoded.offset;
    }
    if (!cursor.take(SYNC_BYTES).equals(sync)) throw new RangeError('an Avro block does not end where it says');
  }
  return { metadata, records };
}

/** Longs are bigint: ids of other writers use 63 bits. */
const LONG = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: (value: number | string) => BigInt(value),
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

/** Most manifests of a table have one schema, and building its codec takes longer than reading a small manifest with it. */
const readers = new WeakMap<FieldNames, Map<string, avsc.Type>>();
const READERS_KEPT = 64;

function reader(schemaText: string | undefined, names: FieldNames): avsc.Type {
  if (schemaText === undefined) throw new RangeError('an Avro file without a schema');
  const known = readers.get(names) ?? new Map<string, avsc.Type>();
  readers.set(names, known);
  const type = known.get(schemaText) ?? codec(renamed(JSON.parse(schemaText), names));
  if (known.size >= READERS_KEPT) known.clear();
  known.set(schemaText, type);
  return type;
}

function codec(schema: unknown): avsc.Type {
  // avsc fills the registry and the schema it is given, so both are this call's own.
  // A long with a logical type, such as a timestamp, would be read as a number.
  const own = JSON.parse(JSON.stringify(schema, (_key, part: unknown) => (isLong(part) ? 'long' : part)));
  return avsc.Type.forSchema(own, { registry: { long: LONG }, wrapUnions: 'never' });
}

/** The type itself, not a field of it. */
function isLong(part: unknown): boolean {
  const { type, name } = LONG_TYPE.safeParse(part).data ?? {};
  return type === 'long' && name === undefined;
}

function header(metadata: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(metadata);
  return Buffer.concat([MAGIC, long(pairs.length), ...pairs.flat().map(text), long(0)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([long(bytes.length), bytes]);
}

/** Zigzag and variable length, as Avro writes int and long. */
function long(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value * 2;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}

class Cursor {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  atEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  take(length: number): Buffer {
    const end = this.#position + length;
    if (length < 0 || end > this.#bytes.length) throw new RangeError('an Avro file ends too early');
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }

  long(): number {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.take(1).readUInt8();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number((value >> 1n) ^ -(value & 1n));
    }
  }
}

function readMetadata(cursor: Cursor): Map<string, string> {
  const metadata = new Map<string, string>();
  for (let count = cursor.long(); count !== 0; count = cursor.long()) {
    // A negative count is followed by the block's size, which is of no use here.
    if (count < 0) cursor.long();
    for (let left = Math.abs(count); left > 0; left -= 1) {
      const key = cursor.take(cursor.long()).toString();
      metadata.set(key, cursor.take(cursor.long()).toString());
    }
  }
  return metadata;
}

function inflater(name: string): (block: Buffer) => Buffer {
  if (name === 'null') return (block) => block;
  if (name === 'deflate') return (block) => zlib.inflateRawSync(block);
  throw new RangeError('an Avro codec other than null and deflate');
}

const LONG_TYPE = z.object({ type: z.literal('long'), name: z.string().optional() });
const FIELD = z.object({ 'field-id': z.int(), name: z.string() });

function renamed(schema: unknown, names: FieldNames): unknown {
  if (Array.isArray(schema)) return schema.map((part) => renamed(part, names));
  if (typeof schema !== 'object' || schema === null) return schema;
  const parts = Object.entries(schema).map(([key, value]) => [key, key === 'default' ? value : renamed(value, names)]);
  const field = FIELD.safeParse(schema);
  const name = field.success ? names(field.data['field-id']) : undefined;
  return { ...Object.fromEntries(parts), ...(name === undefined ? {} : { name }) };
}
