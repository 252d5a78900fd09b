import type { SweepResult, TableName } from '../sink.ts';
import type { Storage, StoredFile } from '../storage/storage.ts';
import { inFolder } from '../storage/storage.ts';
import { checkpointFiles } from './checkpoint.ts';
import { dataFolder, metadataFolder } from './commit-files.ts';
import { isOfRun } from './commit-names.ts';
import { loadTable } from './load.ts';
import { ENTRY_STATUS, readManifest, readManifestList } from './manifest.ts';
import type { Snapshot, TableVersion } from './metadata.ts';
import { RUN_ID } from './run-record.ts';
import type { SqliteCatalog } from './sqlite-catalog.ts';

export interface SweepDependencies {
  readonly storage: Storage;
  /** Undefined for a lake without a catalog: nothing refers to anything then. */
  readonly catalog: SqliteCatalog | undefined;
  /** URI of the folder of a table that the catalog does not know. */
  locationOf(name: TableName): string;
}

/**
 * Removes the files of a run that its table does not refer to: staged data of attempts that lost or of a run that will
 * never commit, and metadata of commits that lost. It holds the catalog's lock from looking at the tables to removing
 * the last file, and a commit looks for its files under the same lock; so a commit that was stopped before the sweep
 * and goes on after it fails instead of referring to what is gone.
 */
export async function sweepRun(
  deps: SweepDependencies,
  runId: string,
  names: readonly TableName[],
): Promise<SweepResult> {
  const sweepAll = async () => {
    const results = [];
    for (const name of names) results.push(await sweepTable(deps, runId, name));
    return {
      files: results.reduce((sum, result) => sum + result.files, 0),
      bytes: results.reduce((sum, result) => sum + result.bytes, 0),
    };
  };
  return deps.catalog === undefined ? sweepAll() : deps.catalog.exclusively(sweepAll);
}

async function sweepTable(deps: SweepDependencies, runId: string, name: TableName): Promise<SweepResult> {
  const { storage, catalog } = deps;
  const version = await loadTable(catalog, storage, name);
  const location = version?.metadata.location ?? deps.locationOf(name);
  const left = new Map(
    (await filesOfRun(storage, location, runId)).map((file) => [storage.toLocalPath(file.uri), file]),
  );
  for await (const uri of references(storage, version, runId)) {
    left.delete(storage.toLocalPath(uri));
    // Most runs leave nothing behind, and then the manifests of all other runs need not be read.
    if (left.size === 0) break;
  }
  for (const file of left.values()) await storage.remove(file.uri, location);
  return { files: left.size, bytes: [...left.values()].reduce((sum, file) => sum + file.bytes, 0) };
}

async function filesOfRun(storage: Storage, location: string, runId: string): Promise<StoredFile[]> {
  const [data, metadata] = await Promise.all([
    storage.list(inFolder(dataFolder(location), runId)),
    storage.list(metadataFolder(location), (name) => isOfRun(name, runId)),
  ]);
  return [...data, ...metadata];
}

/** Every file that the table refers to, those of the run's own snapshots first. */
async function* references(storage: Storage, version: TableVersion | undefined, runId: string): AsyncGenerator<string> {
  if (version === undefined) return;
  const { metadata, location } = version;
  yield location;
  yield* metadata['metadata-log'].map((entry) => entry['metadata-file']);
  yield* checkpointFiles(metadata);
  const isOwn = (snapshot: Snapshot) => snapshot.summary[RUN_ID] === runId;
  const own = metadata.snapshots.filter(isOwn);
  const others = metadata.snapshots.filter((snapshot) => !isOwn(snapshot));
  const seen = new Set<string>();
  for (const snapshot of [...own, ...others]) {
    yield snapshot['manifest-list'];
    for (const manifest of await readManifestList(storage, snapshot['manifest-list'])) {
      if (seen.has(manifest.manifest_path)) continue;
      seen.add(manifest.manifest_path);
      yield manifest.manifest_path;
      const entries = await readManifest(storage, manifest);
      yield* entries.filter((e) => e.status !== ENTRY_STATUS.deleted).map((entry) => entry.data_file.file_path);
    }
  }
}
