import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const POLITE_MS = 5_000;

/**
 * Ends a server that outlived its supervisor, and waits. A process id may have been given to another program since,
 * so only a process that has our database file on its command line is touched.
 */
export async function endOrphan(pidFile: string, database: string): Promise<boolean> {
  const pid = await readPid(pidFile);
  if (pid === undefined || !(await isOurServer(pid, database))) return false;
  const deadline = Date.now() + POLITE_MS;
  send(pid, 'SIGTERM');
  while (await isOurServer(pid, database)) {
    if (Date.now() > deadline) send(pid, 'SIGKILL');
    await sleep(50);
  }
  return true;
}

async function readPid(file: string): Promise<number | undefined> {
  try {
    const pid = Number((await readFile(file, 'utf8')).trim());
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

async function isOurServer(pid: number, database: string): Promise<boolean> {
  const commandLine = (await readCommandLine(pid)) ?? '';
  return commandLine.includes('start-dev') && commandLine.includes(database);
}

/** Linux has it in a file; elsewhere `ps` knows. A process that has ended but was not waited for has none. */
async function readCommandLine(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    return (await run('ps', ['-o', 'command=', '-p', String(pid)])).stdout;
  } catch {
    return undefined;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone in the meantime, which is what is wanted.
  }
}
