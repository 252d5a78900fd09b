import { createReadStream, createWriteStream } from 'node:fs';
import { link, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { generateOrders } from '../csv/generate-orders.ts';

/**
 * A chunk is cut where files come to 256 MiB, a compressed one taken as five times its size: such a file is more than half
 * of that, so that no two of them share a chunk, and with next to no compression it is as little work as can be.
 */
export const ROWS_PER_FILE = 160_000;
const MIN_BYTES = 26 * 1_048_576;

/** One file of orders in the form of gzip, its blocks stored as they are. */
export async function writeChunkFile(folder: string): Promise<string> {
  const plain = await generateOrders(folder, ROWS_PER_FILE);
  const file = `${plain}.gz`;
  await pipeline(createReadStream(plain), createGzip({ level: 0 }), createWriteStream(file));
  await rm(plain);
  const { size } = await stat(file);
  if (size >= MIN_BYTES) return file;
  throw new Error(`a file of ${size} bytes; expected at least ${MIN_BYTES}, for a chunk of its own`);
}

/** Puts the file into a folder under so many names: each of them is a chunk. */
export async function multiply(file: string, folder: string, times: number): Promise<void> {
  for (let index = 0; index < times; index++) {
    await link(file, path.join(folder, `${String(index).padStart(3, '0')}.csv.gz`));
  }
}
