import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { IcebergReader } from '../../../connectors/iceberg/reader.ts';
import { localPath } from '../../../connectors/storage/local.ts';
import { optionalColumn, TestLake } from '../../support/lake.ts';

const SCHEMA = { columns: [optionalColumn('at', 'timestamptz'), optionalColumn('n', 'long')], primaryKey: [] };
const DAY = (day: number) => `TIMESTAMPTZ '2024-01-0${day} 12:00:00+00'`;

test('a question about a range opens no file that holds nothing of it', async () => {
  await using lake = await TestLake.create();
  const name = { namespace: 'shop', table: 'events' };
  const files = [];
  for (const day of [1, 2, 3]) {
    const select = `SELECT ${DAY(day)} + to_hours(i::INTEGER) AS at, i AS n FROM range(2) t(i)`;
    const staged = await lake.stage('events', SCHEMA, select);
    await lake.sink.commit(staged.runId, [{ plan: staged.plan, mode: 'append', files: staged.files }]);
    files.push(...staged.files);
  }
  const reader = await IcebergReader.open(lake.storage, lake.warehouse);
  // Whoever opened one of them now would fail.
  for (const index of [0, 2]) await rm(localPath(files[index]?.uri ?? ''));
  const count = async (range: { from?: string; to?: string }) => {
    const rows = await reader.selectWithin(name, { column: 'at', ...range }, lake.session);
    return lake.session.rows(`SELECT count(*)::INTEGER AS rows FROM (${rows})`);
  };
  expect(await count({ from: DAY(2), to: DAY(3) })).toEqual([{ rows: 2 }]);
  // The last of its rows is at 13:00; the end of a range is not in it, its beginning is.
  expect(await count({ from: `${DAY(2)} + INTERVAL 1 HOUR`, to: DAY(3) })).toEqual([{ rows: 2 }]);
  expect(await count({ from: `${DAY(2)} + INTERVAL 2 HOUR`, to: DAY(3) })).toEqual([{ rows: 0 }]);
  await expect(count({ to: DAY(3) })).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
  const unknown = reader.selectWithin(name, { column: 'other', from: '1' }, lake.session);
  expect((await unknown).match(/\.parquet/g)).toHaveLength(3);
  reader.close();
});
