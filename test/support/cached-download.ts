import { access, mkdir, rename } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { preparing } from '../../worker/dev-server/binary-cache.ts';

/**
 * A folder of things that tests download once, in the user's cache: one that is there, or one that `download` fills now
 * while other processes wait for it. It appears whole or not at all.
 */
export async function cachedDownload(name: string, download: (folder: string) => Promise<void>): Promise<string> {
  const cache = path.join(process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'dativo', 'tests');
  const folder = path.join(cache, name);
  if (await exists(folder)) return folder;
  const waiting = () => process.stderr.write(`${name}: another process is downloading for the tests; waiting\n`);
  await preparing(cache, waiting, async (scratch) => {
    if (await exists(folder)) return;
    process.stderr.write(`${name}: downloading, once\n`);
    const unfinished = path.join(scratch, name);
    await mkdir(unfinished);
    await download(unfinished);
    await rename(unfinished, folder);
  });
  return folder;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
