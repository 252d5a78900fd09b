import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const LAUNCHER = path.join(import.meta.dirname, '..', '..', 'bin', 'dativo.js');
const run = promisify(execFile);

test('the launcher starts the program, and nothing of Node’s own news is shown', async () => {
  const { stdout, stderr } = await run(process.execPath, [LAUNCHER, 'schema']);
  expect(JSON.parse(stdout)).toHaveProperty('properties');
  expect(stderr).toBe('');
});

test('an old Node is told in one sentence what is expected and how to get it', async () => {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.19.0' } });`;
  const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
  const failure: unknown = await run(process.execPath, ['--import', preload, LAUNCHER, 'run', 'job.yaml']).catch(
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({ code: 2, stdout: '' });
  expect(failure).toHaveProperty(
    'stderr',
    expect.stringMatching(
      /^dativo: Node 18\.19\.0; expected Node 22\.\d+ or later; run `npx -p node@24 .* run job\.yaml`\. \(USAGE\)\n$/,
    ),
  );
});

test('the first Ctrl-C is for the command, the second ends it at once', async () => {
  const interrupts = path.join(import.meta.dirname, '..', '..', 'client', 'interrupts.ts');
  const program = `import { onInterrupt } from ${JSON.stringify(interrupts)};
    onInterrupt(() => console.log('cancelling'));
    setInterval(() => {}, 1000);
    console.log('running');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  expect(String(await once(child.stdout, 'data'))).toBe('running\n');
  child.kill('SIGINT');
  expect(String(await once(child.stdout, 'data'))).toBe('cancelling\n');
  child.kill('SIGINT');
  expect(await ended).toEqual([null, 'SIGINT']);
});
