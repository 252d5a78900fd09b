import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a holder said first: where the server is, or the code of the error. */
export interface Held {
  readonly process: ChildProcess;
  readonly address: string;
  readonly uiUrl: string;
  readonly error: string;
  /** Lets go of the server as a command does that ends; resolves when its process has ended. */
  letGo(): Promise<void>;
  /** Ends the process without a chance to say goodbye. */
  kill(): Promise<void>;
}

/** Starts a process that uses the dev server of the folder. */
export async function holdServer(home: string, binary: string, port = ''): Promise<Held> {
  const program = path.join(import.meta.dirname, 'hold-server.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, home, binary, port], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const line = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    void ended.then(() => resolve('{}'));
  });
  const { address = '', uiUrl = '', error = '' } = JSON.parse(line) as Record<string, string>;
  return {
    process: child,
    address,
    uiUrl,
    error,
    async letGo() {
      child.stdin.end();
      await ended;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** True when something accepts connections at `host:port`. */
export function answers(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.replace(/^http:\/\//, '').split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Waits until the condition holds; false when it did not within the time. */
export async function within(milliseconds: number, condition: () => Promise<boolean> | boolean): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  while (Date.now() < deadline) {
    if (await condition()) return true;
    await sleep(30);
  }
  return condition();
}

/** False as soon as the process has ended, even if nobody has waited for it yet. */
export function isAlive(pid: number): boolean {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
