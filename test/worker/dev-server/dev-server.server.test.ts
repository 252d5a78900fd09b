import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { locateServerBinary } from '../../../worker/dev-server/locate.ts';
import { readServerRecord } from '../../../worker/dev-server/supervisor-protocol.ts';
import type { Held } from './held-server.ts';
import { answers, holdServer, isAlive, within } from './held-server.ts';

/** On a machine that has no server yet, one is built first. */
const PREPARE_MS = 30 * 60_000;

let binary = '';
let home = '';
let holders: Held[] = [];

beforeAll(async () => {
  binary = await locateServerBinary({ env: process.env, announce: (line) => console.error(line) });
}, PREPARE_MS);

beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'dativo-dev-server-'));
  holders = [];
});

afterEach(async () => {
  await Promise.all(holders.map((holder) => holder.kill()));
  await within(10_000, async () => (await readServerRecord(home)) === undefined);
  await rm(home, { recursive: true, force: true });
});

async function hold(port?: string): Promise<Held> {
  const holder = await holdServer(home, binary, port);
  holders.push(holder);
  return holder;
}

test('two commands share one server, and the first to end does not take it from the other', async () => {
  const first = await hold();
  const second = await hold();
  expect(second.address).toBe(first.address);
  await first.letGo();
  expect(await answers(second.address)).toBe(true);
  await second.letGo();
  expect(await answers(second.address)).toBe(false);
}, 60_000);

test('commands that start at the same moment get the same server', async () => {
  const together = await Promise.all([hold(), hold(), hold()]);
  expect(new Set(together.map(({ address }) => address)).size).toBe(1);
  expect(together[0]?.address).toMatch(/^127\.0\.0\.1:\d+$/);
}, 60_000);

test('a command that starts while the last one ends gets a server of its own', async () => {
  const first = await hold();
  const [, second] = await Promise.all([first.letGo(), hold()]);
  expect(await answers(second.address)).toBe(true);
}, 60_000);

test('the server ends when its command is killed', async () => {
  const holder = await hold();
  const record = await readServerRecord(home);
  await holder.kill();
  expect(await within(5_000, async () => !(await answers(holder.address)))).toBe(true);
  expect(await within(5_000, () => !isAlive(record?.supervisorPid ?? 0))).toBe(true);
}, 60_000);

test('the server ends when the process that looks after it is killed, and the next command starts another', async () => {
  const holder = await hold();
  const record = await readServerRecord(home);
  process.kill(record?.supervisorPid ?? 0, 'SIGKILL');
  expect(await within(5_000, () => !isAlive(record?.pid ?? 0))).toBe(true);
  const next = await hold();
  expect(next.error).toBe('');
  expect(await answers(next.address)).toBe(true);
  expect(holder.address).toBe(next.address);
}, 60_000);

test('a server whose guard was killed too is ended by the next start', async () => {
  const holder = await hold();
  const record = await readServerRecord(home);
  const orphan = record?.pid ?? 0;
  process.kill(await parentOf(orphan), 'SIGKILL');
  process.kill(record?.supervisorPid ?? 0, 'SIGKILL');
  await holder.kill();
  const next = await hold();
  expect(isAlive(orphan)).toBe(false);
  expect(await answers(next.address)).toBe(true);
}, 60_000);

test('a server that is killed is started again on its file and its ports', async () => {
  const holder = await hold();
  const record = await readServerRecord(home);
  process.kill(record?.pid ?? 0, 'SIGKILL');
  const restarted = async () => (await readServerRecord(home))?.pid !== record?.pid && (await answers(holder.address));
  expect(await within(15_000, restarted)).toBe(true);
}, 60_000);

test('the links to runs stay valid from one start to the next', async () => {
  const first = await hold();
  await first.letGo();
  const second = await hold();
  expect(second.uiUrl).toBe(first.uiUrl);
}, 60_000);

test('a port that is taken is refused by name', async () => {
  const taken = createServer();
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, '127.0.0.1', () => {
      const address = taken.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
  try {
    expect((await hold(String(port))).error).toBe('PORT_IN_USE');
    expect(await within(5_000, async () => (await readServerRecord(home)) === undefined)).toBe(true);
  } finally {
    taken.close();
  }
}, 60_000);

test('a server that cannot start is reported, not waited for', async () => {
  const broken = await holdServer(home, '/bin/false');
  holders.push(broken);
  expect(broken.error).toBe('SERVER_UNAVAILABLE');
}, 60_000);

/** The shell that guards a server is its parent (the fourth field of its stat line). */
async function parentOf(pid: number): Promise<number> {
  if (process.platform !== 'linux') {
    const { execFileSync } = await import('node:child_process');
    return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }).trim());
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
