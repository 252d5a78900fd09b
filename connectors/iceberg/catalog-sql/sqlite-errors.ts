import type { ErrorCode } from '../../../contracts/errors.ts';
import { fail } from '../../../contracts/errors.ts';

/** SQLite's primary result codes (sqlite.org/rescode.html) → what they mean for a catalog. */
const CODE_OF: Readonly<Record<number, ErrorCode>> = {
  3: 'STORAGE_DENIED',
  5: 'CATALOG_BUSY',
  6: 'CATALOG_BUSY',
  8: 'STORAGE_DENIED',
  10: 'STORAGE_IO',
  11: 'TABLE_NOT_OURS',
  13: 'STORAGE_FULL',
  14: 'STORAGE_DENIED',
  23: 'STORAGE_DENIED',
  26: 'TABLE_NOT_OURS',
};

const NEXT: Partial<Record<ErrorCode, string>> = {
  CATALOG_BUSY: 'wait for the other writer, or stop it; the commit is tried again',
  STORAGE_DENIED: 'give this user the right to write to that folder and its files, or choose another warehouse',
  STORAGE_FULL: 'free space on that disk, then run again',
  TABLE_NOT_OURS: 'choose another warehouse folder, or restore the file from a backup',
};

/** An error of node:sqlite without its text; any other error passes unchanged. */
export function sqliteError(error: unknown, file: string): unknown {
  const result = resultCode(error);
  if (result === undefined) return error;
  const code = CODE_OF[result] ?? 'CATALOG_UNAVAILABLE';
  return fail(code, {
    received: `SQLite's result code ${result} for the catalog ${file}`,
    expected: 'the SQLite catalog of a lake, readable and writable',
    next: NEXT[code] ?? 'check the disk that holds it; the step is tried again',
  });
}

export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code !== undefined && CODE_OF[code] === 'CATALOG_BUSY';
}

/** The primary result code, or undefined for an error that is not SQLite's. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  // Extended codes keep the primary one in their lowest byte.
  return error.errcode & 0xff;
}
