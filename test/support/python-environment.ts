import { execFile } from 'node:child_process';
import { promises as fs } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { hasErrnoCode } from '../../contracts/errors.ts';

const run = promisify(execFile);

const FOLDER = path.resolve(import.meta.dirname, '../../.test');

/** Packages of Python that tests use, in a virtual environment of their own. */
export interface PythonPackages {
  /** Its folder in `.test/`. */
  readonly name: string;
  readonly packages: readonly string[];
  /** What the tests need them for, as a clause. */
  readonly purpose: string;
  /** Variable that names an interpreter which has them. */
  readonly variable: string;
}

/**
 * A Python interpreter that has the packages: the one that the variable names, or a virtual environment in `.test/` that
 * the first caller makes while the others wait. A machine without Python fails the tests; it does not skip them.
 */
export async function pythonWith(wanted: PythonPackages): Promise<string> {
  const given = process.env[wanted.variable];
  if (given !== undefined && given !== '') return given;
  const folder = path.join(FOLDER, wanted.name);
  const python = path.join(folder, 'bin', 'python');
  const lock = `${folder}.lock`;
  for (;;) {
    if (await isReady(folder, wanted)) return python;
    if (await tookLock(lock)) {
      try {
        if (!(await isReady(folder, wanted))) await install(folder, python, wanted);
      } finally {
        await fs.rm(lock, { force: true });
      }
    } else {
      await sleep(500);
    }
  }
}

/** The packages that are installed, so that a folder with those of an earlier list is brought up to date. */
async function isReady(folder: string, { packages }: PythonPackages): Promise<boolean> {
  return (await fs.readFile(readyFile(folder), 'utf8').catch(() => undefined)) === packages.join('\n');
}

async function install(folder: string, python: string, wanted: PythonPackages): Promise<void> {
  const { packages, purpose, variable } = wanted;
  try {
    await run('python3', ['-m', 'venv', folder]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]);
  } catch (error) {
    const detail = hasErrnoCode(error) && error.code === 'ENOENT' ? 'there is no python3 on the PATH' : String(error);
    throw new Error(
      `The tests need Python 3.10 or newer with venv and pip, ${purpose}: ${detail}. ` +
        `Install python3 and python3-venv, or name an interpreter that has its packages in ${variable}.`,
      { cause: error },
    );
  }
  await fs.writeFile(readyFile(folder), packages.join('\n'));
}

function readyFile(folder: string): string {
  return path.join(folder, 'ready');
}

/** The lock names its owner, so that one left by a killed process does not block for ever. */
async function tookLock(lock: string): Promise<boolean> {
  await fs.mkdir(path.dirname(lock), { recursive: true });
  try {
    await fs.writeFile(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (!hasErrnoCode(error) || error.code !== 'EEXIST') throw error;
    const owner = Number(await fs.readFile(lock, 'utf8').catch(() => ''));
    if (owner > 0 && !isAlive(owner)) await fs.rm(lock, { force: true });
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
