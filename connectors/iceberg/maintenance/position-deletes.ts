import { exactPaths } from '../../duckdb/parquet-select.ts';
import type { DuckDbSession } from '../../duckdb/session.ts';

import type { ManifestFile } from '../manifest.ts';
import { CONTENT } from '../manifest.ts';
import { readManifests } from '../manifest-reader.ts';
import type { MaintainedTable } from './maintained-table.ts';
import { refused } from './requirements.ts';

/** A file of another writer that marks rows as deleted by their place (spec, "Position Delete Files"). */
export interface PositionDeletes {
  readonly uri: string;
  /** The data files that the rows are in, as the file names them. */
  readonly refersTo: readonly string[];
}

/**
 * The delete files in these manifests, and what each refers to. Fails with MAINTENANCE_REFUSED for those that delete
 * rows by value.
 */
export async function readPositionDeletes(
  table: MaintainedTable,
  openSession: () => Promise<DuckDbSession>,
  manifests: readonly ManifestFile[],
): Promise<PositionDeletes[]> {
  const { storage, onProgress } = table;
  const uris: string[] = [];
  for await (const { live } of readManifests(storage, manifests)) {
    for (const { data_file: file } of live) {
      if (file.content === CONTENT.positionDeletes && file.file_format.toUpperCase() === 'PARQUET') {
        uris.push(file.file_path);
        continue;
      }
      throw refused(
        table,
        'with rows that another writer deleted by their values, which compaction cannot apply',
        'no delete files, or such that name rows by their place',
        'let that writer compact the table, or leave this step out',
      );
    }
  }
  if (uris.length === 0) return [];
  const session = await openSession();
  const deletes: PositionDeletes[] = [];
  for (const uri of uris) {
    const rows = await session.rows(
      `SELECT DISTINCT file_path FROM (${selectPositions(await storage.localise([uri], session))})`,
    );
    deletes.push({ uri, refersTo: rows.map(({ file_path: path }) => String(path)) });
    onProgress();
  }
  return deletes;
}

/** SQL for `file_path` and `pos` of each deleted row; `paths` are local, at least one. */
export function selectPositions(paths: readonly string[]): string {
  return `SELECT file_path, pos FROM read_parquet(${exactPaths(paths)})`;
}

export function referredFiles(deletes: readonly PositionDeletes[]): Set<string> {
  return new Set(deletes.flatMap(({ refersTo }) => refersTo));
}
