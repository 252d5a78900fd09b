import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { ConnectorContext } from '../connector.ts';
import { unreadable } from './files.ts';

/** Who is told that a file is still being read, and who can stop it. */
export interface Watcher extends Pick<ConnectorContext, 'signal' | 'onProgress'> {
  /** The bytes of a file that is not on this machine, as they are stored where it is. */
  readonly stored?: (name: string) => AsyncIterable<Uint8Array> | undefined;
}

export type Compression = 'none' | 'gzip' | 'zstd';

const PIECE_BYTES = 1_048_576;
/** What has no size before it is read, such as a pipe, comes in pieces of this one. */
const MINIMUM_PIECE_BYTES = 65_536;
const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/** A file's bytes without its compression. */
export interface OpenedFile {
  readonly compression: Compression;
  /** A piece is only valid until the next one is asked for; breaking out of the loop closes the file. */
  readonly pieces: AsyncIterable<Buffer>;
}

/**
 * Opens a file wherever it is. How it is compressed the job says, or else its first bytes do, whatever its name.
 * Errors: SOURCE_UNREADABLE, SOURCE_NOT_FOUND, and what the signal aborts with.
 */
export async function openFile(name: string, wanted: 'auto' | Compression, watcher: Watcher): Promise<OpenedFile> {
  const stored = watcher.stored?.(name);
  if (stored === undefined) {
    const compression = wanted === 'auto' ? beginsWith(await firstBytes(name, MAGIC_BYTES)) : wanted;
    return { compression, pieces: readBytes(name, compression, watcher) };
  }
  const { head, all } = await peek(stored, MAGIC_BYTES);
  const compression = wanted === 'auto' ? beginsWith(head) : wanted;
  return { compression, pieces: watched(name, unpacked(Readable.from(all), compression, watcher.signal), watcher) };
}

const MAGIC_BYTES = 4;

/** The beginning of a stream, at least so many bytes if it has them, and all of it. */
async function peek(
  pieces: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<{ head: Buffer; all: AsyncGenerator<Uint8Array, void, undefined> }> {
  const iterator = pieces[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let next = await iterator.next();
  while (!next.done && head.length < bytes) {
    head = Buffer.concat([head, next.value]);
    if (head.length < bytes) next = await iterator.next();
  }
  const all = async function* () {
    try {
      if (head.length > 0) yield head;
      for (let more = await iterator.next(); !more.done; more = await iterator.next()) yield more.value;
    } finally {
      await iterator.return?.();
    }
  };
  return { head, all: all() };
}

function beginsWith(head: Uint8Array): Compression {
  if (GZIP.every((byte, index) => head[index] === byte)) return 'gzip';
  return ZSTD.every((byte, index) => head[index] === byte) ? 'zstd' : 'none';
}

async function firstBytes(name: string, length: number): Promise<Buffer> {
  try {
    await using handle = await open(name);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw unreadable(name, error);
  }
}

/**
 * The bytes of a file after decompression, piece by piece. A piece is only valid until the next one is asked for.
 * Breaking out of the loop closes the file.
 * Errors: SOURCE_UNREADABLE, SOURCE_NOT_FOUND, and what the signal aborts with.
 */
export async function* readBytes(
  name: string,
  compression: Compression,
  watcher: Watcher,
): AsyncGenerator<Buffer, void, undefined> {
  const { signal } = watcher;
  const pieces =
    compression === 'none'
      ? readPlain(name, signal)
      : unpacked(createReadStream(name, { highWaterMark: PIECE_BYTES }), compression, signal);
  yield* watched(name, pieces, watcher);
}

async function* watched(
  name: string,
  pieces: AsyncIterable<Buffer>,
  { signal, onProgress }: Watcher,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const piece of pieces) {
      onProgress?.();
      yield piece;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw unreadable(name, error);
  }
}

/** One buffer for the whole file: no larger than it, small enough to stay in the processor's cache, nothing to collect. */
async function* readPlain(name: string, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  await using handle = await open(name);
  const { size } = await handle.stat();
  const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, Math.max(size, MINIMUM_PIECE_BYTES)));
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function* unpacked(
  input: Readable,
  compression: Compression,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  if (compression === 'none') {
    for await (const piece of input) if (piece instanceof Uint8Array) yield Buffer.from(piece);
    return;
  }
  const options = { chunkSize: PIECE_BYTES };
  const decoder = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
  // The pipeline destroys both ends when one of them stops early, whoever that is.
  const done = pipeline(input, decoder, { signal });
  // Its failure is the decoder's too, and comes out of the loop.
  done.catch(() => decoder.destroy());
  try {
    for await (const piece of decoder) if (Buffer.isBuffer(piece)) yield piece;
    await done;
  } finally {
    decoder.destroy();
  }
}
