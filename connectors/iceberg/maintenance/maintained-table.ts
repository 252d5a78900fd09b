import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../../contracts/errors.ts';
import { keptLosing, requireStaged } from '../../commit-rules.ts';
import type { TableName } from '../../sink.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Catalog, MoveOutcome, TableMove } from '../catalog.ts';
import { NEVER_VISIBLE } from '../catalog.ts';
import type { CommitPoint } from '../commit.ts';
import { CommitFiles } from '../commit-files.ts';
import { commitUuid } from '../commit-names.ts';
import type { TableMetadata, TableVersion } from '../metadata.ts';
import { requireNoSweep } from '../sweep-mark.ts';

/** Moments of a maintenance at which a test may stop the process. */
export type MaintenancePoint =
  | CommitPoint
  | 'journal-written'
  | 'data-files-removed'
  | 'manifests-removed'
  | 'lists-removed'
  | 'orphans-removed';

/** What every step of maintenance works with: one table, and the run that maintains it. */
export interface MaintainedTable {
  readonly storage: Storage;
  readonly catalog: Catalog;
  readonly name: TableName;
  /** Whose staged files and commits these are. */
  readonly runId: string;
  readonly signal: AbortSignal;
  now(): number;
  reached(point: MaintenancePoint): Promise<void>;
  /** Called every so often while a step goes on. */
  onProgress(): void;
}

/** What a step makes of the table's current version; without `next` there is nothing to change. */
export interface Prepared<T> {
  readonly result: T;
  readonly next?: TableMetadata;
  /** URIs of data files that `next` refers to for the first time. */
  readonly staged?: readonly string[];
  /** Whether a later version has this change in it. Default: whether it has its new snapshot. */
  readonly isIn?: (metadata: TableMetadata) => boolean;
}

const ATTEMPTS = 30;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1000;

/** The current version. Fails with TABLE_NOT_FOUND. */
export async function loadTable({ catalog, name }: MaintainedTable): Promise<TableVersion> {
  const version = await catalog.load(name);
  if (version !== undefined) return version;
  throw fail('TABLE_NOT_FOUND', {
    received: `table ${tableLabel({ name })}, which the catalog does not know`,
    expected: 'a table that is there while it is maintained',
    next: 'correct the name, or leave it: it was dropped',
  });
}

/**
 * Does work that reads a version of the table, again where it failed and the table had moved on by then: what a version
 * refers to that is not the current one any more may be gone.
 */
export async function onCurrent<T>(table: MaintainedTable, work: (version: TableVersion) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const version = await loadTable(table);
    try {
      return await work(version);
    } catch (error) {
      table.signal.throwIfAborted();
      if (attempt === ATTEMPTS || (await loadTable(table)).location === version.location) throw error;
    }
  }
}

/**
 * Moves the table to what `prepare` makes of its current version, again on what the winner left when another writer
 * was faster. Everything that `prepare` writes goes through the files that it is given, so that an attempt that lost
 * leaves none. A commit without an answer is tried again: so `prepare` must find that its work is done already, and
 * say so by leaving `next` out.
 */
export async function moveTable<T>(
  table: MaintainedTable,
  prepare: (version: TableVersion, files: CommitFiles) => Promise<Prepared<T>>,
): Promise<{ readonly result: T; readonly moved: boolean }> {
  let unsure = false;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    table.signal.throwIfAborted();
    const base = await loadTable(table);
    const files = new CommitFiles(table.storage, base.metadata.location, commitUuid(table.runId));
    const attempted = await attemptOn(table, base, files, prepare);
    if (attempted !== undefined) {
      const { prepared, outcome } = attempted;
      if (outcome === undefined) return { result: prepared.result, moved: unsure };
      if (outcome.state === 'landed') {
        await table.reached('after-catalog');
        return { result: prepared.result, moved: true };
      }
      unsure ||= outcome.state === 'unknown';
    }
    // Nobody waits for the same moment again.
    await sleep(Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS) * Math.random());
  }
  if (!unsure) throw keptLosing(ATTEMPTS);
  throw fail('COMMIT_STATE_UNKNOWN', {
    received: `no answer to a commit to table ${tableLabel(table)}`,
    expected: 'an answer',
    next: 'it is tried again and recognises what it has done',
  });
}

/**
 * One attempt: without an outcome if there was nothing to change, undefined if it failed on a version that another
 * writer had left behind by then. What that one refers to may be gone already.
 */
async function attemptOn<T>(
  table: MaintainedTable,
  base: TableVersion,
  files: CommitFiles,
  prepare: (version: TableVersion, files: CommitFiles) => Promise<Prepared<T>>,
): Promise<{ readonly prepared: Prepared<T>; readonly outcome?: MoveOutcome } | undefined> {
  try {
    const prepared = await prepare(base, files);
    if (prepared.next === undefined) {
      await files.discard();
      return { prepared };
    }
    const outcome = await tryMove(table, { base, files, next: prepared.next }, prepared);
    if (outcome.state === 'refused') throw outcome.error;
    return { prepared, outcome };
  } catch (error) {
    await files.discard();
    table.signal.throwIfAborted();
    if ((await loadTable(table)).location === base.location) throw error;
    return undefined;
  }
}

/**
 * The step that makes it visible. Files of a move that will never be are removed; of all others they stay. What is thrown
 * means that it will never be.
 */
async function tryMove(
  { storage, catalog, name, runId, reached }: MaintainedTable,
  move: Pick<TableMove, 'base' | 'files' | 'next'>,
  { staged = [], isIn }: Pick<Prepared<unknown>, 'staged' | 'isIn'>,
): Promise<MoveOutcome> {
  const { files, next } = move;
  const guard = async () => {
    // In this order: a sweep that ended in between has left no file to find.
    await requireNoSweep(storage, next.location, runId);
    await requireStaged(storage, [...files.written, ...staged]);
  };
  await reached('manifests-written');
  const moves = [{ ...move, name, ...(isIn === undefined ? {} : { isIn }) }];
  const [outcome = { state: 'lost' }] = await catalog.commit(moves, { guard, reached });
  if (NEVER_VISIBLE.includes(outcome.state)) await files.discard();
  return outcome;
}

/** `namespace.table`. */
export function tableLabel({ name: { namespace, table } }: Pick<MaintainedTable, 'name'>): string {
  return `${namespace}.${table}`;
}
