import { spawn } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { formatBytes } from '../../contracts/figures.ts';
import { endWithUs } from './end-with-us.ts';

/** How long the download service may take to name a file, and then to deliver it. */
const ANSWER_WITHIN_MS = 10_000;
const FINISH_WITHIN_MS = 15 * 60_000;
const PROGRESS_EVERY_MS = 10_000;

export interface DownloadOptions {
  readonly env: NodeJS.ProcessEnv;
  /** An empty folder; the binary is left in it. */
  readonly folder: string;
  readonly announce: (line: string) => void;
  /** The program that downloads; a test puts another in its place. */
  readonly program?: string;
}

/** Names the download in the cache: another SDK may bring another server. */
export function downloadName(): string {
  const { version } = createRequire(import.meta.url)('@temporalio/worker/package.json') as { version: string };
  return `sdk-${version}`;
}

/**
 * Has Temporal's SDK download its dev server and returns the binary's path; undefined, after announcing why, when
 * that does not work. The SDK sets itself no time limit, so it works in a process that can be ended.
 */
export async function downloadServer(options: DownloadOptions): Promise<string | undefined> {
  const { env, folder, announce } = options;
  const program =
    options.program ?? fileURLToPath(new URL(`./download-child${path.extname(import.meta.url)}`, import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, folder], {
    stdio: 'ignore',
    env: { ...env, NODE_OPTIONS: '' },
  });
  endWithUs(child);
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
    child.once('error', () => resolve(null));
  });
  let running = true;
  void ended.then(() => (running = false));

  const started = Date.now();
  let lastWord = started;
  while (running) {
    await Promise.race([sleep(200), ended]);
    const bytes = await downloadedBytes(folder);
    const now = Date.now();
    if (now - started > (bytes === undefined ? ANSWER_WITHIN_MS : FINISH_WITHIN_MS)) child.kill('SIGKILL');
    if (bytes !== undefined && running && now - lastWord > PROGRESS_EVERY_MS) {
      lastWord = now;
      announce(`  downloading: ${formatBytes(bytes)} unpacked so far`);
    }
  }
  const file = (await ended) === 0 ? await finishedFile(folder) : undefined;
  if (file === undefined) announce('  the download did not work (is temporal.download reachable from here?)');
  return file;
}

/** Bytes in the folder, or undefined while there is no file: the SDK makes one when the download service answers. */
async function downloadedBytes(folder: string): Promise<number | undefined> {
  const names = await readdir(folder);
  if (names.length === 0) return undefined;
  const sizes = await Promise.all(names.map((name) => sizeOf(path.join(folder, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    // Renamed while we looked.
    return 0;
  }
}

async function finishedFile(folder: string): Promise<string | undefined> {
  const name = (await readdir(folder)).find((entry) => !entry.endsWith('.downloading'));
  return name === undefined ? undefined : path.join(folder, name);
}
