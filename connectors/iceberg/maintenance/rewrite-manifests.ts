import { PROPERTY_PREFIX } from '../../../contracts/ids.ts';
import type { Figures } from '../../../contracts/maintenance.ts';
import { addFigures, NO_FIGURES } from '../../../contracts/maintenance.ts';
import type { ManifestEntry, ManifestFile } from '../manifest.ts';
import { MANIFEST_CONTENT, readManifestList } from '../manifest.ts';
import { readManifests } from '../manifest-reader.ts';
import { ENTRIES_PER_MANIFEST } from '../manifest-writer.ts';
import { currentSnapshot } from '../metadata.ts';
import { partitionKey } from './compact-groups.ts';
import type { MaintainedTable } from './maintained-table.ts';
import { loadTable, moveTable } from './maintained-table.ts';
import type { ReplaceSnapshot } from './replace-snapshot.ts';
import { beginReplace, finishReplace } from './replace-snapshot.ts';

export interface ManifestRewrite {
  readonly before: Figures;
  readonly after: Figures;
}

/** Manifests with fewer entries than this share of a full one are worth to be put together … */
const SMALL = 0.5;
/** … when there are at least so many of them: each commit adds one, and few do no harm. */
const WORTHWHILE_MANIFESTS = 10;
/** Entries that are sorted at once. */
const SORTED_AT_ONCE = 10 * ENTRIES_PER_MANIFEST;

/**
 * Puts the entries of many small manifests into few, those of one partition side by side, so that a reader opens few
 * and can leave out those of other partitions. The files that they name stay as they are.
 */
export async function rewriteManifests(
  table: MaintainedTable,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<ManifestRewrite> {
  const { storage } = table;
  if (dryRun) {
    const snapshot = currentSnapshot((await loadTable(table)).metadata);
    const manifests = snapshot === undefined ? [] : await readManifestList(storage, snapshot['manifest-list']);
    return estimate(manifests, smallManifests(manifests));
  }
  const { result } = await moveTable<ManifestRewrite>(table, async (version, files) => {
    const { metadata } = version;
    const parent = currentSnapshot(metadata);
    const manifests = parent === undefined ? [] : await readManifestList(storage, parent['manifest-list']);
    const small = new Set(smallManifests(manifests));
    const before = figuresOf(manifests);
    if (small.size === 0) return { result: { before, after: before } };
    const snapshot = beginReplace(metadata, files);
    for (const manifest of manifests) if (!small.has(manifest)) snapshot.manifests.keep(manifest);
    const entries = await putTogether(table, snapshot, [...small]);
    const written = await snapshot.manifests.finish();
    const created = written.length - (manifests.length - small.size);
    const next = await finishReplace(version, snapshot, { added: [], removed: [] }, table.now(), {
      'manifests-created': String(created),
      'manifests-kept': String(manifests.length - small.size),
      'manifests-replaced': String(small.size),
      'entries-processed': String(entries),
      [`${PROPERTY_PREFIX}maintenance`]: 'rewrite_manifests',
      [`${PROPERTY_PREFIX}maintenance-run-id`]: table.runId,
    });
    return { result: { before, after: figuresOf(written) }, next };
  });
  return result;
}

/** Small manifests of one partition spec; empty where there are few of them, or they would not become fewer. */
function smallManifests(manifests: readonly ManifestFile[]): ManifestFile[] {
  const small = manifests.filter(
    (manifest) => manifest.content === MANIFEST_CONTENT.data && entriesOf(manifest) < SMALL * ENTRIES_PER_MANIFEST,
  );
  const bySpec = Map.groupBy(small, ({ partition_spec_id: spec }) => spec);
  return [...bySpec.values()].filter((same) => same.length >= WORTHWHILE_MANIFESTS).flat();
}

/** Sorted in portions, so that what is held in memory does not grow with the table; returns how many entries. */
async function putTogether(
  { storage, onProgress }: MaintainedTable,
  { manifests }: ReplaceSnapshot,
  small: readonly ManifestFile[],
): Promise<number> {
  let processed = 0;
  let portion: { manifest: ManifestFile; entry: ManifestEntry; key: string }[] = [];
  const write = async () => {
    portion.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    for (const { manifest, entry } of portion) await manifests.keepEntry(manifest, entry);
    processed += portion.length;
    portion = [];
  };
  for await (const { manifest, live } of readManifests(storage, small)) {
    for (const entry of live) {
      portion.push({ manifest, entry, key: partitionKey(manifest.partition_spec_id, entry.data_file) });
    }
    if (portion.length >= SORTED_AT_ONCE) await write();
    onProgress();
  }
  await write();
  return processed;
}

/** What would be there: as many entries need as many bytes, or fewer. */
function estimate(manifests: readonly ManifestFile[], small: readonly ManifestFile[]): ManifestRewrite {
  const before = figuresOf(manifests);
  if (small.length === 0) return { before, after: before };
  const bySpec = Map.groupBy(small, ({ partition_spec_id: spec }) => spec);
  const created = [...bySpec.values()].map((same) =>
    Math.ceil(same.reduce((sum, manifest) => sum + entriesOf(manifest), 0) / ENTRIES_PER_MANIFEST),
  );
  const files = before.files - small.length + created.reduce((sum, count) => sum + count, 0);
  return { before, after: { files, bytes: before.bytes } };
}

function entriesOf(manifest: ManifestFile): number {
  return manifest.added_files_count + manifest.existing_files_count;
}

function figuresOf(manifests: readonly ManifestFile[]): Figures {
  return manifests.reduce(
    (sum, { manifest_length: bytes }) => addFigures(sum, { files: 1, bytes: Number(bytes) }),
    NO_FIGURES,
  );
}
