import type { SweepResult, TableName } from '../sink.ts';
import type { Storage, StoredFile } from '../storage/storage.ts';
import { inFolder } from '../storage/storage.ts';
import type { Catalog } from './catalog.ts';
import { loadOrAnnounce } from './catalog.ts';
import { dataFolder, metadataFolder } from './commit-files.ts';
import { isOfRun } from './commit-names.ts';
import { fence } from './fence.ts';
import type { Snapshot, TableVersion } from './metadata.ts';
import { references } from './references.ts';
import { committedRun, RUN_ID } from './run-record.ts';
import { isSweepMark, sweepMark } from './sweep-mark.ts';

export interface SweepDependencies {
  readonly storage: Storage;
  /** Undefined for a lake without a catalog: nothing refers to anything then. */
  readonly catalog: Catalog | undefined;
  /** URI of the folder of a table that the catalog does not know. */
  locationOf(name: TableName): string;
}

/**
 * Removes the files of a run that its table does not refer to: staged data of attempts that lost or of a run that will
 * never commit, and metadata of commits that lost. Where a commit of the run may still be on its way it is stopped
 * first, so that it fails rather than refer to what is gone (see `sweep-mark.ts`).
 */
export async function sweepRun(
  deps: SweepDependencies,
  runId: string,
  names: readonly TableName[],
): Promise<SweepResult> {
  const results = [];
  for (const name of names) results.push(await sweepTable(deps, runId, name));
  return {
    files: results.reduce((sum, result) => sum + result.files, 0),
    bytes: results.reduce((sum, result) => sum + result.bytes, 0),
  };
}

async function sweepTable(deps: SweepDependencies, runId: string, name: TableName): Promise<SweepResult> {
  const { storage, catalog } = deps;
  const first = catalog && (await loadOrAnnounce(catalog, name, deps.locationOf(name)));
  const location = first?.metadata.location ?? deps.locationOf(name);
  await storage.removeUnfinished(inFolder(dataFolder(location), runId));
  // Listed before the table is loaded for good: what is staged after this is not this sweep's to remove.
  const listed = await filesOfRun(storage, location, runId);
  const left = new Map(listed.filter(({ uri }) => !isSweepMark(uri)).map((file) => [storage.nameOf(file.uri), file]));
  const mark = sweepMark(location, runId);
  let version = left.size === 0 ? undefined : await catalog?.load(name);
  if (left.size > 0 && catalog !== undefined && !isCommitted(version, runId, name)) {
    await storage.replace(mark, '');
    if (catalog.settle !== undefined) await catalog.settle([name]);
    // A commit writes metadata before it looks for the mark; one that has written none will see it.
    else if ((await metadataOfRun(storage, location, runId)).length > 0) await fence(storage, catalog, name, runId);
    version = await catalog.load(name);
  }
  // Which of its files a commit refers to, only its snapshot tells, and that one may have expired.
  if (isCommitted(version, runId, name) && !version?.metadata.snapshots.some(isOwn(runId))) left.clear();
  if (version !== undefined) {
    for await (const uri of references(storage, version, isOwn(runId))) {
      left.delete(storage.nameOf(uri));
      // Most runs leave nothing behind, and then the manifests of all other runs need not be read.
      if (left.size === 0) break;
    }
  }
  const orphans = [...left.values()];
  const uris = orphans.map(({ uri }) => uri);
  await storage.remove(uris, location);
  await storage.remove(mark, location);
  return { files: orphans.length, bytes: orphans.reduce((sum, file) => sum + file.bytes, 0) };
}

const isOwn =
  (runId: string) =>
  ({ summary }: Snapshot) =>
    summary[RUN_ID] === runId;

/** A run that stands in the table commits no more: each of its commits looks for it there first. */
function isCommitted(version: TableVersion | undefined, runId: string, name: TableName): boolean {
  return version !== undefined && committedRun(version.metadata, runId, name) !== undefined;
}

async function filesOfRun(storage: Storage, location: string, runId: string): Promise<StoredFile[]> {
  const [data, metadata] = await Promise.all([
    storage.list(inFolder(dataFolder(location), runId)),
    metadataOfRun(storage, location, runId),
  ]);
  return [...data, ...metadata];
}

async function metadataOfRun(storage: Storage, location: string, runId: string): Promise<StoredFile[]> {
  return storage.list(metadataFolder(location), (name) => isOfRun(name, runId));
}
