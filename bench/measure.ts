import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Usage {
  readonly cpuSeconds: number;
  /** Peak resident memory of the process. */
  readonly peakMegabytes: number;
}

export interface Measured extends Usage {
  readonly wallSeconds: number;
}

const REPORT_USAGE = fileURLToPath(new URL('report-usage.ts', import.meta.url));
let measured = 0;

/** Runs a Node program to its end and says what it used. Throws if it fails. */
export async function measureNode(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Measured> {
  const usageFile = path.join(os.tmpdir(), `dativo-usage-${process.pid}-${++measured}.json`);
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--import', REPORT_USAGE, ...args], {
    env: { ...process.env, ...env, BENCH_USAGE_FILE: usageFile },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const [code] = await once(child, 'exit');
  const wallSeconds = (performance.now() - startedAt) / 1000;
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}:\n${complaints}`);
  const usage = JSON.parse(await readFile(usageFile, 'utf8')) as Usage;
  await rm(usageFile);
  return { ...usage, wallSeconds };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
