import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { formatDuration, formatPlural } from '../../contracts/figures.ts';
import { endWithUs } from './end-with-us.ts';

const run = promisify(execFile);

/** The newest release of Temporal's CLI whose module can be built by its name alone. */
export const BUILT_VERSION = 'v1.5.1';
const PACKAGE = `github.com/temporalio/cli/cmd/temporal@${BUILT_VERSION}`;
const BUILD_WITHIN_MS = 45 * 60_000;
const PROGRESS_EVERY_MS = 15_000;

export interface BuildOptions {
  readonly env: NodeJS.ProcessEnv;
  /** An empty folder; the binary is left in it. */
  readonly folder: string;
  readonly announce: (line: string) => void;
  readonly progressEveryMs?: number;
}

/** Version of Go on PATH, such as `go1.26.1`; undefined when there is none. */
export async function goVersion(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const { stdout } = await run('go', ['version'], { env, timeout: 10_000 });
    return /\bgo\d\S*/.exec(stdout)?.[0] ?? 'go';
  } catch {
    return undefined;
  }
}

/**
 * Builds the server with `go install` and returns the binary's path; undefined, after announcing why, when Go cannot.
 */
export async function buildServer({
  env,
  folder,
  announce,
  progressEveryMs,
}: BuildOptions): Promise<string | undefined> {
  const started = Date.now();
  const { GOOS: _os, GOARCH: _arch, ...own } = env;
  const child = spawn('go', ['install', '-v', '-ldflags', '-s -w', PACKAGE], {
    cwd: folder,
    // Without cgo the result needs no C library and no compiler for one.
    env: { ...own, CGO_ENABLED: '0', GOBIN: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: BUILD_WITHIN_MS,
  });
  // Go removes its own temporary files when it is interrupted.
  endWithUs(child, 'SIGINT');
  const progress = { packages: 0, downloads: 0, lastWords: '' };
  createInterface({ input: child.stderr }).on('line', (line) => {
    // With -v Go names each package as it compiles it, and each module as it downloads it.
    if (line.startsWith('go: downloading ')) progress.downloads += 1;
    else if (/^[\w./-]+$/.test(line)) progress.packages += 1;
    else progress.lastWords = line;
  });
  const ticker = setInterval(() => {
    const modules = progress.downloads > 0 ? [`${formatPlural(progress.downloads, 'module')} downloaded`] : [];
    const packages = progress.packages > 0 ? [`${formatPlural(progress.packages, 'package')} compiled`] : [];
    announce(`  building: ${[formatDuration(Date.now() - started), ...modules, ...packages].join(', ')}`);
  }, progressEveryMs ?? PROGRESS_EVERY_MS);
  try {
    const code = await exitCode(child);
    if (code !== 0) {
      announce(
        `  the build failed after ${formatDuration(Date.now() - started)}: ${progress.lastWords || `go ended with ${code}`}`,
      );
      return undefined;
    }
    announce(
      `  built in ${formatDuration(Date.now() - started)}; Go's own caches keep about 4.6 GB: \`go clean -cache -modcache\` frees them`,
    );
    return path.join(folder, 'temporal');
  } finally {
    clearInterval(ticker);
  }
}

function exitCode(child: ReturnType<typeof spawn>): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'nothing'));
  });
}
