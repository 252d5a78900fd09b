import { PROPERTY_PREFIX } from '../../../contracts/ids.ts';
import type { CompactionCommitted, Figures } from '../../../contracts/maintenance.ts';
import { addFigures, NO_FIGURES } from '../../../contracts/maintenance.ts';
import type { CommitFiles } from '../commit-files.ts';
import { leavesOf, toDataFile } from '../data-file.ts';
import type { DataFile, ManifestFile } from '../manifest.ts';
import { CONTENT, readManifestList } from '../manifest.ts';
import { readManifests } from '../manifest-reader.ts';
import type { TableVersion } from '../metadata.ts';
import { currentSchema, currentSnapshot, ofId } from '../metadata.ts';
import { fieldIdsOf } from '../schema.ts';
import { takeOver } from '../take-over.ts';
import type { CompactionPlan } from './compact-plan.ts';
import type { RewrittenGroup } from './compact-rewrite.ts';
import type { MaintainedTable, Prepared } from './maintained-table.ts';
import { moveTable } from './maintained-table.ts';
import { beginReplace, finishReplace } from './replace-snapshot.ts';

/**
 * Puts rewritten groups in the place of the files that they were made of, in one snapshot. Unlike an upsert it may do so
 * whatever was appended in the meantime: it needs nothing but that its own files are still there and no row of them was
 * deleted. Repeated, it finds its own files in the table, and changes nothing.
 */
export async function commitCompaction(
  table: MaintainedTable,
  plan: Pick<CompactionPlan, 'tableId' | 'deletes'>,
  groups: readonly RewrittenGroup[],
): Promise<CompactionCommitted> {
  const known = new KnownManifests(table, plan, groups);
  const { result } = await moveTable(table, (version, files) => prepare(table, plan, groups, known, version, files));
  return result;
}

async function prepare(
  table: MaintainedTable,
  plan: Pick<CompactionPlan, 'tableId' | 'deletes'>,
  groups: readonly RewrittenGroup[],
  known: KnownManifests,
  version: TableVersion,
  files: CommitFiles,
): Promise<Prepared<CompactionCommitted>> {
  const { storage, runId } = table;
  const { metadata } = version;
  const parent = currentSnapshot(metadata);
  const manifests = parent === undefined ? [] : await readManifestList(storage, parent['manifest-list']);
  await known.read(manifests);
  const present = new Set(manifests.flatMap((manifest) => known.filesOf(manifest)));
  const isThere = (uri: string) => present.has(storage.nameOf(uri));
  const done = groups.filter((group) => group.files.length > 0 && group.files.every(({ uri }) => isThere(uri)));
  const isSame = metadata['table-uuid'] === plan.tableId && !manifests.some((one) => known.hasOtherDeletes(one));
  const columns = fieldIdsOf(currentSchema(metadata).fields);
  const intact = groups.filter(
    ({ removed, fieldIds, lastColumnId }) =>
      isSame && removed.every(isThere) && columns.every((id) => id > lastColumnId || fieldIds.includes(id)),
  );
  const stale = groups.length - done.length - intact.length;
  const removing = new Set(intact.flatMap((group) => group.removed.map((uri) => storage.nameOf(uri))));
  const pointless = isSame ? pointlessDeletes(table, plan, present, removing) : new Set<string>();
  if (intact.length === 0 && pointless.size === 0) {
    return { result: { committed: done.length, stale, removed: NO_FIGURES, added: NO_FIGURES } };
  }
  const snapshot = beginReplace(metadata, files);
  const leaves = leavesOf(snapshot.inProgress.schema, metadata.properties);
  // Files of one partition become files of that partition: the first of a group tells which it is.
  const places = new Map<string, { file: DataFile; spec: number }>();
  const gone = (file: DataFile, { partition_spec_id: spec }: ManifestFile) => {
    const name = storage.nameOf(file.file_path);
    if (file.content !== CONTENT.data) return pointless.has(name);
    if (!removing.has(name)) return false;
    places.set(name, { file, spec });
    return true;
  };
  const holds = (manifest: ManifestFile) =>
    known.filesOf(manifest).some((name) => removing.has(name) || pointless.has(name));
  const removed = await takeOver(storage, snapshot.manifests, parent, gone, holds);
  const added: DataFile[] = [];
  for (const group of intact) {
    const place = places.get(storage.nameOf(group.removed[0] ?? ''));
    if (place === undefined) continue;
    const own = group.files.map((file) => ({
      ...toDataFile(file, leaves),
      partition: place.file.partition,
      sort_order_id: group.sortOrderId ?? null,
    }));
    await snapshot.manifests.addFiles(ofId(metadata['partition-specs'], 'spec-id', place.spec, metadata), own);
    added.push(...own);
  }
  const next = await finishReplace(version, snapshot, { added, removed }, table.now(), {
    [`${PROPERTY_PREFIX}maintenance`]: 'compact',
    [`${PROPERTY_PREFIX}maintenance-run-id`]: runId,
  });
  const result = {
    committed: done.length + intact.length,
    stale,
    removed: figuresOf(removed.filter(({ content }) => content === CONTENT.data)),
    added: figuresOf(added),
  };
  return { result, next, staged: added.map((file) => file.file_path) };
}

