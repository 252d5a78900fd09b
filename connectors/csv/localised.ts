import { DativoError, fail } from '../../contracts/errors.ts';
import type { ConnectorContext, RejectedRow, Relation } from '../connector.ts';
import type { CsvPosition } from './plan.ts';
import type { SourceFiles } from './source-files.ts';

/**
 * Reads a chunk from files on this machine: those that are elsewhere from copies, which are fetched first. What comes
 * out of it, rows that are put aside and errors, names the files as the user does.
 */
export async function localised(
  position: CsvPosition,
  places: SourceFiles,
  context: ConnectorContext,
  read: (local: CsvPosition) => Promise<Relation>,
): Promise<Relation> {
  const files = position.layouts.flatMap((layout) => layout.files);
  const copies = await places.localise(files, context);
  const names = new Map(
    copies.flatMap((copy, index) => {
      const name = files[index]?.path;
      return name === undefined || name === copy.path ? [] : [[copy.path, name] as const];
    }),
  );
  if (names.size === 0) return read(position);
  const own = new Map(files.map((file, index) => [file, copies[index] ?? file]));
  const layouts = position.layouts.map((layout) => ({
    ...layout,
    files: layout.files.map((file) => own.get(file) ?? file),
  }));
  const rename = (rows: readonly RejectedRow[]) =>
    rows.map((row) => ({ ...row, sourceFile: names.get(row.sourceFile) ?? row.sourceFile }));
  const relation = await naming(names, () => read({ ...position, layouts }));
  const { locate } = relation;
  return {
    ...relation,
    ...(locate ? { locate: async (rows) => rename(await naming(names, () => locate(rows))) } : {}),
    finish: async (limit, rowsRead) => {
      const { count, rows } = await naming(names, () => relation.finish(limit, rowsRead));
      return { count, rows: rename(rows) };
    },
  };
}

/** An error about a copy is one about the file. */
async function naming<T>(names: ReadonlyMap<string, string>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DativoError)) throw error;
    const { received, expected, next } = error.parts;
    const copy = [...names.keys()].find((path) => received.includes(path));
    if (copy === undefined) throw error;
    throw fail(error.code, { received: received.replaceAll(copy, names.get(copy) ?? copy), expected, next });
  }
}
