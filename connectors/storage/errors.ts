import type { DativoError, ErrorCode } from '../../contracts/errors.ts';
import { fail, hasErrnoCode } from '../../contracts/errors.ts';

/** Codes of the operating system that no retry heals → the code that tells the user which. */
const CODE_OF_ERRNO: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'STORAGE_FULL',
  EDQUOT: 'STORAGE_FULL',
  EACCES: 'STORAGE_DENIED',
  EPERM: 'STORAGE_DENIED',
  EROFS: 'STORAGE_DENIED',
  // Something else stands where a folder or a file should be, or the name is impossible here.
  ENOTDIR: 'STORAGE_DENIED',
  EISDIR: 'STORAGE_DENIED',
  EEXIST: 'STORAGE_DENIED',
  ELOOP: 'STORAGE_DENIED',
  ENAMETOOLONG: 'STORAGE_DENIED',
};

const NEXT_STEP: Partial<Record<ErrorCode, string>> = {
  STORAGE_FULL: 'free space on that disk, or move the warehouse, and run again',
  STORAGE_DENIED: 'give this user the right to read and write there, or choose another folder',
};

/** The name of a file for a message: folders of partitions (`data/<run>/<attempt>/country=NL`) hold values of rows. */
export function withoutValues(name: string): string {
  return name.replace(/(\/data\/[^/]+\/[^/]+\/)(?:[^/]+=[^/]*\/)+/, '$1…/');
}

/** What the operating system refused, as one of STORAGE_FULL, STORAGE_DENIED, STORAGE_IO. */
export function storageError(error: unknown, action: string, path: string): DativoError {
  const errno = hasErrnoCode(error) ? error.code : 'an unknown error';
  const code = CODE_OF_ERRNO[errno] ?? 'STORAGE_IO';
  return fail(code, {
    received: `${errno} when ${action} ${withoutValues(path)}`,
    expected: 'a local disk with room, and a folder that this user may read and write',
    next: NEXT_STEP[code] ?? 'check that the disk is mounted and healthy; the work is tried again',
  });
}

/** No storage serves files of this kind. */
export function unserved(uri: string): DativoError {
  return fail('NOT_AVAILABLE_YET', {
    received: `a file of the lake at ${uri}`,
    expected: 'file:///path or s3://bucket/key',
    next: 'use a warehouse on a local disk, or in an object store that speaks S3',
  });
}
