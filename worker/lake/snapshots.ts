import type { SnapshotLine } from '../../connectors/iceberg/reader.ts';
import { PROPERTY_PREFIX } from '../../contracts/ids.ts';
import type { LakeAddress, SnapshotEntry } from '../../contracts/lake-view.ts';
import { findTable } from './find-table.ts';
import { withReader } from './open-lake.ts';

/** The states of a table, newest first. Throws TABLE_NOT_FOUND, QUERY_INVALID when several tables have that name. */
export async function listSnapshots(lake: LakeAddress, table: string): Promise<SnapshotEntry[]> {
  return withReader(lake, async (reader) => {
    const name = await findTable(reader, lake, table.split('.'));
    return (await reader.snapshots(name)).map(toEntry).toReversed();
  });
}

function toEntry({ id, parent, time, operation, current, summary }: SnapshotLine): SnapshotEntry {
  const runId = summary[`${PROPERTY_PREFIX}run-id`] ?? summary[`${PROPERTY_PREFIX}maintenance-run-id`];
  const count = (key: string) => Number(summary[key] ?? 0);
  return {
    snapshotId: id,
    ...(parent === undefined ? {} : { parentId: parent }),
    committedAt: time,
    operation,
    ...(runId === undefined ? {} : { runId }),
    addedRows: count('added-records'),
    deletedRows: count('deleted-records'),
    totalRows: count('total-records'),
    addedFiles: count('added-data-files'),
    totalFiles: count('total-data-files'),
    current,
  };
}
