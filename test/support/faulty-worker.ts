/**
 * A worker that is killed, by itself and without warning, when it reaches a named point for the first time:
 * `node test/support/faulty-worker.ts <address> <point | none> <marker file>`. The marker file makes the fault happen
 * once: the worker that is started after it goes on. Prints `ready` when it takes work.
 */
import { closeSync, openSync } from 'node:fs';
import { startWorker } from '../../worker/start-worker.ts';

const [address = '', point = 'none', marker = ''] = process.argv.slice(2);

function firstTime(): boolean {
  try {
    closeSync(openSync(marker, 'wx'));
    return true;
  } catch {
    return false;
  }
}

const worker = await startWorker({
  connection: { address },
  namespace: 'default',
  env: process.env,
  log: (line) => process.stderr.write(`${line}\n`),
  stickyTimeoutMs: 500,
  reached: async (reachedPoint) => {
    if (reachedPoint === point && firstTime()) process.kill(process.pid, 'SIGKILL');
  },
});
process.once('SIGTERM', () => void worker.shutdown().then(() => process.exit(0)));
process.stdout.write('ready\n');
await worker.finished;
