import { createHash } from 'node:crypto';
import { glob, open, stat } from 'node:fs/promises';
import path from 'node:path';
import type { DativoError } from '../../contracts/errors.ts';
import { fail, hasErrnoCode } from '../../contracts/errors.ts';

/** A file as the file system, object store or web server lists it. */
export interface FoundFile {
  /** Absolute path or address, without secrets. */
  readonly path: string;
  readonly bytes: number;
  readonly mtimeMs: number;
  /** What tells this content from any other, where the listing says it: then size and time tell nothing more. */
  readonly digest?: string | undefined;
}

/** A source file as it was when it was looked into. */
export interface SourceFile extends FoundFile {
  /** On this machine SHA-256 over samples of the content, see `digestOf`. */
  readonly digest: string;
}

export const GLOB_CHARACTERS = /[*?[\]{}!]/;

/**
 * The files on this machine that a path or glob names; none if there is none. None is opened. A path that exists is
 * taken as it is, even when it looks like a glob. Errors: SOURCE_UNREADABLE.
 */
export async function findLocal(pattern: string): Promise<FoundFile[]> {
  const file = await lookUp(pattern);
  return file === undefined ? expand(pattern) : [file];
}

async function expand(pattern: string): Promise<FoundFile[]> {
  if (!GLOB_CHARACTERS.test(pattern)) return [];
  const names: string[] = [];
  for await (const name of glob(pattern)) names.push(name);
  const matches = await inBatches(names, lookUp);
  return matches.filter((match) => match !== undefined);
}

/** Undefined for what is no file. */
async function lookUp(name: string): Promise<FoundFile | undefined> {
  try {
    const found = await stat(name);
    return found.isFile() ? { path: path.resolve(name), bytes: found.size, mtimeMs: found.mtimeMs } : undefined;
  } catch (error) {
    if (hasErrnoCode(error) && ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EINVAL'].includes(error.code)) return undefined;
    throw unreadable(name, error);
  }
}

const BATCH = 16;

/** Work on many files, some of them at a time; results in their order. */
export async function inBatches<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += BATCH) {
    results.push(...(await Promise.all(items.slice(start, start + BATCH).map(work))));
  }
  return results;
}

export function notFound(pattern: string): DativoError {
  return fail('SOURCE_NOT_FOUND', {
    received: `no file at ${pattern}`,
    expected: 'a file, or a glob that matches at least one',
    next: 'check source.path; it is relative to the folder of the job file',
  });
}

/** An error of the file system as one that names the file; other errors pass unchanged. */
export function unreadable(name: string, error: unknown): unknown {
  if (!hasErrnoCode(error)) return error;
  if (error.code === 'ENOENT') return notFound(name);
  const corrupt =
    error.code.startsWith('Z_') || error.code.startsWith('ZSTD_') || error.code === 'ERR_BUFFER_TOO_LARGE';
  return fail('SOURCE_UNREADABLE', {
    received: corrupt
      ? `${name}, whose compressed data is damaged or cut short`
      : `${name}, which cannot be opened (${error.code})`,
    expected: corrupt ? 'a complete gzip or zstd file' : 'a file that the user of the worker may read',
    next: corrupt ? 'copy or create the file again' : 'check the rights of the file and of its folders',
  });
}

/** Errors: SOURCE_UNREADABLE, SOURCE_NOT_FOUND. */
export async function requireReadable({ path: name }: FoundFile): Promise<void> {
  try {
    await (await open(name)).close();
  } catch (error) {
    throw unreadable(name, error);
  }
}

const EDGE_BYTES = 65_536;
const SAMPLE_BYTES = 4096;
const SAMPLES = 16;
/** Up to this size a digest covers every byte of a file. */
export const WHOLE_DIGEST_BYTES = 2 * EDGE_BYTES + SAMPLES * SAMPLE_BYTES;

/**
 * SHA-256 over the first and the last 64 KiB and 16 samples of 4 KiB spread evenly between them; over the whole of a
 * file that is not larger. Reads at most 192 KiB of any file. Errors: SOURCE_UNREADABLE, SOURCE_NOT_FOUND.
 */
export async function digestOf({ path: name, bytes: size }: FoundFile): Promise<string> {
  const hash = createHash('sha256');
  try {
    await using handle = await open(name);
    for (const [start, length] of sampledRanges(size)) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, start);
      hash.update(buffer.subarray(0, bytesRead));
    }
  } catch (error) {
    throw unreadable(name, error);
  }
  return hash.digest('hex').slice(0, 32);
}

function sampledRanges(size: number): (readonly [start: number, length: number])[] {
  if (size <= WHOLE_DIGEST_BYTES) return [[0, size]];
  const step = Math.floor((size - 2 * EDGE_BYTES) / SAMPLES);
  const samples = Array.from({ length: SAMPLES }, (_, index) => [EDGE_BYTES + index * step, SAMPLE_BYTES] as const);
  return [[0, EDGE_BYTES], ...samples, [size - EDGE_BYTES, EDGE_BYTES]];
}

/** Fails with SOURCE_CHANGED when a file is no longer what it was. */
export async function requireUnchanged(file: FoundFile): Promise<void> {
  const now = await stat(file.path).catch(() => undefined);
  if (now?.size === file.bytes && now.mtimeMs === file.mtimeMs) return;
  throw changed(file.path, now === undefined ? 'disappeared' : 'changed');
}

export function changed(name: string, how: 'changed' | 'disappeared'): DativoError {
  return fail('SOURCE_CHANGED', {
    received: `${name}, which ${how} after the run was planned`,
    expected: 'files that stay as they are while a run reads them',
    next: 'run again when the file is complete; write new files under another name and rename them',
  });
}
