import { setTimeout as sleep } from 'node:timers/promises';
import { DativoError, fail } from '../../contracts/errors.ts';
import { emptyReceipt, hasEffect, keptLosing, receiptOf, requireStaged } from '../commit-rules.ts';
import type { CommitReceipt, SinkChange } from '../sink.ts';
import type { Storage } from '../storage/storage.ts';
import { CommitFiles } from './commit-files.ts';
import { commitUuid } from './commit-names.ts';
import { requireFresh } from './fresh.ts';
import { loadTable } from './load.ts';
import type { TableVersion } from './metadata.ts';
import type { PreparedVersion } from './next-version.ts';
import { writeNextVersion } from './next-version.ts';
import { committedRun } from './run-record.ts';
import type { SqliteCatalog } from './sqlite-catalog.ts';

/** Moments of a commit at which a test may stop the process. */
export type CommitPoint = 'manifests-written' | 'metadata-written' | 'catalog-moving' | 'after-catalog';

export interface CommitDependencies {
  readonly storage: Storage;
  readonly catalog: SqliteCatalog;
  /** URI of the folder of a table that does not exist yet. */
  locationOf(change: SinkChange): string;
  now(): number;
  reached(point: CommitPoint): Promise<void>;
}

const ATTEMPTS = 20;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1000;

/** Commits all changes in one step, or none; see `Sink.commit`. */
export async function commitRun(
  deps: CommitDependencies,
  runId: string,
  changes: readonly SinkChange[],
): Promise<CommitReceipt[]> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const bases = await Promise.all(changes.map(({ plan }) => loadTable(deps.catalog, deps.storage, plan)));
    const work = changes.map((change, index) => ({ change, base: bases[index] }));
    const recorded = work.map((one) => recordedRun(one, runId));
    // All tables of a run move together, so that one of them tells for all.
    if (recorded.some((receipt) => receipt !== undefined)) {
      return work.map(({ change }, index) => recorded[index] ?? emptyReceipt(change, true));
    }
    const effective = work.filter(({ change }) => hasEffect(change));
    for (const { change, base } of effective) requireFresh(change, base);

    const moves = effective.length === 0 ? [] : await commitAttempt(deps, runId, effective);
    if (moves !== undefined) return changes.map((change) => receiptAmong(moves, change));
    // Nobody waits for the same moment again.
    await sleep(Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS) * Math.random());
  }
  throw keptLosing(ATTEMPTS);
}

interface Work {
  readonly change: SinkChange;
  readonly base: TableVersion | undefined;
}

interface TableMove extends Work {
  readonly files: CommitFiles;
  readonly version: PreparedVersion;
}

/** One attempt on what the tables are now; undefined if another writer was faster. */
async function commitAttempt(
  deps: CommitDependencies,
  runId: string,
  effective: readonly Work[],
): Promise<readonly TableMove[] | undefined> {
  const started = effective.map((work) => {
    const location = work.base?.metadata.location ?? deps.locationOf(work.change);
    return { ...work, location, files: new CommitFiles(deps.storage, location, commitUuid(runId)) };
  });
  const discard = () => Promise.all(started.map(({ files }) => files.discard()));
  const moves: TableMove[] = [];
  try {
    for (const { change, base, location, files } of started) {
      const version = await writeNextVersion(deps.storage, files, base, location, runId, change, deps.now());
      moves.push({ change, base, files, version });
      await deps.reached('manifests-written');
    }
    await deps.reached('metadata-written');
  } catch (error) {
    await discard();
    throw error;
  }
  if (!(await moveCatalog(deps, moves))) {
    await discard();
    return undefined;
  }
  await deps.reached('after-catalog');
  return moves;
}

class LostRace extends Error {}

/** The step that makes everything visible. False for a race that is lost for certain. */
async function moveCatalog(deps: CommitDependencies, moves: readonly TableMove[]): Promise<boolean> {
  try {
    await deps.catalog.exclusively(async (move) => {
      // Under the lock: whoever sweeps a run takes it too, so that files which are here now stay.
      await requireStaged(deps.storage, moves.flatMap(staged));
      for (const { change, base, version } of moves) {
        const { namespace, table } = change.plan;
        if (!move({ namespace, table, from: base?.location, to: version.location })) throw new LostRace();
      }
      await deps.reached('catalog-moving');
    });
    return true;
  } catch (error) {
    const landed = await hasLanded(deps, moves);
    if (!landed && !(error instanceof LostRace)) await Promise.all(moves.map(({ files }) => files.discard()));
    if (landed || error instanceof LostRace) return landed;
    throw error;
  }
}

/** After an error the catalog itself is asked; as long as it does not answer, no file may be removed. */
async function hasLanded(deps: CommitDependencies, moves: readonly TableMove[]): Promise<boolean> {
  try {
    const pointers = await Promise.all(moves.map(({ change }) => deps.catalog.pointer(change.plan)));
    return moves.every(({ version }, index) => pointers[index]?.metadataLocation === version.location);
  } catch (error) {
    const code = error instanceof DativoError ? error.code : 'an unknown error';
    throw fail('COMMIT_STATE_UNKNOWN', {
      received: `${code} when asking the catalog whether the commit landed`,
      expected: 'an answer',
      next: 'the commit is tried again and recognises itself',
    });
  }
}

function staged({ change, version }: TableMove): string[] {
  return [version.location, ...change.files.map((file) => file.uri)];
}

function recordedRun({ change, base }: Work, runId: string): CommitReceipt | undefined {
  return base === undefined ? undefined : committedRun(base.metadata, runId, change.plan);
}

function receiptAmong(moves: readonly TableMove[], change: SinkChange): CommitReceipt {
  const move = moves.find((one) => one.change === change);
  return move === undefined ? emptyReceipt(change, false) : receiptOf(change, String(move.version.snapshotId));
}
