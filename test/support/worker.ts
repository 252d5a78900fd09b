import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { hostName } from '../../worker/host.ts';
import type { RunningWorker, StartWorkerOptions } from '../../worker/start-worker.ts';
import { startWorker } from '../../worker/start-worker.ts';
import { started, temporalServer } from './temporal.ts';

/**
 * A worker for the tests of one file, in this process, shut down after them. Its log goes to the folder of the server,
 * where the suite's end searches it for row values.
 */
export function useWorker(options: Partial<Pick<StartWorkerOptions, 'env' | 'reached'>> = {}): () => RunningWorker {
  let worker: RunningWorker | undefined;
  beforeAll(async () => {
    worker = await startTestWorker(options);
  });
  afterAll(async () => {
    await worker?.shutdown();
  });
  return () => started(worker);
}

/** For tests that stop and start workers themselves; the caller shuts it down. */
export function startTestWorker(options: Partial<Pick<StartWorkerOptions, 'env' | 'reached'>>): Promise<RunningWorker> {
  const { address, namespace, home } = temporalServer();
  const log = (line: string) => appendFileSync(path.join(home, 'worker.log'), `${line}\n`);
  // As `dativo worker` does: to commands of a test, the suite's server is one that several machines may share.
  return startWorker({
    connection: { address },
    namespace,
    env: process.env,
    host: hostName(process.env),
    log,
    ...options,
  });
}
