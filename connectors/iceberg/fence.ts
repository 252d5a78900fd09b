import { setTimeout as sleep } from 'node:timers/promises';
import { PROPERTY_PREFIX } from '../../contracts/ids.ts';
import { keptLosing } from '../commit-rules.ts';
import type { TableName } from '../sink.ts';
import type { Storage } from '../storage/storage.ts';
import type { Catalog } from './catalog.ts';
import { CommitFiles } from './commit-files.ts';
import { commitUuid } from './commit-names.ts';
import { withEmptySnapshot } from './empty-snapshot.ts';
import { committedRun } from './run-record.ts';

/** Says in a snapshot's summary which run it keeps from committing. */
export const FENCE_OF = `${PROPERTY_PREFIX}fence-of`;

const ATTEMPTS = 20;
const PAUSE_MS = 50;

/**
 * Makes every commit of the run that is on its way to the table fail: each asserts the snapshot that it was prepared
 * on, and after this there is a newer one, without rows. Returns as soon as the run itself is found to have committed.
 * A table that does not exist needs none: a commit that creates it looks again before it adds rows.
 */
export async function fence(storage: Storage, catalog: Catalog, name: TableName, runId: string): Promise<void> {
  // Its own id, so that its files are not taken for the run's.
  const fenceId = `${runId}/fence`;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const base = await catalog.load(name);
    if (base === undefined || committedRun(base.metadata, runId, name) !== undefined) return;
    const files = new CommitFiles(storage, base.metadata.location, commitUuid(fenceId));
    const next = await withEmptySnapshot(storage, files, base, { [FENCE_OF]: runId });
    const nothing = async () => undefined;
    const move = { name, base, next, files };
    const [outcome] = await catalog.commit([move], { guard: nothing, reached: nothing });
    if (outcome?.state === 'landed') return;
    if (outcome?.state !== 'unknown') await files.discard();
    if (outcome?.state === 'refused') throw outcome.error;
    await sleep(PAUSE_MS * attempt * Math.random());
  }
  throw keptLosing(ATTEMPTS);
}
