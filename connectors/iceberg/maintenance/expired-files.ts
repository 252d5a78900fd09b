import type { Figures } from '../../../contracts/maintenance.ts';
import { addFigures, NO_FIGURES } from '../../../contracts/maintenance.ts';
import { mapBounded } from '../../bounded.ts';
import type { Storage } from '../../storage/storage.ts';
import { checkpointFiles } from '../checkpoint.ts';
import { dataFolder, metadataFolder } from '../commit-files.ts';
import type { ManifestFile } from '../manifest.ts';
import { ENTRY_STATUS, readManifest, readManifestList } from '../manifest.ts';
import { readManifests } from '../manifest-reader.ts';
import type { Snapshot, TableMetadata } from '../metadata.ts';
import { statisticsFiles } from '../statistics-files.ts';
import type { JournalledSnapshot } from './expiry-journal.ts';
import type { MaintainedTable } from './maintained-table.ts';
import { isBelow } from './table-folder.ts';

interface SizedFile {
  readonly uri: string;
  readonly bytes: number;
}

/** The files that only expired snapshots lead to, in the order in which they may be removed, and what stays. */
export interface ExpiredFiles {
  readonly data: readonly SizedFile[];
  readonly manifests: readonly SizedFile[];
  /** Manifest lists, and what else a snapshot has beside it. */
  readonly lists: readonly SizedFile[];
  /** Files of the same kinds that other snapshots lead to. */
  readonly kept: Figures;
  /** Files that only expired snapshots lead to, but that lie outside of the table's folder: not ours to remove. */
  readonly foreign: number;
}

const AT_ONCE = 8;

/**
 * Compares the expired snapshots with those that `metadata` has, file by file. An expired snapshot whose files are gone
 * in part, because somebody was stopped or is at it, gives what is left of it; of the others everything must be there,
 * else nothing is known and this fails with TABLE_NOT_OURS. Holds the name of every file in memory.
 */
export async function filesOfExpired(
  table: Pick<MaintainedTable, 'storage' | 'onProgress'>,
  expired: readonly JournalledSnapshot[],
  metadata: TableMetadata,
): Promise<ExpiredFiles> {
  const { storage, onProgress } = table;
  const kept = await keptManifests(storage, metadata.snapshots, onProgress);
  const lists = await sizesOf(
    storage,
    expired.map(({ manifestList }) => manifestList),
  );
  const manifests = new Map<string, ManifestFile>();
  await mapBounded(lists, AT_ONCE, async ({ uri }) => {
    for (const manifest of await unlessGone(storage, uri, () => readManifestList(storage, uri))) {
      if (!kept.manifests.has(manifest.manifest_path)) manifests.set(manifest.manifest_path, manifest);
    }
    onProgress();
  });
  const left = await sizesOf(storage, [...manifests.keys()]);

  const data = new Map<string, SizedFile>();
  await mapBounded(left, AT_ONCE, async ({ uri }) => {
    const manifest = manifests.get(uri);
    if (manifest === undefined) return;
    for (const { status, data_file: file } of await unlessGone(storage, uri, () => readManifest(storage, manifest))) {
      if (status === ENTRY_STATUS.deleted) continue;
      data.set(storage.nameOf(file.file_path), { uri: file.file_path, bytes: Number(file.file_size_in_bytes) });
    }
    onProgress();
  });
  const counted = new Set<string>();
  let sum = kept.figures;
  for await (const { live } of readManifests(storage, [...kept.manifests.values()])) {
    for (const { data_file: file } of live) {
      const name = storage.nameOf(file.file_path);
      data.delete(name);
      if (counted.has(name)) continue;
      counted.add(name);
      sum = addFigures(sum, { files: 1, bytes: Number(file.file_size_in_bytes) });
    }
    onProgress();
  }
  const stillNeeded = new Set([...checkpointFiles(metadata), ...statisticsFiles(metadata)]);
  const beside = expired.flatMap((snapshot) => snapshot.beside).filter((uri) => !stillNeeded.has(uri));
  const own = [dataFolder, metadataFolder].map((folder) => isBelow(storage, folder(metadata.location)));
  const isOwn = ({ uri }: SizedFile) => own.some((isIn) => isIn(uri));
  const found = [...data.values()];
  return {
    data: found.filter(isOwn),
    manifests: left.filter(isOwn),
    lists: [...lists, ...(await sizesOf(storage, beside))].filter(isOwn),
    kept: sum,
    foreign: found.filter((file) => !isOwn(file)).length,
  };
}

async function keptManifests(storage: Storage, snapshots: readonly Snapshot[], onProgress: () => void) {
  const manifests = new Map<string, ManifestFile>();
  let figures: Figures = NO_FIGURES;
  await mapBounded(snapshots, AT_ONCE, async (snapshot) => {
    const uri = snapshot['manifest-list'];
    for (const manifest of await readManifestList(storage, uri)) manifests.set(manifest.manifest_path, manifest);
    figures = addFigures(figures, { files: 1, bytes: (await storage.size(uri)) ?? 0 });
    onProgress();
  });
  for (const { manifest_length: bytes } of manifests.values()) {
    figures = addFigures(figures, { files: 1, bytes: Number(bytes) });
  }
  return { manifests, figures };
}

/** Another maintenance may remove the same files at the same time. */
async function unlessGone<T>(storage: Storage, uri: string, read: () => Promise<T[]>): Promise<T[]> {
  try {
    return await read();
  } catch (error) {
    if ((await storage.size(uri)) === undefined) return [];
    throw error;
  }
}

/** Those that are there, each once. */
async function sizesOf(storage: Storage, uris: readonly string[]): Promise<SizedFile[]> {
  const sizes = await mapBounded([...new Set(uris)], AT_ONCE, async (uri) => {
    const bytes = await storage.size(uri);
    return bytes === undefined ? [] : [{ uri, bytes }];
  });
  return sizes.flat();
}
