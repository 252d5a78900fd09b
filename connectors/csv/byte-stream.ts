import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { PassThrough } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { unreadable } from './files.ts';

export type Compression = 'none' | 'gzip' | 'zstd';

const CHUNK_BYTES = 4 * 1_048_576;
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
 * The bytes of a file after decompression, in pieces of up to a few MiB. Breaking out of the loop closes the file.
 * Errors: SOURCE_UNREADABLE, SOURCE_NOT_FOUND, and what the signal aborts with.
 */
export async function* readBytes(
  name: string,
  compression: Compression,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const file = createReadStream(name, { highWaterMark: CHUNK_BYTES });
  const output = new PassThrough({ highWaterMark: CHUNK_BYTES });
  const stages = compression === 'gzip' ? [createGunzip({ chunkSize: 1_048_576 })] : compression === 'zstd' ? [createZstdDecompress({ chunkSize: 1_048_576 })] : [];
  // The pipeline destroys every stage when one of them ends early, whoever that is.
  const done = pipeline([file, ...stages, output], { signal });
  done.catch((error: unknown) => output.destroy(error instanceof Error ? error : undefined));
  try {
    for await (const piece of output) if (Buffer.isBuffer(piece)) yield piece;
    await done;
  } catch (error) {
    signal.throwIfAborted();
    throw unreadable(name, error);
  } finally {
    output.destroy();
  }
}
