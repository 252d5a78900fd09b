import { execFile } from 'node:child_process';
import { promises as fs } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { hasErrnoCode } from '../../contracts/errors.ts';

const run = promisify(execFile);

const FOLDER = path.resolve(import.meta.dirname, '../../.test/python');
const READY = path.join(FOLDER, 'ready');
const LOCK = `${FOLDER}.lock`;

/** The judges, at the versions that the figures in the documentation were made with. */
const PACKAGES = [
  'pyiceberg[sql-sqlite,pyarrow]==0.12.*',
  'duckdb==1.5.5',
  'duckdb-extension-iceberg==1.5.5',
  'duckdb-extension-avro==1.5.5',
];

/**
 * The Python interpreter that has the judges: the one of DATIVO_TEST_PYTHON, or a virtual environment in `.test/` that
 * the first caller makes while the others wait. A machine without Python fails the tests; it does not skip them.
 */
export async function testPython(): Promise<string> {
  const given = process.env['DATIVO_TEST_PYTHON'];
  if (given !== undefined && given !== '') return given;
  for (;;) {
    if (await exists(READY)) return path.join(FOLDER, 'bin', 'python');
    if (await tookLock()) {
      try {
        await install();
      } finally {
        await fs.rm(LOCK, { force: true });
      }
    } else {
      await sleep(500);
    }
  }
}

async function install(): Promise<void> {
  await fs.rm(FOLDER, { recursive: true, force: true });
  const python = path.join(FOLDER, 'bin', 'python');
  try {
    await run('python3', ['-m', 'venv', FOLDER]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES]);
  } catch (error) {
    const detail = hasErrnoCode(error) && error.code === 'ENOENT' ? 'there is no python3 on the PATH' : String(error);
    throw new Error(
      `The tests need Python 3.10 or newer with venv and pip, to let PyIceberg judge what was written: ${detail}. ` +
        'Install python3 and python3-venv, or name an interpreter that has the judges in DATIVO_TEST_PYTHON.',
      { cause: error },
    );
  }
  await fs.writeFile(READY, '');
}

/** The lock names its owner, so that one left by a killed process does not block for ever. */
async function tookLock(): Promise<boolean> {
  await fs.mkdir(path.dirname(LOCK), { recursive: true });
  try {
    await fs.writeFile(LOCK, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (!hasErrnoCode(error) || error.code !== 'EEXIST') throw error;
    const owner = Number(await fs.readFile(LOCK, 'utf8').catch(() => ''));
    if (owner > 0 && !isAlive(owner)) await fs.rm(LOCK, { force: true });
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

async function exists(file: string): Promise<boolean> {
  return fs.access(file).then(
    () => true,
    () => false,
  );
}
