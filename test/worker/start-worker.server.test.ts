import { execFile } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporalServer } from '../support/temporal.ts';

const START_WORKER = pathToFileURL(path.join(import.meta.dirname, '..', '..', 'worker', 'start-worker.ts')).href;

test('a worker that cannot start leaves nothing behind that would keep its process alive', async () => {
  const { address } = temporalServer();
  const program = `
    const { startWorker } = await import(${JSON.stringify(START_WORKER)});
    const connection = { address: ${JSON.stringify(address)} };
    await startWorker({ connection, namespace: 'nobody-made-this-one', env: {}, log() {} }).then(
      () => console.log('started'),
      () => console.log('refused'),
    );`;
  const arguments_ = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program];
  const { stdout } = await promisify(execFile)(process.execPath, arguments_, { timeout: 40_000 });
  expect(stdout).toBe('refused\n');
});
