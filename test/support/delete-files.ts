import { randomUUID } from 'node:crypto';
import { literal } from '../../connectors/duckdb/sql.ts';
import { toDataFile } from '../../connectors/iceberg/data-file.ts';
import { moveTable } from '../../connectors/iceberg/maintenance/maintained-table.ts';
import type { DataFile } from '../../connectors/iceberg/manifest.ts';
import {
  CONTENT,
  ENTRY_STATUS,
  MANIFEST_CONTENT,
  readManifestList,
  writeManifest,
  writeManifestList,
} from '../../connectors/iceberg/manifest.ts';
import { currentSchema, currentSnapshot, currentSpec } from '../../connectors/iceberg/metadata.ts';
import { withSnapshot } from '../../connectors/iceberg/new-snapshot.ts';
import { summaryCounts } from '../../connectors/iceberg/summary.ts';
import { localPath } from '../../connectors/storage/local.ts';
import type { TestLake } from './lake.ts';
import { maintained } from './maintenance.ts';

/** A row by its place: the URI of its data file and its index in it. */
export interface Place {
  readonly uri: string;
  readonly pos: number;
}

/** Marks rows of a table as deleted in a file of their own, the way merge-on-read engines do. */
export async function deleteByPlace(lake: TestLake, table: string, places: readonly Place[]): Promise<void> {
  const values = places.map(({ uri, pos }) => `(${literal(uri)}, ${pos}::BIGINT)`).join(', ');
  const select = `SELECT * FROM (VALUES ${values}) t(file_path, pos)`;
  const ids = '{file_path: 2147483546, pos: 2147483545}';
  await addDeleteFile(lake, table, select, ids, {
    content: CONTENT.positionDeletes,
    record_count: BigInt(places.length),
  });
}

/** Deletes the rows with these values of the first column, `n` of id 1. */
export async function deleteByValue(lake: TestLake, table: string, values: readonly number[]): Promise<void> {
  const select = `SELECT unnest([${values.join(', ')}])::BIGINT AS n`;
  const file = { content: CONTENT.equalityDeletes, equality_ids: [1], record_count: BigInt(values.length) };
  await addDeleteFile(lake, table, select, '{n: 1}', file);
}

async function addDeleteFile(
  lake: TestLake,
  name: string,
  select: string,
  fieldIds: string,
  described: Partial<DataFile>,
): Promise<void> {
  await using table = await maintained(lake, name, { runId: randomUUID() });
  await moveTable(table, async (version, files) => {
    const { metadata } = version;
    const parent = currentSnapshot(metadata);
    if (parent === undefined) throw new Error('the table has a snapshot');
    const uri = `${metadata.location}/data/deletes-${randomUUID()}.parquet`;
    await lake.session.run(`COPY (${select}) TO ${literal(localPath(uri))} (FORMAT parquet, FIELD_IDS ${fieldIds})`);
    const bytes = (await lake.storage.size(uri)) ?? 0;
    const file: DataFile = { ...toDataFile({ uri, rows: 0, bytes, columns: [] }, new Map()), ...described };
    // As large as those of other writers, which use 63 bits.
    const snapshotId = 4_611_686_018_427_387_904n + metadata['last-sequence-number'];
    const snapshot = {
      files,
      snapshotId,
      sequenceNumber: metadata['last-sequence-number'] + 1n,
      schema: currentSchema(metadata),
      schemas: metadata.schemas,
    };
    const added = { status: ENTRY_STATUS.added, snapshot_id: snapshotId, sequence_number: null, data_file: file };
    const manifest = await writeManifest(snapshot, 0, currentSpec(metadata), MANIFEST_CONTENT.deletes, [
      { ...added, file_sequence_number: null },
    ]);
    const earlier = await readManifestList(lake.storage, parent['manifest-list']);
    const record = {
      ...parent,
      'snapshot-id': snapshotId,
      'parent-snapshot-id': parent['snapshot-id'],
      'sequence-number': snapshot.sequenceNumber,
      'manifest-list': await writeManifestList(snapshot, parent['snapshot-id'], [...earlier, manifest]),
      summary: { operation: 'delete', ...summaryCounts(parent, [file], []) },
    };
    return { result: undefined, next: withSnapshot(metadata, record, version) };
  });
}
