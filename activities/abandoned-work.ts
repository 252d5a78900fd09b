import type { Storage, StoredFile } from '../connectors/storage/storage.ts';
import { inFolder } from '../connectors/storage/storage.ts';
import { workingFolders } from './working-folder.ts';

export interface WorkingFiles {
  readonly all: readonly StoredFile[];
  readonly abandoned: readonly StoredFile[];
}

/**
 * The files in the working folders of a lake, and those of them that belong to runs which do not go on and have written
 * nothing since `olderThanMs` (since 1970). A run removes its own folder when it is recorded, unless it is stopped for
 * good before. The jobs beside them stay: run records name them by their digest.
 */
export async function abandonedWork(
  storage: Storage,
  workFolder: string,
  { olderThanMs, running }: { readonly olderThanMs: number; readonly running: readonly string[] },
): Promise<WorkingFiles> {
  const root = inFolder(workingFolders(workFolder), '');
  const all = await storage.list(root);
  const byRun = Map.groupBy(all, ({ uri }) => uri.slice(root.length).split('/')[0] ?? '');
  const abandoned = [...byRun].filter(
    ([run, files]) => !running.includes(run) && files.every(({ modifiedMs }) => modifiedMs < olderThanMs),
  );
  return { all, abandoned: abandoned.flatMap(([, files]) => files) };
}
