import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { glob, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { fail, hasErrnoCode } from '../../contracts/errors.ts';

/** A source file as it was when it was looked at. */
export interface SourceFile {
  readonly path: string;
  readonly bytes: number;
  readonly mtimeMs: number;
  /** SHA-256 over samples of the content, see `fileDigest`. */
  readonly digest: string;
}

const GLOB_CHARACTERS = /[*?[\]{}!]/;

/**
 * The files that paths and globs name, each once, sorted by code unit so that every run sees one order.
 * A path that exists is taken as it is, even when it looks like a glob. Errors: SOURCE_NOT_FOUND.
 */
export async function findFiles(patterns: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    const matches = (await isFile(pattern)) ? [pattern] : await expand(pattern);
    if (matches.length === 0) throw notFound(pattern);
    for (const match of matches) found.add(path.resolve(match));
  }
  return [...found].sort((a, b) => (a < b ? -1 : 1));
}

async function expand(pattern: string): Promise<string[]> {
  const matches: string[] = [];
  if (!GLOB_CHARACTERS.test(pattern)) return matches;
  for await (const match of glob(pattern)) if (await isFile(match)) matches.push(match);
  return matches;
}

async function isFile(name: string): Promise<boolean> {
  try {
    return (await stat(name)).isFile();
  } catch (error) {
    if (hasErrnoCode(error) && ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EINVAL'].includes(error.code)) return false;
    throw unreadable(name, error);
  }
}

function notFound(pattern: string) {
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

/** Size, time and digest of a file now. Errors: SOURCE_UNREADABLE, SOURCE_NOT_FOUND. */
export async function inspectFile(name: string): Promise<SourceFile> {
  try {
    await using handle = await open(name);
    const { size, mtimeMs } = await handle.stat();
    return { path: name, bytes: size, mtimeMs, digest: await fileDigest(handle, size) };
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
 * file that is not larger. Reads at most 192 KiB of any file.
 */
async function fileDigest(handle: FileHandle, size: number): Promise<string> {
  const hash = createHash('sha256');
  const add = async (start: number, length: number) => {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, start);
    hash.update(buffer.subarray(0, bytesRead));
  };
  if (size <= WHOLE_DIGEST_BYTES) await add(0, size);
  else {
    await add(0, EDGE_BYTES);
    const step = Math.floor((size - 2 * EDGE_BYTES) / SAMPLES);
    for (let sample = 0; sample < SAMPLES; sample++) await add(EDGE_BYTES + sample * step, SAMPLE_BYTES);
    await add(size - EDGE_BYTES, EDGE_BYTES);
  }
  return hash.digest('hex').slice(0, 32);
}

/** Fails with SOURCE_CHANGED when a file is no longer what it was. */
export async function requireUnchanged(file: SourceFile): Promise<void> {
  const now = await stat(file.path).catch(() => undefined);
  if (now?.size === file.bytes && now.mtimeMs === file.mtimeMs) return;
  throw fail('SOURCE_CHANGED', {
    received: `${file.path}, which ${now === undefined ? 'disappeared' : 'changed'} after the run was planned`,
    expected: 'files that stay as they are while a run reads them',
    next: 'run again when the file is complete; write new files under another name and rename them',
  });
}
