import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectorContext } from '../connectors/connector.ts';
import { DativoError, fail } from '../contracts/errors.ts';
import type { ObjectRun } from '../contracts/run.ts';
import type { WorkScope } from './activity-scope.ts';
import type { OpenedJob } from './dependencies.ts';
import { WorkingFolder } from './working-folder.ts';

const FIRST_LOOK_MS = 20;
const LONGEST_LOOK_MS = 1_000;
/** After so long the activity is tried again, so that Temporal shows what it waits for. */
const WAIT_MS = 120_000;

/**
 * Does some work at the moment that the run's `holdSnapshot` holds, and gives its name. A moment that is lost is waited
 * for to be replaced by another one. Errors: SNAPSHOT_PENDING, and those of the source, which is asked while there is no
 * moment yet: whatever keeps the other activity from taking one keeps this one from reading, and is told here.
 */
export async function atSnapshot<T>(
  job: OpenedJob,
  run: ObjectRun,
  scope: WorkScope,
  work: (scope: WorkScope) => Promise<T>,
): Promise<{ readonly result: T; readonly snapshot: string }> {
  const folder = new WorkingFolder(job.storage, job.workFolder, run.runId);
  const { connector } = scope;
  const giveUpAt = performance.now() + WAIT_MS;
  let lost: string | undefined;
  for (let look = FIRST_LOOK_MS; performance.now() < giveUpAt; look = Math.min(look * 2, LONGEST_LOOK_MS)) {
    const snapshot = await folder.readSnapshot();
    if (snapshot !== undefined && snapshot !== lost) {
      try {
        return { result: await work(withSnapshot(scope, snapshot)), snapshot };
      } catch (error) {
        if (!(error instanceof DativoError && error.code === 'SNAPSHOT_LOST')) throw error;
        lost = snapshot;
      }
    } else if (look === LONGEST_LOOK_MS) {
      await job.openSource().describe(run.object, connector);
    }
    await sleep(look, undefined, { signal: connector.signal });
  }
  throw fail('SNAPSHOT_PENDING', {
    received: 'a run whose moment to read the source at is not fixed yet',
    expected: 'the activity holdSnapshot to have a connection to the source by now',
    next: 'look at that activity in Temporal; this one is tried again',
  });
}

function withSnapshot(scope: WorkScope, snapshot: string): WorkScope {
  const connector: ConnectorContext = { ...scope.connector, snapshot };
  return {
    connector,
    heartbeat: (details) => scope.heartbeat(details),
    session: () => scope.session(),
    [Symbol.asyncDispose]: async () => {},
  };
}
