import type { Storage } from '../storage/storage.ts';
import { checkpointFiles } from './checkpoint.ts';
import type { ManifestFile } from './manifest.ts';
import { readManifestList } from './manifest.ts';
import { readManifests } from './manifest-reader.ts';
import type { Snapshot, TableVersion } from './metadata.ts';
import { statisticsFiles } from './statistics-files.ts';

/**
 * The URI of every file that a table refers to, some of them more than once. `first` names snapshots to begin with, for
 * those who stop when they have found what they look for.
 */
export async function* references(
  storage: Storage,
  { metadata, location }: TableVersion,
  first: (snapshot: Snapshot) => boolean = () => false,
): AsyncGenerator<string> {
  yield location;
  yield* metadata['metadata-log'].map((entry) => entry['metadata-file']);
  yield* checkpointFiles(metadata);
  yield* statisticsFiles(metadata);
  const preferred = metadata.snapshots.filter(first);
  const others = metadata.snapshots.filter((snapshot) => !preferred.includes(snapshot));
  const seen = new Set<string>();
  for (const snapshot of [...preferred, ...others]) {
    yield snapshot['manifest-list'];
    const unseen: ManifestFile[] = [];
    for (const manifest of await readManifestList(storage, snapshot['manifest-list'])) {
      if (seen.has(manifest.manifest_path)) continue;
      seen.add(manifest.manifest_path);
      yield manifest.manifest_path;
      unseen.push(manifest);
    }
    for await (const { live } of readManifests(storage, unseen)) yield* live.map((entry) => entry.data_file.file_path);
  }
}
