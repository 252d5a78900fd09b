import { execFile } from 'node:child_process';
import { access, constants, rename } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { preparing } from '../../worker/dev-server/binary-cache.ts';

const run = promisify(execFile);

const BUILD_WITHIN_MS = 45 * 60_000;

export interface GoBinary {
  readonly name: string;
  /** Path of its package, without a version. */
  readonly module: string;
  readonly version: string;
}

/**
 * A program written in Go: the one on the PATH, or one that was built before, or one that is built now into the user's
 * cache folder, while other processes wait for it. A machine that cannot have it fails the tests; it does not skip them.
 */
export async function goBinary({ name, module, version }: GoBinary): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    if (folder !== '' && (await isExecutable(path.join(folder, name)))) return path.join(folder, name);
  }
  const cache = path.join(process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'dativo', name);
  const file = path.join(cache, `${name}-${version}-${process.platform}-${process.arch}`);
  const waiting = () => process.stderr.write(`${name}: another process is building it; waiting\n`);
  if (!(await isExecutable(file))) {
    await preparing(cache, waiting, async (scratch) => {
      if (await isExecutable(file)) return;
      process.stderr.write(`${name}: building ${version} with Go: a few minutes, once\n`);
      await build(`${module}@${version}`, scratch);
      await rename(path.join(scratch, name), file);
    });
  }
  return file;
}

async function build(target: string, folder: string): Promise<void> {
  const { GOOS: _os, GOARCH: _arch, ...own } = process.env;
  const env = { ...own, CGO_ENABLED: '0', GOBIN: folder };
  try {
    await run('go', ['install', '-ldflags', '-s -w', target], { env, cwd: folder, timeout: BUILD_WITHIN_MS });
  } catch (error) {
    throw new Error(`The tests need ${target}: have it on the PATH, or install Go 1.25 or newer to build it.`, {
      cause: error,
    });
  }
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
