import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { freshFolder, isRunning, runCommand, serverProcesses, startCommand } from '../support/own-server.ts';

/** Enough rows for a run that is still reading when it is interrupted. */
const MANY_ROWS = 3_000_000;
/** Three or four commands with a server of their own, on a machine that may be busy. */
const SEVERAL_COMMANDS_MS = 150_000;

/** A folder with a job and its data, from which nothing was run yet. */
async function jobWithRows(rows: number): Promise<string> {
  const folder = await freshFolder();
  await mkdir(path.join(folder, 'in'));
  await writeFile(
    path.join(folder, 'job.yaml'),
    'source_connector: csv\nasset: orders\nsource: { path: in/*.csv }\ntarget: { namespace: shop }\n',
  );
  await addRows(folder, 'first.csv', rows);
  return folder;
}

async function addRows(folder: string, file: string, rows: number): Promise<void> {
  const lines = Array.from({ length: rows }, (_, i) => `${i},name ${i}`);
  await writeFile(path.join(folder, 'in', file), `id,name\n${lines.join('\n')}\n`);
}

async function countOrders(folder: string): Promise<number> {
  const { stdout } = await runCommand(folder, 'query', 'select count(*) from shop.orders', '--csv');
  return Number(stdout.split('\n')[1]);
}

async function stagedFolders(folder: string): Promise<string[]> {
  const all = await readdir(path.join(folder, 'warehouse'), { recursive: true });
  return all.filter((name) => /^(shop\/orders(__quarantine)?\/data|_dativo\/work)\/[^/]+$/.test(name));
}

test(
  'the link that a run prints opens again once dev runs, and the run says so',
  async () => {
    const folder = await jobWithRows(10);
    const first = await runCommand(folder, 'run', 'job.yaml');
    expect(first.code).toBe(0);
    const link = /^Temporal: (\S+)$/m.exec(first.stdout)?.[1] ?? '';
    const { origin, pathname } = new URL(link);
    await expect(fetch(origin)).rejects.toThrow();
    expect(first.stdout).toMatch(
      /server has ended with this command; (npx )?dativo dev keeps it and its UI up: then the link opens/,
    );

    const dev = startCommand(folder, ['dev', '--json']);
    expect(JSON.parse(await dev.firstLine)).toMatchObject({ uiUrl: origin });
    const [, , , , workflowId = '', runId] = pathname.split('/');
    // What the page of the link asks for.
    const asked = await fetch(`${origin}/api/v1/namespaces/default/workflows/${workflowId}?execution.runId=${runId}`);
    expect(await asked.json()).toMatchObject({
      workflowExecutionInfo: { status: 'WORKFLOW_EXECUTION_STATUS_COMPLETED' },
    });

    const second = await runCommand(folder, 'run', 'job.yaml', '--json');
    expect(JSON.parse(second.stdout)).toMatchObject({ linksOpen: true });
    dev.child.kill('SIGINT');
    expect(await dev.ended).toMatchObject({ code: 0 });
  },
  SEVERAL_COMMANDS_MS,
);

test.each([
  { words: ['runs'], code: 0, says: /^No runs yet\./ },
  { words: ['status'], code: 2, says: /no runs: nothing was run from this folder yet/ },
  { words: ['status', 'orders'], code: 2, says: /no runs: nothing was run from this folder yet/ },
  { words: ['cancel', 'orders'], code: 2, says: /no runs: nothing was run from this folder yet/ },
])('$words where nothing was ever run says so, and starts nothing', async ({ words, code, says }) => {
  const folder = await freshFolder();
  const outcome = await runCommand(folder, ...words);
  expect(outcome.code).toBe(code);
  expect(outcome.stdout + outcome.stderr).toMatch(says);
  expect(outcome.stderr).not.toContain('Temporal dev server');
  expect(await readdir(folder)).toEqual([]);
});

test(
  'Ctrl-C cancels a run, waits for it, and leaves no process and no staged file',
  async () => {
    const folder = await jobWithRows(10);
    expect(await runCommand(folder, 'run', 'job.yaml')).toMatchObject({ code: 0 });
    const before = await stagedFolders(folder);
    await addRows(folder, 'second.csv', MANY_ROWS);

    const run = startCommand(folder, ['run', 'job.yaml']);
    await run.says(/orders: extracting/);
    const processes = await serverProcesses(folder);
    run.child.kill('SIGINT');
    const { code, signal, stdout } = await run.ended;
    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(stdout).toMatch(/orders: cancelled after .*; nothing was committed/);
    await expect.poll(() => processes.filter(isRunning), { timeout: 5_000 }).toEqual([]);
    expect(await stagedFolders(folder)).toEqual(before);
    expect(await countOrders(folder)).toBe(10);
    const status = await runCommand(folder, 'status', 'orders', '--json');
    expect(status.code).toBe(1);
    expect(JSON.parse(status.stdout)).toMatchObject({ records: [{ object: 'orders', state: 'cancelled' }] });
  },
  SEVERAL_COMMANDS_MS,
);

test(
  'a second Ctrl-C leaves at once, and the next run says that it has to wait for the first to clean up',
  async () => {
    const folder = await jobWithRows(10);
    expect(await runCommand(folder, 'run', 'job.yaml')).toMatchObject({ code: 0 });
    await addRows(folder, 'second.csv', MANY_ROWS);

    const run = startCommand(folder, ['run', 'job.yaml']);
    await run.says(/orders: extracting/);
    const processes = await serverProcesses(folder);
    run.child.kill('SIGINT');
    await run.says(/Ctrl-C again leaves at once/);
    run.child.kill('SIGINT');
    const interrupted = Date.now();
    expect(await run.ended).toMatchObject({ signal: 'SIGINT' });
    expect(Date.now() - interrupted).toBeLessThan(2_000);
    // The server writes its state to its end by itself.
    await expect.poll(() => processes.filter(isRunning), { timeout: 20_000 }).toEqual([]);

    const next = startCommand(folder, ['run', 'job.yaml']);
    await next.says(/orders: run [0-9a-f-]{36} is being cancelled; waiting until it has cleaned up/);
    next.child.kill('SIGINT');
    const { code, stdout } = await next.ended;
    expect(code).toBe(1);
    expect(stdout).toMatch(/orders: not started; nothing was committed\.\nNext: (npx )?dativo run job\.yaml/);
    expect(await countOrders(folder)).toBe(10);
  },
  SEVERAL_COMMANDS_MS,
);

test('Ctrl-C before a run was started ends what was prepared for it, and says that nothing happened', async () => {
  const folder = await jobWithRows(10);
  const cache = path.join(folder, 'cache');
  // No server on PATH or in the cache: the command begins to download one.
  const run = startCommand(folder, ['run', 'job.yaml'], { PATH: '/nowhere', XDG_CACHE_HOME: cache });
  await run.says(/downloading it with Temporal's SDK/);
  run.child.kill('SIGINT');
  const { code, stderr, stdout } = await run.ended;
  expect(code).toBe(1);
  expect(stderr).toContain('Cancelled before a run was started; nothing was committed.');
  expect(stdout).toBe('');
  const programs = async () => (await promisify(execFile)('ps', ['-A', '-o', 'args='])).stdout;
  await expect.poll(programs, { timeout: 5_000 }).not.toContain(cache);
});
