import { execFile } from 'node:child_process';
import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { fail } from '../../contracts/errors.ts';
import { removeAbandoned } from './abandoned-files.ts';
import { addToCache, findCached, preparing, serverCacheFolder } from './binary-cache.ts';
import { downloadName, downloadServer } from './download.ts';
import { BUILT_VERSION, buildServer, goVersion } from './go-build.ts';

const run = promisify(execFile);

export interface LocateOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Receives one line in plain words for each step. */
  readonly announce: (line: string) => void;
  readonly download?: typeof downloadServer;
}

/**
 * Path of a Temporal dev server that works on this machine. First hit wins: `temporal` on PATH; one that was
 * prepared earlier; the SDK's download; a build with Go, about four minutes. The last two are done once and cached.
 * Throws SERVER_UNAVAILABLE when nothing works.
 */
export async function locateServerBinary(options: LocateOptions): Promise<string> {
  const { env, announce } = options;
  const onPath = await findOnPath('temporal', env);
  if (onPath && (await works(onPath, env))) {
    announce(`Temporal dev server: ${onPath}, found on PATH.`);
    return onPath;
  }
  const why = onPath ? `${onPath} does not work` : '`temporal` is not on PATH';
  const cache = serverCacheFolder(env);
  await removeAbandoned(cache);
  const cached = await findPrepared(cache);
  if (cached) {
    announce(`Temporal dev server: ${why}; using ${cached}, prepared earlier.`);
    return cached;
  }
  announce(`Temporal dev server: ${why} and none is in ${cache} yet.`);
  const waiting = () => announce('  another dativo command is preparing one; waiting for it');
  const prepared = await preparing(
    cache,
    waiting,
    async (scratch) => (await findPrepared(cache)) ?? (await prepare(options, cache, scratch)),
  );
  if (prepared) return prepared;
  throw fail('SERVER_UNAVAILABLE', {
    received: 'no Temporal server was found, downloaded or built',
    expected: 'TEMPORAL_ADDRESS, `temporal` on PATH, access to temporal.download, or Go 1.24 or later',
    next: "install Temporal's CLI (https://docs.temporal.io/cli) or Go (https://go.dev/dl), and start the command again",
  });
}

async function findPrepared(cache: string): Promise<string | undefined> {
  return (await findCached(cache, downloadName())) ?? (await findCached(cache, BUILT_VERSION));
}

async function prepare(options: LocateOptions, cache: string, scratch: string): Promise<string | undefined> {
  const { env, announce } = options;
  announce("  downloading it with Temporal's SDK");
  const downloaded = await (options.download ?? downloadServer)({ env, folder: scratch, announce });
  if (downloaded && (await works(downloaded, env))) return addToCache(cache, downloadName(), downloaded);

  const go = await goVersion(env);
  if (go === undefined) {
    announce('  Go is not installed, so it cannot be built here either');
    return undefined;
  }
  announce(`  building Temporal's CLI ${BUILT_VERSION} with ${go}: about four minutes, once`);
  const built = await buildServer({ env, folder: scratch, announce });
  if (!built) return undefined;
  if (await works(built, env)) return addToCache(cache, BUILT_VERSION, built);
  announce('  what Go built does not run on this machine');
  return undefined;
}

async function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, name);
    if (folder !== '' && (await isExecutableFile(candidate))) return candidate;
  }
  return undefined;
}

async function isExecutableFile(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** Whatever its version: it must start and know itself as Temporal's. */
async function works(binary: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    const { stdout } = await run(binary, ['--version'], { env, timeout: 10_000 });
    return /temporal/i.test(stdout);
  } catch {
    return false;
  }
}
