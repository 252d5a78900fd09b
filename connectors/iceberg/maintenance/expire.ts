import type { Figures } from '../../../contracts/maintenance.ts';
import { addFigures, NO_FIGURES } from '../../../contracts/maintenance.ts';
import type { TableMetadata, TableVersion } from '../metadata.ts';
import { metadataLog } from '../new-snapshot.ts';
import { statisticsWithout } from '../statistics-files.ts';
import type { ExpiredFiles } from './expired-files.ts';
import { filesOfExpired } from './expired-files.ts';
import type { Journal, JournalledSnapshot } from './expiry-journal.ts';
import { journalled, readJournals, writeJournal } from './expiry-journal.ts';
import type { MaintainedTable } from './maintained-table.ts';
import { loadTable, moveTable, onCurrent } from './maintained-table.ts';
import { requireDeletable } from './requirements.ts';
import type { Retention, RetentionPolicy } from './retention.ts';
import { retention } from './retention.ts';
import { figuresOf, removeFromTable } from './table-folder.ts';

export interface Expiry {
  /** Snapshots that expired, and those that stay. */
  readonly expired: number;
  readonly kept: number;
  /** Tags and branches that had had their time. */
  readonly expiredRefs: readonly string[];
  /** Files that only expired snapshots led to, and that were removed. */
  readonly removed: Figures;
  /** Files that the other snapshots lead to; undefined where nothing expired and nothing was counted. */
  readonly left: Figures | undefined;
  /** Files that only expired snapshots led to, outside of the table's folder: they are not ours to remove. */
  readonly foreign: number;
}

/** A journal that has waited for so long is of a commit that never landed. */
const JOURNAL_MS = 86_400_000;

/**
 * Lets snapshots expire and removes the files that only they led to: the commit first, then the files, from the data up
 * to the manifest lists, so that whoever is stopped on the way can be followed by the next one. Fails with
 * MAINTENANCE_REFUSED for a table whose files may be others' too.
 */
export async function expireSnapshots(table: MaintainedTable, policy: RetentionPolicy): Promise<Expiry> {
  const { storage } = table;
  const { location } = requireDeletable(table, await loadTable(table)).metadata;
  const { result: found, moved } = await moveTable(table, async (version, files) => {
    const found = retention(version.metadata, policy, table.now());
    if (isEmpty(found)) return { result: found };
    const next = withoutExpired(version, found, table.now());
    await writeJournal(files, journalled(version.metadata, found.expired));
    await table.reached('journal-written');
    const isIn = (now: TableMetadata) => found.expired.every((snapshot) => !has(now, snapshot['snapshot-id']));
    return { result: found, next, isIn };
  });
  // Own ones and those of maintenances that were stopped before they came to an end.
  const journals = await readJournals(storage, location);
  // Loaded after them: an older version might lack snapshots because they were not there yet.
  const { gone, files } = await onCurrent(table, async ({ metadata }) => {
    const gone = goneOf(journals, metadata);
    return { gone, files: gone.length === 0 ? undefined : await filesOfExpired(table, gone, metadata) };
  });
  const removed = files === undefined ? NO_FIGURES : await removeExpired(table, files, location);
  const isGone = new Set(gone.map(({ id }) => id));
  const done = journals.filter(
    ({ snapshots, modifiedMs }) => snapshots.every(({ id }) => isGone.has(id)) || modifiedMs < table.now() - JOURNAL_MS,
  );
  await storage.remove(done.map(({ uri }) => uri));
  return describe(found, moved ? found.expired.length : 0, files, removed);
}

/** What `expireSnapshots` would do. */
export async function planExpiry(table: MaintainedTable, policy: RetentionPolicy): Promise<Expiry> {
  const { location } = requireDeletable(table, await loadTable(table)).metadata;
  const journals = await readJournals(table.storage, location);
  const { found, files } = await onCurrent(table, async (version) => {
    const found = retention(version.metadata, policy, table.now());
    const next = withoutExpired(version, found, table.now());
    const gone = [...journalled(version.metadata, found.expired), ...goneOf(journals, next)];
    return { found, files: gone.length === 0 ? undefined : await filesOfExpired(table, gone, next) };
  });
  const removed = figuresOf(files === undefined ? [] : [...files.data, ...files.manifests, ...files.lists]);
  return describe(found, found.expired.length, files, removed);
}

function describe(
  { kept, expiredRefs }: Retention,
  expired: number,
  files: ExpiredFiles | undefined,
  removed: Figures,
): Expiry {
  return { expired, kept: kept.length, expiredRefs, removed, left: files?.kept, foreign: files?.foreign ?? 0 };
}

/** The snapshots of journals that the table does not have any more. */
function goneOf(journals: readonly Journal[], metadata: TableMetadata): JournalledSnapshot[] {
  return journals.flatMap(({ snapshots }) => snapshots.filter(({ id }) => !has(metadata, id)));
}

function has(metadata: TableMetadata, id: bigint): boolean {
  return metadata.snapshots.some((snapshot) => snapshot['snapshot-id'] === id);
}

function isEmpty({ expired, expiredRefs }: Retention): boolean {
  return expired.length === 0 && expiredRefs.length === 0;
}

/** The order lets whoever comes after find the way to what is left. */
async function removeExpired(table: MaintainedTable, files: ExpiredFiles, location: string): Promise<Figures> {
  const data = await removeFromTable(table, location, files.data);
  await table.reached('data-files-removed');
  const manifests = await removeFromTable(table, location, files.manifests);
  await table.reached('manifests-removed');
  const lists = await removeFromTable(table, location, files.lists);
  await table.reached('lists-removed');
  return [data, manifests, lists].reduce(addFigures);
}

/** The table without the snapshots and references, and without what it knows about them. */
function withoutExpired(version: TableVersion, { kept, expired, expiredRefs }: Retention, now: number): TableMetadata {
  const { metadata } = version;
  const gone = new Set(expired.map((snapshot) => snapshot['snapshot-id']));
  const refs = Object.entries(metadata.refs).filter(([name]) => !expiredRefs.includes(name));
  return {
    ...metadata,
    ...statisticsWithout(metadata, gone),
    'last-updated-ms': Math.max(now, metadata['last-updated-ms']),
    snapshots: [...kept],
    refs: Object.fromEntries(refs),
    'snapshot-log': snapshotLog(metadata, gone),
    'metadata-log': metadataLog(metadata, version),
  };
}

/** A gap in the log would make time travel find the wrong snapshot, so what comes before a gap leaves too. */
function snapshotLog(metadata: TableMetadata, gone: ReadonlySet<bigint>): TableMetadata['snapshot-log'] {
  const log = metadata['snapshot-log'];
  const lastGap = log.findLastIndex((entry) => gone.has(entry['snapshot-id']));
  return log.slice(lastGap + 1);
}
