import { randomUUID } from 'node:crypto';
import { constants, promises as fs } from 'node:fs';
import path from 'node:path';
import { hasErrnoCode } from '../../contracts/errors.ts';
import { storageError, unserved } from './errors.ts';
import type { StagingFolder, Storage, StoredFile } from './storage.ts';

const SCHEME = 'file://';

/** The URI of a path on this machine. */
export function localUri(localPath: string): string {
  return `${SCHEME}${path.resolve(localPath)}`;
}

/** The path of a URI on this machine. Throws NOT_AVAILABLE_YET for one of another kind. */
export function localPath(uri: string): string {
  // Java writes `file:/path`, everyone else `file:///path`, PyIceberg at times the bare path.
  const path = uri.replace(/^file:(?:\/\/)?(?=\/)/, '');
  if (path.startsWith('/')) return path;
  throw unserved(uri);
}

/** A folder on a local disk, or one mounted so that hard links and rename work as on a local disk. */
export class LocalStorage implements Storage {
  nameOf(uri: string): string {
    return localPath(uri);
  }

  async read(uri: string): Promise<Buffer | undefined> {
    const file = localPath(uri);
    return withoutAbsent(file, 'reading', () => fs.readFile(file));
  }

  async writeIfAbsent(uri: string, content: Buffer | string): Promise<boolean> {
    const file = localPath(uri);
    return translating(file, 'writing', () =>
      throughTemporary(file, content, async (temporary) => {
        // A hard link appears whole under its name and, unlike rename, never replaces what is there.
        try {
          await fs.link(temporary, file);
          return true;
        } catch (error) {
          if (hasErrnoCode(error) && error.code === 'EEXIST') return false;
          throw error;
        } finally {
          await fs.rm(temporary, { force: true });
        }
      }),
    );
  }

  async replace(uri: string, content: Buffer | string): Promise<void> {
    const file = localPath(uri);
    await translating(file, 'writing', () =>
      throughTemporary(file, content, (temporary) => fs.rename(temporary, file)),
    );
  }

  async list(folder: string, wanted: (name: string) => boolean = () => true): Promise<StoredFile[]> {
    const root = localPath(folder);
    const found = await withoutAbsent(root, 'listing', async () => {
      const entries = await fs.readdir(root, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile() && wanted(entry.name));
      return Promise.all(files.map((entry) => describe(path.join(entry.parentPath, entry.name))));
    });
    return (found ?? []).filter((file) => file !== undefined);
  }

  async remove(uris: string | readonly string[], within?: string): Promise<void> {
    for (const uri of [uris].flat()) {
      const file = localPath(uri);
      await translating(file, 'removing', () => fs.rm(file, { force: true }));
      if (within === undefined) continue;
      const stop = path.resolve(localPath(within));
      let folder = path.dirname(file);
      while (folder.startsWith(`${stop}${path.sep}`) && (await removedEmpty(folder))) folder = path.dirname(folder);
    }
  }

  /** Whoever lists the folder sees half-written files too, under names of their own. */
  async removeUnfinished(): Promise<void> {}

  async size(uri: string): Promise<number | undefined> {
    const file = localPath(uri);
    return withoutAbsent(file, 'reading', async () => (await fs.stat(file)).size);
  }

  /** The folder itself: files are written where they stay. */
  async stage(uri: string): Promise<StagingFolder> {
    const folder = localPath(uri);
    await translating(folder, 'creating', () => fs.mkdir(folder, { recursive: true }));
    return { path: folder, finish: (names) => translating(folder, 'writing', () => keepOnly(folder, new Set(names))) };
  }

  async localise(uris: readonly string[]): Promise<string[]> {
    return uris.map(localPath);
  }
}

/** Makes the wanted files of a folder durable and removes the others. */
async function keepOnly(folder: string, wanted: ReadonlySet<string>): Promise<void> {
  for (const entry of await fs.readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    if (wanted.has(path.relative(folder, file))) await synced(file, constants.O_RDWR, async () => undefined);
    else await fs.rm(file);
  }
  if (wanted.size === 0) await removedEmpty(folder);
}

/** Writes beside the target and hands over a durable file to be moved into place. */
async function throughTemporary<T>(
  file: string,
  content: Buffer | string,
  place: (temporary: string) => Promise<T>,
): Promise<T> {
  const folder = path.dirname(file);
  await fs.mkdir(folder, { recursive: true });
  const temporary = path.join(folder, `.${path.basename(file)}.${randomUUID()}.tmp`);
  try {
    await synced(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, (handle) =>
      handle.writeFile(content),
    );
    const placed = await place(temporary);
    // The name itself is only durable once its folder is.
    await synced(folder, constants.O_RDONLY, async () => undefined);
    return placed;
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}

async function synced(file: string, flags: number, work: (handle: fs.FileHandle) => Promise<void>): Promise<void> {
  const handle = await fs.open(file, flags);
  try {
    await work(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function describe(file: string): Promise<StoredFile | undefined> {
  const stat = await withoutAbsent(file, 'reading', () => fs.stat(file));
  return stat === undefined ? undefined : { uri: localUri(file), bytes: stat.size, modifiedMs: stat.mtimeMs };
}

async function removedEmpty(folder: string): Promise<boolean> {
  try {
    await fs.rmdir(folder);
    return true;
  } catch {
    // Not empty, or gone: either way nothing more to tidy.
    return false;
  }
}

async function withoutAbsent<T>(file: string, action: string, work: () => Promise<T>): Promise<T | undefined> {
  return translating(file, action, async () => {
    try {
      return await work();
    } catch (error) {
      if (hasErrnoCode(error) && error.code === 'ENOENT') return undefined;
      throw error;
    }
  });
}

async function translating<T>(file: string, action: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error, action, file);
  }
}
