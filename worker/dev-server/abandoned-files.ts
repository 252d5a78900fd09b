import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { isAlive } from '../process-alive.ts';

/** Folders and files on their way into the cache end like this, so that whoever finds one knows whose it is. */
export function unfinishedName(name: string): string {
  return `${name}.${process.pid}.partial`;
}

const UNFINISHED = /\.(\d+)\.partial$/;

/**
 * Removes what processes that are gone left unfinished in the folder. Elsewhere on a shared disk such a process may
 * still be at work: then it finds its file gone and begins again.
 */
export async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    const pid = Number(UNFINISHED.exec(name)?.[1]);
    if (!Number.isNaN(pid) && !isAlive(pid)) await rm(path.join(folder, name), { recursive: true, force: true });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    // Not there yet, or not ours to read: then nothing in it is ours to remove.
    return [];
  }
}
