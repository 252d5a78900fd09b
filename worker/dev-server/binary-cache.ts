import { createReadStream, createWriteStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { access, chmod, constants, mkdir, open, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createZstdCompress, createZstdDecompress, constants as zlib } from 'node:zlib';
import { removeAbandoned, unfinishedName } from './abandoned-files.ts';
import { tryLock } from './exclusive-lock.ts';

/** Level 3 makes 35 MB of 213 in about a second; level 9 saves four more and takes seven. */
const LEVEL = 3;
const BUFFER = 1 << 20;

/**
 * Server binaries in the user's cache folder: as they run, and beside that compressed, which is what is worth keeping
 * between machines. Unpacking takes about half a second, so it is done only when the unpacked one is gone.
 */
export function serverCacheFolder(env: NodeJS.ProcessEnv): string {
  return path.join(env['XDG_CACHE_HOME'] || path.join(env['HOME'] ?? os.homedir(), '.cache'), 'dativo', 'temporal');
}

/** Path of the cached binary of that name, unpacked if need be; undefined when there is none that can be used. */
export async function findCached(folder: string, name: string): Promise<string | undefined> {
  const { binary, packed } = cacheFiles(folder, name);
  if (await isExecutable(binary)) return binary;
  const source = await openIfThere(packed);
  if (!source) return undefined;
  const temporary = unfinishedName(binary);
  try {
    await pipeline(
      source.createReadStream({ highWaterMark: BUFFER }),
      createZstdDecompress({ chunkSize: BUFFER }),
      createWriteStream(temporary, { highWaterMark: BUFFER, mode: 0o755 }),
    );
    await rename(temporary, binary);
    return binary;
  } catch {
    // Damaged: then it is as if there were none, and it is made again.
    await rm(temporary, { force: true });
    return undefined;
  }
}

/** Opened before anything is written: a stream that fails at once would leave the other one's file behind, empty. */
async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file);
  } catch {
    return undefined;
  }
}

/** Moves a new binary into the cache, and returns where it now is. A reader never sees a part of it. */
export async function addToCache(folder: string, name: string, file: string): Promise<string> {
  const { binary, packed } = cacheFiles(folder, name);
  await chmod(file, 0o755);
  const temporary = unfinishedName(packed);
  await pipeline(
    createReadStream(file, { highWaterMark: BUFFER }),
    createZstdCompress({ params: { [zlib.ZSTD_c_compressionLevel]: LEVEL } }),
    createWriteStream(temporary),
  );
  await rename(temporary, packed);
  await rename(file, binary);
  return binary;
}

/**
 * Runs `work` while no other process prepares a binary in this cache, with a folder of its own that is removed
 * afterwards. `waiting` is called once when another one is at it.
 */
export async function preparing<T>(
  folder: string,
  waiting: () => void,
  work: (scratch: string) => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true });
  const lockFile = path.join(folder, 'prepare.lock');
  let lock = tryLock(lockFile);
  if (!lock) waiting();
  while (!lock) {
    await sleep(250);
    lock = tryLock(lockFile);
  }
  const scratch = path.join(folder, unfinishedName('preparing'));
  try {
    await removeAbandoned(folder);
    // A process of the same id may have been killed here before, for ids begin anew with each container.
    await rm(scratch, { recursive: true, force: true });
    await mkdir(scratch);
    return await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
    lock.release();
  }
}

function cacheFiles(folder: string, name: string): { binary: string; packed: string } {
  const binary = path.join(folder, `temporal-${name}-${process.platform}-${process.arch}`);
  return { binary, packed: `${binary}.zst` };
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
