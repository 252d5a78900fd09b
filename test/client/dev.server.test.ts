import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answers } from '../worker/dev-server/held-server.ts';

const LAUNCHER = path.join(import.meta.dirname, '..', '..', 'bin', 'dativo.js');

let home = '';
let children: ChildProcess[] = [];

beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'dativo-dev-'));
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map(killed));
  await rm(home, { recursive: true, force: true });
});

/** A command as a user starts it, without any server configured, in a folder of its own. */
function dativo(...argv: string[]) {
  return dativoIn(home, ...argv);
}

function dativoIn(folder: string, ...argv: string[]) {
  const { TEMPORAL_ADDRESS: _address, TEMPORAL_PROFILE: _profile, ...env } = process.env;
  const child = spawn(process.execPath, [LAUNCHER, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, DATIVO_HOME: folder },
  });
  children.push(child);
  let err = '';
  child.stderr.on('data', (bytes: Buffer) => {
    err += bytes.toString();
  });
  const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const firstLine = new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
  return { child, code, firstLine, err: () => err };
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

test('dev stays up, is shared by other commands, and Ctrl-C stops all of it', async () => {
  const dev = dativo('dev', '--json');
  const { address, uiUrl } = JSON.parse(await dev.firstLine) as { address: string; uiUrl: string };
  expect((await fetch(uiUrl)).status).toBe(200);

  const runs = dativo('runs', '--json');
  expect(await runs.firstLine).toBe('{');
  expect(await runs.code).toBe(0);
  expect(runs.err()).toBe('');
  expect(await answers(address)).toBe(true);

  dev.child.kill('SIGINT');
  expect(await dev.code).toBe(0);
  expect(await answers(address)).toBe(false);
});

test('dev on a port that is taken says so and ends', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  try {
    const dev = dativo('dev', '--ui-port', String(port));
    expect(await dev.code).toBe(2);
    expect(dev.err()).toContain(`--ui-port ${port}, which another program on this machine uses`);
  } finally {
    taken.close();
  }
});

test('a home folder that cannot be written is told by name', async () => {
  await writeFile(path.join(home, 'file'), '');
  const dev = dativoIn(path.join(home, 'file', 'state'), 'dev');
  expect(await dev.code).toBe(2);
  expect(dev.err()).toMatch(/state cannot be written to .*DATIVO_HOME/);
});
