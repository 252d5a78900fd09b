import { fail } from '../contracts/errors.ts';
import type { HoldSnapshotInput } from '../contracts/run.ts';
import { openScope } from './activity-scope.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { WorkingFolder } from './working-folder.ts';

export interface HoldSnapshotActivities {
  /**
   * Holds the moment at which all objects of a run read their source, and says in the run's working folder which one it
   * is. Lasts until it is cancelled; when the moment is lost before, it fails, to be begun again with another one.
   */
  holdSnapshot(input: HoldSnapshotInput): Promise<void>;
}

/** A cancellation comes with the answer to a heartbeat, and a transaction that is held is in the way of the server. */
const HEARTBEAT_EVERY_MS = 500;

export function createHoldSnapshotActivities(deps: ActivityDependencies): HoldSnapshotActivities {
  return {
    async holdSnapshot({ job: reference, runId }) {
      const job = await deps.openJob(reference);
      const source = job.openSource();
      await using scope = await openScope(deps);
      const { signal } = scope.connector;
      const held = await source.holdSnapshot?.(scope.connector);
      if (held === undefined) throw new RangeError('a source without snapshots');
      await using _ = held;
      await new WorkingFolder(job.storage, job.workFolder, runId).writeSnapshot(held.name);
      await deps.reached('hold:held');
      const clock = setInterval(() => deps.context()?.heartbeat(), HEARTBEAT_EVERY_MS);
      try {
        await Promise.race([held.lost, aborted(signal)]);
      } finally {
        clearInterval(clock);
      }
      signal.throwIfAborted();
      throw fail('SNAPSHOT_PENDING', {
        received: 'a connection to the database that ended while the run read it',
        expected: 'one moment for all rows of the run',
        next: 'another one is taken, and objects that are not committed yet begin again',
      });
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
