import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { ConnectorContext } from '../connector.ts';
import { unreadable } from './files.ts';

/** Who is told that a file is still being read, and who can stop it. */
export type Watcher = Pick<ConnectorContext, 'signal' | 'onProgress'>;

export type Compression = 'none' | 'gzip' | 'zstd';

const PIECE_BYTES = 1_048_576;
const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/** How a file is compressed: as the job says, or else by its first bytes, whatever its name. */
export async function compressionOf(name: string, wanted: 'auto' | Compression): Promise<Compression> {
  if (wanted !== 'auto') return wanted;
  const head = await firstBytes(name, 4);
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
  try {
    for await (const piece of compression === 'none'
      ? readPlain(name, signal)
      : decompress(name, compression, signal)) {
      watcher.onProgress?.();
      yield piece;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw unreadable(name, error);
  }
}

/** One buffer for the whole file: small enough to stay in the processor's cache, and nothing to collect. */
async function* readPlain(name: string, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  await using handle = await open(name);
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function* decompress(
  name: string,
  compression: 'gzip' | 'zstd',
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const options = { chunkSize: PIECE_BYTES };
  const decoder = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
  // The pipeline destroys both ends when one of them stops early, whoever that is.
  const done = pipeline(createReadStream(name, { highWaterMark: PIECE_BYTES }), decoder, { signal });
  // Its failure is the decoder's too, and comes out of the loop.
  done.catch(() => decoder.destroy());
  try {
    for await (const piece of decoder) if (Buffer.isBuffer(piece)) yield piece;
    await done;
  } finally {
    decoder.destroy();
  }
}
