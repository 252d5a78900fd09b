import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A lock between processes that the operating system frees when its holder dies, however it dies. */
export interface ExclusiveLock {
  release(): void;
}

/**
 * Takes the lock that the file stands for, or returns undefined when another process holds it. Node has no file
 * locks of its own; a transaction that SQLite keeps open is one.
 */
export function tryLock(file: string): ExclusiveLock | undefined {
  mkdirSync(path.dirname(file), { recursive: true });
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}

/** SQLITE_BUSY (https://www.sqlite.org/rescode.html#busy), with or without an extended part. */
function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === 5
  );
}
