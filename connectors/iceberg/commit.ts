import { setTimeout as sleep } from 'node:timers/promises';
import { DativoError, fail } from '../../contracts/errors.ts';
import { emptyReceipt, hasEffect, keptLosing, receiptOf, requireStaged } from '../commit-rules.ts';
import type { CommitReceipt, SinkChange } from '../sink.ts';
import type { Storage } from '../storage/storage.ts';
import type { Catalog, CatalogPoint, MoveOutcome } from './catalog.ts';
import { loadOrAnnounce, NEVER_VISIBLE } from './catalog.ts';
import { CommitFiles } from './commit-files.ts';
import { commitUuid } from './commit-names.ts';
import { requireFresh } from './fresh.ts';
import type { TableMetadata, TableVersion } from './metadata.ts';
import type { PreparedVersion } from './next-version.ts';
import { writeNextVersion } from './next-version.ts';
import { committedRun } from './run-record.ts';
import { requireNoSweep } from './sweep-mark.ts';

/** Moments of a commit at which a test may stop the process. */
export type CommitPoint = 'manifests-written' | CatalogPoint | 'after-catalog';

export interface CommitDependencies {
  readonly storage: Storage;
  readonly catalog: Catalog;
  /** URI of the folder of a table that does not exist yet. */
  locationOf(change: SinkChange): string;
  now(): number;
  reached(point: CommitPoint): Promise<void>;
}

const ATTEMPTS = 20;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1000;

/**
 * Commits all changes; see `Sink.commit`. The first change is committed last where the catalog cannot commit them in
 * one step, so that it tells for all: a run that stands in its table stands in the others.
 */
export async function commitRun(
  deps: CommitDependencies,
  runId: string,
  changes: readonly SinkChange[],
): Promise<CommitReceipt[]> {
  const effective = changes.filter(hasEffect);
  let unsure = false;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      const { receipts, unknown } = await commitOnce(deps, runId, changes, effective);
      if (receipts !== undefined) return receipts;
      unsure ||= unknown;
    } catch (error) {
      // After a commit without an answer, no other failure says that the run is not committed.
      throw unsure && !isTableChanged(error) ? stateUnknown(error) : error;
    }
    // Nobody waits for the same moment again.
    await sleep(Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS) * Math.random());
  }
  throw unsure ? stateUnknown('no answer to any of the commits') : keptLosing(ATTEMPTS);
}

interface Attempt {
  /** Undefined if it has to be tried again. */
  readonly receipts?: CommitReceipt[];
  /** Whether the catalog left it open what became of it. */
  readonly unknown: boolean;
}

/** One attempt on the tables as they are now. */
async function commitOnce(
  deps: CommitDependencies,
  runId: string,
  changes: readonly SinkChange[],
  effective: readonly SinkChange[],
): Promise<Attempt> {
  const load = async (change: SinkChange) => {
    return { change, base: await loadOrAnnounce(deps.catalog, change.plan, deps.locationOf(change)) };
  };
  const work: readonly Work[] = await Promise.all(effective.map(load));
  const recorded = new Map(work.map((one) => [one.change, recordedRun(one, runId)]));
  const [first] = work;
  if (first === undefined || recorded.get(first.change) !== undefined) {
    const receipts = changes.map((change) => recorded.get(change) ?? emptyReceipt(change, first !== undefined));
    return { receipts, unknown: false };
  }
  const open = work.filter(({ change }) => recorded.get(change) === undefined);
  for (const { change, base } of open) requireFresh(change, base);

  const moves = await prepare(deps, runId, open);
  const outcomes = await moveCatalog(deps, runId, moves);
  if (outcomes.every(({ state }) => state === 'landed')) {
    await deps.reached('after-catalog');
    return { receipts: changes.map((change) => recorded.get(change) ?? receiptAmong(moves, change)), unknown: false };
  }
  for (const outcome of outcomes) if (outcome.state === 'refused') throw outcome.error;
  return { unknown: outcomes.some(({ state }) => state === 'unknown') };
}

interface Work {
  readonly change: SinkChange;
  readonly base: TableVersion | undefined;
}

interface PreparedMove extends Work {
  readonly files: CommitFiles;
  readonly version: PreparedVersion;
}

/** Writes everything that a commit on these versions needs; none of it is visible. */
async function prepare(deps: CommitDependencies, runId: string, work: readonly Work[]): Promise<PreparedMove[]> {
  const started = work.map((one) => {
    const location = one.base?.metadata.location ?? deps.locationOf(one.change);
    return { ...one, location, files: new CommitFiles(deps.storage, location, commitUuid(runId)) };
  });
  const moves: PreparedMove[] = [];
  try {
    for (const { change, base, location, files } of started) {
      const version = await writeNextVersion(deps.storage, files, base, location, runId, change, deps.now());
      moves.push({ change, base, files, version });
      await deps.reached('manifests-written');
    }
    return moves;
  } catch (error) {
    await Promise.all(started.map(({ files }) => files.discard()));
    throw error;
  }
}

/** The step that makes everything visible. Files of a move that will never be are removed; of all others they stay. */
async function moveCatalog(
  deps: CommitDependencies,
  runId: string,
  moves: readonly PreparedMove[],
): Promise<readonly MoveOutcome[]> {
  const guard = async () => {
    // In this order: a sweep that ended in between has left no file to find.
    for (const { version } of moves) await requireNoSweep(deps.storage, version.metadata.location, runId);
    await requireStaged(deps.storage, moves.flatMap(staged));
  };
  const ordered = moves.toReversed();
  const steps = ordered.map(({ change: { plan }, base, version, files }) => {
    const name = { namespace: plan.namespace, table: plan.table };
    const isIn = (metadata: TableMetadata) => committedRun(metadata, runId, plan) !== undefined;
    return { name, base, next: version.metadata, files, isIn };
  });
  try {
    const outcomes = await deps.catalog.commit(steps, { guard, reached: (point) => deps.reached(point) });
    const gone = ordered.filter((_, index) => NEVER_VISIBLE.includes(outcomes[index]?.state ?? 'unknown'));
    await Promise.all(gone.map(({ files }) => files.discard()));
    return outcomes;
  } catch (error) {
    await Promise.all(moves.map(({ files }) => files.discard()));
    throw error;
  }
}

function staged({ change, files }: PreparedMove): string[] {
  return [...files.written, ...change.files.map((file) => file.uri)];
}

function recordedRun({ change, base }: Work, runId: string): CommitReceipt | undefined {
  return base === undefined ? undefined : committedRun(base.metadata, runId, change.plan);
}

function receiptAmong(moves: readonly PreparedMove[], change: SinkChange): CommitReceipt {
  const move = moves.find((one) => one.change === change);
  return move === undefined ? emptyReceipt(change, false) : receiptOf(change, String(move.version.snapshotId));
}

function isTableChanged(error: unknown): boolean {
  return error instanceof DativoError && error.code === 'TABLE_CHANGED';
}

function stateUnknown(cause: unknown): DativoError {
  const what = typeof cause === 'string' ? cause : cause instanceof DativoError ? cause.code : 'an unknown error';
  return fail('COMMIT_STATE_UNKNOWN', {
    received: `${what} when asking the catalog whether the commit landed`,
    expected: 'an answer',
    next: 'the commit is tried again and recognises itself',
  });
}
