import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { literal } from '../../../connectors/duckdb/sql.ts';
import { CommitFiles } from '../../../connectors/iceberg/commit-files.ts';
import { commitUuid, metadataFileName } from '../../../connectors/iceberg/commit-names.ts';
import { toDataFile } from '../../../connectors/iceberg/data-file.ts';
import { writeJson } from '../../../connectors/iceberg/json.ts';
import { loadTable } from '../../../connectors/iceberg/load.ts';
import type { SnapshotInProgress } from '../../../connectors/iceberg/manifest.ts';
import {
  CONTENT,
  ENTRY_STATUS,
  MANIFEST_CONTENT,
  readManifestList,
  writeManifest,
  writeManifestList,
} from '../../../connectors/iceberg/manifest.ts';
import { currentSchema, currentSnapshot, currentSpec } from '../../../connectors/iceberg/metadata.ts';
import { IcebergReader } from '../../../connectors/iceberg/reader.ts';
import { SqliteCatalog } from '../../../connectors/iceberg/sqlite-catalog.ts';
import { Judge } from '../../support/judge.ts';
import { TestLake } from '../../support/lake.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

const NAME = { namespace: 'shop', table: 'numbers' };
const ID = 4_611_686_018_427_387_904n;

/** Marks the first row of the table's only data file as deleted, the way merge-on-read engines do. */
async function deleteFirstRow(lake: TestLake): Promise<void> {
  const catalog = await SqliteCatalog.open(lake);
  const version = await loadTable(catalog, lake.storage, NAME);
  const parent = version && currentSnapshot(version.metadata);
  if (version === undefined || parent === undefined) throw new Error('the table has a snapshot');
  const { metadata } = version;
  const [data] = (await judge.of(lake.folder).describe('shop.numbers')).files;
  const uri = `${metadata.location}/data/deletes.parquet`;
  await lake.session.run(
    `COPY (SELECT ${literal(data?.path ?? '')} AS file_path, 0::BIGINT AS pos) TO ${literal(lake.storage.toLocalPath(uri))}
     (FORMAT parquet, FIELD_IDS {file_path: 2147483546, pos: 2147483545})`,
  );
  const bytes = (await lake.storage.size(uri)) ?? 0;
  const files = new CommitFiles(lake.storage, metadata.location, commitUuid('their-run'));
  const snapshot: SnapshotInProgress = { files, snapshotId: ID, sequenceNumber: 2n, schema: currentSchema(metadata) };
  const deletes = await writeManifest(snapshot, 0, currentSpec(metadata), MANIFEST_CONTENT.deletes, [
    {
      status: ENTRY_STATUS.added,
      snapshot_id: ID,
      sequence_number: null,
      file_sequence_number: null,
      data_file: { ...toDataFile({ uri, rows: 1, bytes, columns: [] }, new Map()), content: CONTENT.positionDeletes },
    },
  ]);
  const list = await writeManifestList(snapshot, parent['snapshot-id'], [
    ...(await readManifestList(lake.storage, parent['manifest-list'])),
    deletes,
  ]);
  const next = {
    ...metadata,
    'last-sequence-number': 2n,
    'current-snapshot-id': ID,
    refs: { main: { 'snapshot-id': ID, type: 'branch' } },
    snapshots: [
      parent,
      {
        ...parent,
        'snapshot-id': ID,
        'parent-snapshot-id': parent['snapshot-id'],
        'sequence-number': 2n,
        'manifest-list': list,
        summary: {
          operation: 'delete',
          'total-data-files': '1',
          'total-records': '10',
          'total-delete-files': '1',
          'total-position-deletes': '1',
        },
      },
    ],
  };
  const to = await files.write(metadataFileName(version.location, files.uuid), writeJson(next));
  await catalog.exclusively(async (move) => move({ ...NAME, from: version.location, to }));
  catalog.close();
}

describe('rows that another engine deleted in files of their own', () => {
  test('stay deleted when we append, and our own reader refuses to show them', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 10));
    await deleteFirstRow(lake);
    await lake.write('numbers', NUMBERS, numbers(10, 12));

    const sorted = (await judge.of(lake.folder).rows('shop.numbers'))
      .map((row) => Number(row['n']))
      .toSorted((a, b) => a - b);
    expect(sorted).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    const reader = await IcebergReader.open(lake.storage, lake.warehouse);
    await expect(reader.select(NAME)).rejects.toMatchObject({ code: 'NOT_AVAILABLE_YET' });
    reader.close();
  });

  test('are gone with the rest when we replace the table', async () => {
    await using lake = await TestLake.create();
    await lake.write('numbers', NUMBERS, numbers(0, 10));
    await deleteFirstRow(lake);
    await lake.write('numbers', NUMBERS, numbers(0, 3), { mode: 'replace' });

    expect(await judge.of(lake.folder).count('shop.numbers')).toBe(3);
    expect(await judge.of(lake.folder).rowsByDuckDb('shop.numbers')).toHaveLength(3);
    expect((await judge.of(lake.folder).describe('shop.numbers')).snapshots.at(-1)?.summary).toMatchObject({
      'removed-delete-files': '1',
      'removed-position-deletes': '1',
      'total-delete-files': '0',
      'total-records': '3',
    });
  });
});