/** Delete files that say something only of files that leave with them. */
function pointlessDeletes(
  { storage }: MaintainedTable,
  { deletes }: Pick<CompactionPlan, 'deletes'>,
  present: ReadonlySet<string>,
  removing: ReadonlySet<string>,
): Set<string> {
  const names = deletes
    .filter(({ refersTo }) =>
      refersTo.map((uri) => storage.nameOf(uri)).every((name) => !present.has(name) || removing.has(name)),
    )
    .map(({ uri }) => storage.nameOf(uri));
  return new Set(names.filter((name) => present.has(name)));
}

function figuresOf(files: readonly DataFile[]): Figures {
  return files.reduce((sum, file) => addFigures(sum, { files: 1, bytes: Number(file.file_size_in_bytes) }), NO_FIGURES);
}

/** Of each manifest, the files that matter to a compaction: kept between attempts, since most manifests stay. */
class KnownManifests {
  readonly #table: MaintainedTable;
  readonly #wanted: ReadonlySet<string>;
  readonly #deletes: ReadonlySet<string>;
  readonly #found = new Map<string, { readonly files: readonly string[]; readonly hasOtherDeletes: boolean }>();

  constructor(table: MaintainedTable, { deletes }: Pick<CompactionPlan, 'deletes'>, groups: readonly RewrittenGroup[]) {
    const { storage } = table;
    this.#table = table;
    this.#deletes = new Set(deletes.map(({ uri }) => storage.nameOf(uri)));
    const uris = [
      ...groups.flatMap(({ removed, files }) => [...removed, ...files.map(({ uri }) => uri)]),
      ...deletes.flatMap(({ uri, refersTo }) => [uri, ...refersTo]),
    ];
    this.#wanted = new Set(uris.map((uri) => storage.nameOf(uri)));
  }

  async read(manifests: readonly ManifestFile[]): Promise<void> {
    const { storage, onProgress } = this.#table;
    const unread = manifests.filter(({ manifest_path: path }) => !this.#found.has(path));
    for await (const { manifest, live } of readManifests(storage, unread)) {
      const files = live.map(({ data_file: file }) => ({ file, name: storage.nameOf(file.file_path) }));
      this.#found.set(manifest.manifest_path, {
        files: files.flatMap(({ name }) => (this.#wanted.has(name) ? [name] : [])),
        hasOtherDeletes: files.some(({ file, name }) => file.content !== CONTENT.data && !this.#deletes.has(name)),
      });
      onProgress();
    }
  }

  filesOf({ manifest_path: path }: ManifestFile): readonly string[] {
    return this.#found.get(path)?.files ?? [];
  }

  hasOtherDeletes({ manifest_path: path }: ManifestFile): boolean {
    return this.#found.get(path)?.hasOtherDeletes ?? false;
  }
}
