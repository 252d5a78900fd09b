import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { CliOutcome } from './cli.ts';

const LAUNCHER = path.resolve(import.meta.dirname, '../../bin/dativo.js');

/** A folder as a new user has it: no Temporal server is configured or runs. It lasts as long as the test. */
export async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dativo-fresh-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A command that goes on. */
export interface StartedCommand {
  readonly child: ChildProcess;
  /** Ends the command if the test has not. */
  readonly ended: Promise<CliOutcome & { readonly signal: NodeJS.Signals | null }>;
  readonly firstLine: Promise<string>;
  /** Resolves once the pattern is in what was said on the way; rejects when the command ends without it. */
  says(pattern: RegExp): Promise<void>;
}

/** Starts `dativo` in the folder, where it finds its own server; killed at the end of the test if it still runs. */
export function startCommand(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): StartedCommand {
  const { TEMPORAL_ADDRESS: _address, TEMPORAL_PROFILE: _profile, DATIVO_HOME: _home, ...inherited } = process.env;
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inherited, NO_COLOR: '1', ...env },
  });
  onTestFinished(() => killed(child));
  const output = { stdout: '', stderr: '' };
  const changed = new EventTarget();
  const note = (stream: 'stdout' | 'stderr') => (text: string) => {
    output[stream] += text;
    changed.dispatchEvent(new Event('said'));
  };
  child.stdout.setEncoding('utf8').on('data', note('stdout'));
  child.stderr.setEncoding('utf8').on('data', note('stderr'));
  const ended = once(child, 'close').then((values) => {
    const [code, signal] = values as [number | null, NodeJS.Signals | null];
    changed.dispatchEvent(new Event('said'));
    return { code, signal, ...output };
  });
  const says = async (pattern: RegExp) => {
    while (!pattern.test(output.stderr)) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`it never said ${pattern}: ${output.stderr}`);
      await new Promise((resolve) => changed.addEventListener('said', resolve, { once: true }));
    }
  };
  const firstLine = new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
  return { child, ended, firstLine, says };
}

/** Runs a command to its end. */
export function runCommand(cwd: string, ...args: string[]) {
  return startCommand(cwd, args).ended;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Process ids of the dev server of a folder and of the process that looks after it. */
export async function serverProcesses(folder: string): Promise<number[]> {
  const record: unknown = JSON.parse(await readFile(path.join(folder, '.dativo', 'server.json'), 'utf8'));
  const { pid, supervisorPid } = record as { pid: number; supervisorPid: number };
  return [pid, supervisorPid];
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
