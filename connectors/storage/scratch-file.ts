import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasErrnoCode } from '../../contracts/errors.ts';
import { storageError } from './errors.ts';
import type { Transfer } from './storage.ts';

/** Writes bytes as they come into a file in the scratch folder. */
export async function writeScratchFile(
  file: string,
  pieces: AsyncIterable<Uint8Array>,
  transfer: Transfer,
): Promise<void> {
  const { signal, onProgress } = transfer;
  const watched = async function* () {
    for await (const piece of pieces) {
      onProgress?.();
      yield piece;
    }
  };
  await onScratch(transfer, () => pipeline(Readable.from(watched()), createWriteStream(file), { signal }));
}

/** What the disk says when it is written to; an error with a path is a file's anyway, and none of a connection. */
const DISK_ERRORS = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO']);

/** The local disk's own refusals name the scratch folder, since that is what has to be larger or writable. */
export async function onScratch<T>({ scratchFolder }: Transfer, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (hasErrnoCode(error) && ('path' in error || DISK_ERRORS.has(error.code))) {
      throw storageError(error, 'writing temporary files in', scratchFolder);
    }
    throw error;
  }
}
