import type { Storage } from '../storage/storage.ts';
import type { DataFile, ManifestEntry, ManifestFile } from './manifest.ts';
import { readManifestList } from './manifest.ts';
import { readManifests } from './manifest-reader.ts';
import type { ManifestWriter } from './manifest-writer.ts';
import type { Snapshot } from './metadata.ts';

/** Whether a file of the parent snapshot is gone in the new one. */
export type Gone = (file: DataFile, manifest: ManifestFile, entry: ManifestEntry) => boolean;

/**
 * Takes the files of the parent snapshot over into a new one, but for those that are gone, which are returned. A
 * manifest none of whose files is gone stays as it is; `gone` undefined: no file is. Manifests that cannot hold one that
 * is need not be read.
 */
export async function takeOver(
  storage: Storage,
  manifests: ManifestWriter,
  parent: Snapshot | undefined,
  gone: Gone | undefined,
  mayHold: (manifest: ManifestFile) => boolean = () => true,
): Promise<DataFile[]> {
  const earlier = parent === undefined ? [] : await readManifestList(storage, parent['manifest-list']);
  // A manifest of nothing but deleted entries has done its work in the snapshot that wrote it.
  const alive = earlier.filter((manifest) => manifest.added_files_count + manifest.existing_files_count > 0);
  const isTouched = (manifest: ManifestFile) => gone !== undefined && mayHold(manifest);
  for (const manifest of alive) if (!isTouched(manifest)) manifests.keep(manifest);
  if (gone === undefined) return [];
  const removed: DataFile[] = [];
  for await (const { manifest, live } of readManifests(storage, alive.filter(isTouched))) {
    const dropped = new Set(live.filter((entry) => gone(entry.data_file, manifest, entry)));
    if (live.length > 0 && dropped.size === 0) {
      manifests.keep(manifest);
      continue;
    }
    for (const entry of live) {
      if (!dropped.has(entry)) await manifests.keepEntry(manifest, entry);
      else {
        removed.push(entry.data_file);
        await manifests.dropEntry(manifest, entry);
      }
    }
  }
  return removed;
}
