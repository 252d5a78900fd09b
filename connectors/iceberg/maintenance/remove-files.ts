import type { Figures } from '../../../contracts/maintenance.ts';
import { addFigures, NO_FIGURES } from '../../../contracts/maintenance.ts';
import type { MaintainedTable } from './maintained-table.ts';

const AT_ONCE = 1000;

/** Removes files and the folders that they leave empty, up to and without `within`. */
export async function removeFiles(
  { storage, signal, onProgress }: MaintainedTable,
  files: readonly { readonly uri: string; readonly bytes: number }[],
  within: string,
): Promise<Figures> {
  let removed: Figures = NO_FIGURES;
  for (let first = 0; first < files.length; first += AT_ONCE) {
    signal.throwIfAborted();
    const some = files.slice(first, first + AT_ONCE);
    await storage.remove(
      some.map(({ uri }) => uri),
      within,
    );
    removed = some.reduce((sum, { bytes }) => addFigures(sum, { files: 1, bytes }), removed);
    onProgress();
  }
  return removed;
}
