import { hasErrnoCode } from '../contracts/errors.ts';

/** Whether a process of that id runs, whoever it belongs to. */
export function isAlive(pid: number): boolean {
  try {
    // Signal 0 is never sent: it only asks.
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, but belongs to somebody else.
    return hasErrnoCode(error) && error.code === 'EPERM';
  }
}
