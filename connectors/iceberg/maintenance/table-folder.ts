import type { Figures } from '../../../contracts/maintenance.ts';
import { addFigures, NO_FIGURES } from '../../../contracts/maintenance.ts';
import type { Storage } from '../../storage/storage.ts';
import { inFolder } from '../../storage/storage.ts';
import { dataFolder, metadataFolder } from '../commit-files.ts';
import type { MaintainedTable } from './maintained-table.ts';
import { removeFiles } from './remove-files.ts';

interface SizedFile {
  readonly uri: string;
  readonly bytes: number;
}

/** Whether a file is below a folder, however the two are spelled. */
export function isBelow(storage: Storage, folder: string): (uri: string) => boolean {
  const prefix = storage.nameOf(inFolder(folder, ''));
  return (uri) => storage.nameOf(uri).startsWith(prefix);
}

/** Removes files of a table's folders for data and metadata. Folders that they leave empty go, but not these two. */
export async function removeFromTable(
  table: MaintainedTable,
  location: string,
  files: readonly SizedFile[],
): Promise<Figures> {
  const isData = isBelow(table.storage, dataFolder(location));
  const byFolder = Map.groupBy(files, ({ uri }) => (isData(uri) ? dataFolder(location) : metadataFolder(location)));
  let removed: Figures = NO_FIGURES;
  for (const [folder, own] of byFolder) removed = addFigures(removed, await removeFiles(table, own, folder));
  return removed;
}

export function figuresOf(files: readonly SizedFile[]): Figures {
  return files.reduce((sum, { bytes }) => addFigures(sum, { files: 1, bytes }), NO_FIGURES);
}
