import type { Storage } from '../storage/storage.ts';
import type { ManifestEntry, ManifestFile } from './manifest.ts';
import { ENTRY_STATUS, readManifest } from './manifest.ts';

/** An object store answers each request after a while, and several at once as fast as one. */
const READ_AHEAD = 8;

export interface ReadManifest {
  readonly manifest: ManifestFile;
  /** Without those of files that were gone when it was written. */
  readonly live: readonly ManifestEntry[];
}

/** The live entries of manifests one after the other, in their order. Fails with TABLE_NOT_OURS. */
export async function* readManifests(
  storage: Storage,
  manifests: readonly ManifestFile[],
): AsyncGenerator<ReadManifest> {
  const reading: Promise<ReadManifest>[] = [];
  const begin = (manifest: ManifestFile | undefined) => {
    if (manifest === undefined) return;
    const read = readLive(storage, manifest);
    // Whoever comes to it sees the failure; that it comes before its turn must not end the process.
    read.catch(() => {});
    reading.push(read);
  };
  for (const manifest of manifests.slice(0, READ_AHEAD)) begin(manifest);
  for (let index = READ_AHEAD; ; index += 1) {
    const next = reading.shift();
    if (next === undefined) return;
    yield await next;
    begin(manifests[index]);
  }
}

async function readLive(storage: Storage, manifest: ManifestFile): Promise<ReadManifest> {
  const entries = await readManifest(storage, manifest);
  return { manifest, live: entries.filter(({ status }) => status !== ENTRY_STATUS.deleted) };
}
