import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Storage } from '../../storage/storage.ts';
import { checkpointFilesOf } from '../checkpoint.ts';
import type { CommitFiles } from '../commit-files.ts';
import { metadataFolder } from '../commit-files.ts';
import { parseJson, writeJson } from '../json.ts';
import type { Snapshot, TableMetadata } from '../metadata.ts';
import { statisticsFilesOf } from '../statistics-files.ts';

/**
 * A file beside the table's metadata that names the snapshots which are about to expire. Once they have, the table does
 * not lead to their files any more; whoever was stopped before they were removed leaves the way to them here.
 */
const PREFIX = 'expired-';
const SUFFIX = '.json';

const journalledSnapshot = z.object({
  id: z.coerce.bigint(),
  manifestList: z.string(),
  /** Checkpoint and statistics files of the snapshot. */
  beside: z.array(z.string()),
});

/** What is left of a snapshot when it has expired. */
export type JournalledSnapshot = z.infer<typeof journalledSnapshot>;

export interface Journal {
  readonly uri: string;
  /** When it was written, in milliseconds since 1970. */
  readonly modifiedMs: number;
  readonly snapshots: readonly JournalledSnapshot[];
}

/** The way to the files of snapshots that are about to expire. */
export function journalled(metadata: TableMetadata, expired: readonly Snapshot[]): JournalledSnapshot[] {
  return expired.map((snapshot) => ({
    id: snapshot['snapshot-id'],
    manifestList: snapshot['manifest-list'],
    beside: [...checkpointFilesOf(snapshot.summary), ...statisticsFilesOf(metadata, snapshot['snapshot-id'])],
  }));
}

/** Removed with the attempt if that is known to have lost. */
export async function writeJournal(files: CommitFiles, snapshots: readonly JournalledSnapshot[]): Promise<void> {
  await files.write(`${PREFIX}${randomUUID()}${SUFFIX}`, writeJson({ snapshots }));
}

/** The journals that are there: of those who were stopped, and of those who are still at it. */
export async function readJournals(storage: Storage, tableLocation: string): Promise<Journal[]> {
  const files = await storage.list(metadataFolder(tableLocation), isJournalName);
  const read = files.map(async ({ uri, modifiedMs }) => {
    const content = await storage.read(uri);
    // Removed by its writer in the meantime, or not a journal.
    const journal = content === undefined ? undefined : parsed(content);
    return journal === undefined ? [] : [{ uri, modifiedMs, snapshots: journal }];
  });
  return (await Promise.all(read)).flat();
}

export function isJournalName(fileName: string): boolean {
  return fileName.startsWith(PREFIX) && fileName.endsWith(SUFFIX);
}

function parsed(content: Buffer): JournalledSnapshot[] | undefined {
  try {
    return z.object({ snapshots: z.array(journalledSnapshot) }).parse(parseJson(content.toString())).snapshots;
  } catch {
    return undefined;
  }
}
