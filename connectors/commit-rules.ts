import type { DativoError } from '../contracts/errors.ts';
import { fail } from '../contracts/errors.ts';
import type { CommitReceipt, SinkChange, TableName } from './sink.ts';
import type { Storage } from './storage/storage.ts';

/** What `Sink.commit` promises whatever the sink is. */

/** False for a change that leaves its table as it is. */
export function hasEffect({ mode, files, removed = [], checkpoint }: SinkChange): boolean {
  return mode === 'replace' || files.length > 0 || removed.length > 0 || checkpoint !== undefined;
}

export function receiptOf(change: SinkChange, snapshotId: string): CommitReceipt {
  return { ...emptyReceipt(change, false), ...totalsOf(change), snapshotId };
}

/** For a change that had no effect. */
export function emptyReceipt({ plan: { namespace, table } }: SinkChange, alreadyCommitted: boolean): CommitReceipt {
  return { namespace, table, files: 0, rows: 0, bytes: 0, alreadyCommitted };
}

export function totalsOf({ files }: SinkChange): { files: number; rows: number; bytes: number } {
  return {
    files: files.length,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
  };
}

/** Fails with TABLE_CHANGED unless every file is there: a sweep may have taken the run for dead. */
export async function requireStaged(storage: Storage, uris: readonly string[]): Promise<void> {
  const sizes = await Promise.all(uris.map((uri) => storage.size(uri)));
  const missing = sizes.filter((size) => size === undefined).length;
  if (missing === 0) return;
  throw fail('TABLE_CHANGED', {
    received: `${missing} of ${uris.length} files of this run gone from the table's folder`,
    expected: 'every file that the run staged',
    next: 'run again; nothing of this run was committed',
  });
}

/** The staged work does not fit the table any more, because of `what`. */
export function tableChanged({ namespace, table }: TableName, what: string): DativoError {
  return fail('TABLE_CHANGED', {
    received: `table ${namespace}.${table}: ${what} since this run was planned`,
    expected: 'the table that the run was planned on',
    next: 'run again; nothing of this run was committed',
  });
}

export const WRITTEN_TO = 'it was written to, so that replacing it would lose rows';
export const OTHER_RUN = 'another run of the same source committed';
export const OTHER_OWNER = 'another job began to fill it';
export const OTHER_COLUMNS = 'its columns changed';

/** The commit lost against other writers as often as it was tried. */
export function keptLosing(attempts: number): DativoError {
  return fail('COMMIT_CONFLICT', {
    received: `${attempts} commits of other writers, each faster than this one`,
    expected: 'a moment without another commit to the same tables',
    next: 'let fewer jobs write to the same tables; the commit is tried again',
  });
}
