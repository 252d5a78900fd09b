import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { afterEach } from 'vitest';
import type { FaultPoint } from '../../activities/dependencies.ts';
import { temporalServer } from './temporal.ts';

const FAULTY_WORKER = path.join(import.meta.dirname, 'faulty-worker.ts');

/** Starts workers that kill themselves at a point, once (`marker` is the file that says so), each ended with its test. */
export function useFaultyWorkers(): (point: FaultPoint | 'none', marker: string) => Promise<ChildProcess> {
  const workers: ChildProcess[] = [];
  afterEach(async () => {
    for (const worker of workers.splice(0)) {
      if (worker.exitCode !== null || worker.signalCode !== null) continue;
      worker.kill('SIGTERM');
      await once(worker, 'exit');
    }
  });
  return async (point, marker) => {
    const worker = spawn(process.execPath, [FAULTY_WORKER, temporalServer().address, point, marker], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    workers.push(worker);
    await once(worker.stdout, 'data');
    return worker;
  };
}
