import type { Figures } from '../../../contracts/maintenance.ts';
import type { StoredFile } from '../../storage/storage.ts';
import { inFolder } from '../../storage/storage.ts';
import { dataFolder, metadataFolder } from '../commit-files.ts';
import { isOfRun } from '../commit-names.ts';
import { references } from '../references.ts';
import { isJournalName } from './expiry-journal.ts';
import type { MaintainedTable } from './maintained-table.ts';
import { loadTable, onCurrent } from './maintained-table.ts';
import { requireDeletable } from './requirements.ts';
import { figuresOf, isBelow, removeFromTable } from './table-folder.ts';

export interface Orphans {
  /** Everything in the folders for data and metadata. */
  readonly before: Figures;
  readonly removed: Figures;
  /** Files that nothing refers to and that stay: because they are young, or belong to a run that goes on. */
  readonly young: number;
  readonly ofRuns: number;
}

export interface OrphanPolicy {
  /** Milliseconds; younger files stay, because somebody may be about to refer to them. */
  readonly olderThanMs: number;
  /** Ids of the runs that go on: what they staged stays, however old it is. */
  readonly runningRuns: readonly string[];
}

export const DEFAULT_ORPHAN_AGE_MS = 3 * 86_400_000;

/**
 * Removes the files in a table's folders for data and metadata that nothing refers to: what writers left that were
 * stopped. Fails with MAINTENANCE_REFUSED for a table whose files may be others' too.
 */
export async function removeOrphans(
  table: MaintainedTable,
  policy: OrphanPolicy,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<Orphans> {
  // Taken first: a run that began after those that go on were asked for has staged nothing that is older.
  const oldest = table.now() - policy.olderThanMs;
  const { metadata } = requireDeletable(table, await loadTable(table));
  const { location } = metadata;
  // Listed before the table is loaded for good: whatever is referred to from now on is younger than that list.
  const listed = await listTable(table, location);
  const unreferred = await withoutReferences(table, listed);
  const orphans: StoredFile[] = [];
  const kept = { young: 0, ofRuns: 0 };
  const isStaged = isOfRunning(table, location, policy.runningRuns);
  for (const file of unreferred) {
    if (isStaged(file.uri)) kept.ofRuns += 1;
    else if (file.modifiedMs >= oldest) kept.young += 1;
    else orphans.push(file);
  }
  const before = figuresOf(listed);
  if (dryRun) return { before, removed: figuresOf(orphans), ...kept };
  const removed = await removeFromTable(table, location, orphans);
  await table.reached('orphans-removed');
  return { before, removed, ...kept };
}

async function listTable({ storage, onProgress }: MaintainedTable, location: string): Promise<StoredFile[]> {
  const data = await storage.list(dataFolder(location));
  onProgress();
  const metadata = await storage.list(metadataFolder(location));
  onProgress();
  return [...data, ...metadata];
}

/** The files that no version of the table refers to which there was while they were looked for. */
async function withoutReferences(table: MaintainedTable, listed: readonly StoredFile[]): Promise<StoredFile[]> {
  const { storage, catalog, name, onProgress } = table;
  const left = new Map(listed.map((file) => [storage.nameOf(file.uri), file]));
  // How files that expired are found when their removal was stopped.
  for (const [key, { uri }] of left) if (isJournalName(fileNameOf(uri))) left.delete(key);
  let seen: string | undefined;
  for (;;) {
    await catalog.settle?.([name]);
    const location = await onCurrent(table, async (version) => {
      if (version.location === seen) return seen;
      for await (const uri of references(storage, version)) {
        left.delete(storage.nameOf(uri));
        onProgress();
      }
      return version.location;
    });
    if (location === seen) return [...left.values()];
    seen = location;
  }
}

/** Whether a file is one that a run stages: in the run's folder for data, or of one of its commits. */
function isOfRunning(
  { storage }: MaintainedTable,
  location: string,
  runs: readonly string[],
): (uri: string) => boolean {
  const folders = runs.map((run) => isBelow(storage, inFolder(dataFolder(location), run)));
  return (uri) => folders.some((isIn) => isIn(uri)) || runs.some((run) => isOfRun(fileNameOf(uri), run));
}

function fileNameOf(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1);
}
