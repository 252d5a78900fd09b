import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { temporalServer } from './temporal.ts';

const LAUNCHER = path.resolve(import.meta.dirname, '../../bin/dativo.js');
/** `nobody` on Linux and macOS: a user without rights on anything. */
const NOBODY = 65_534;

export interface CliOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Run as a user without rights, where the tests run as root. */
  readonly unprivileged?: boolean;
}

/** Runs `dativo` as a user would, on the suite's server and with the worker of the test. */
export function dativo(args: readonly string[], options: CliOptions): Promise<CliOutcome> {
  return startDativo(args, options).ended;
}

/** The same, while it runs. */
export function startDativo(
  args: readonly string[],
  { cwd, env, unprivileged }: CliOptions,
): { readonly child: ChildProcess; readonly ended: Promise<CliOutcome> } {
  const { address, home } = temporalServer();
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    cwd,
    env: { ...process.env, TEMPORAL_ADDRESS: address, DATIVO_HOME: path.join(home, 'cli'), NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(unprivileged && process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  return { child, ended };
}
