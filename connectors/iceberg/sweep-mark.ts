import { fail } from '../../contracts/errors.ts';
import type { Storage } from '../storage/storage.ts';
import { inFolder } from '../storage/storage.ts';
import { dataFolder } from './commit-files.ts';

/**
 * A file that says "the files of this run are being removed". The sweep writes it before it asks the catalog what the
 * run has committed, and removes it after the last file; a commit looks for it before it looks for its files, as the
 * last thing before it becomes visible. So of a sweep and a commit of one run that meet, one sees the other.
 */
const NAME = 'being-swept';

export function sweepMark(tableLocation: string, runId: string): string {
  return inFolder(dataFolder(tableLocation), runId, NAME);
}

export function isSweepMark(uri: string): boolean {
  return uri.endsWith(`/${NAME}`);
}

/** The run that a mark is about. */
export function sweptRun(mark: string): string {
  return mark.split('/').at(-2) ?? '';
}

/** Fails with TABLE_CHANGED while files of the run are being removed from the table's folder. */
export async function requireNoSweep(storage: Storage, tableLocation: string, runId: string): Promise<void> {
  if ((await storage.size(sweepMark(tableLocation, runId))) === undefined) return;
  throw fail('TABLE_CHANGED', {
    received: 'files of this run being removed, because it was taken for dead',
    expected: 'every file that the run staged',
    next: 'run again; nothing of this run was committed',
  });
}
