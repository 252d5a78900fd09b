import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { hasErrnoCode } from '../contracts/errors.ts';
import { isAlive } from './process-alive.ts';

const PREFIX = 'work-';

/** Where temporary files of this user's workers go; on a local disk. */
function scratchRoot(): string {
  return path.join(os.tmpdir(), `dativo-${os.userInfo().uid}`, 'scratch');
}

/** A fresh folder that carries the process's id, so that a later process can tell whether it is still in use. */
export async function openScratchFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  await mkdir(scratchRoot(), { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(path.join(scratchRoot(), `${PREFIX}${process.pid}-`));
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** Removes the folders of processes that ended without doing so themselves. */
export async function removeAbandonedScratch(): Promise<void> {
  const names = await readdir(scratchRoot()).catch((error: unknown) => {
    if (hasErrnoCode(error) && error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    const pid = Number(new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]);
    if (Number.isInteger(pid) && !isAlive(pid))
      await rm(path.join(scratchRoot(), name), { recursive: true, force: true });
  }
}
