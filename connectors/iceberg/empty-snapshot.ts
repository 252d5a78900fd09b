import type { Storage } from '../storage/storage.ts';
import type { CommitFiles } from './commit-files.ts';
import { beginReplace, finishReplace } from './maintenance/replace-snapshot.ts';
import type { TableMetadata, TableVersion } from './metadata.ts';
import { currentSnapshot } from './metadata.ts';
import { takeOver } from './take-over.ts';

/** The table with one snapshot more, which changes nothing; `said` is its summary. */
export async function withEmptySnapshot(
  storage: Storage,
  files: CommitFiles,
  base: TableVersion,
  said: Readonly<Record<string, string>>,
): Promise<TableMetadata> {
  const snapshot = beginReplace(base.metadata, files);
  await takeOver(storage, snapshot.manifests, currentSnapshot(base.metadata), undefined);
  return finishReplace(base, snapshot, { added: [], removed: [] }, Date.now(), said);
}
