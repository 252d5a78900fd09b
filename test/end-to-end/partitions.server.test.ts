import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { balances } from '../../contracts/run.ts';
import { queryLake } from '../../worker/lake/query.ts';
import { jobFolder } from '../support/job-folder.ts';
import { ROW_MARKER } from '../support/marker.ts';
import { onlyObject, runJob } from '../support/run-job.ts';
import { useClient } from '../support/temporal.ts';
import { useWorker } from '../support/worker.ts';

useWorker();
const client = useClient();

let jobs = 0;
async function dividedJob(target: string, csv: string, more = '') {
  const asset = `divided_${process.pid}_${++jobs}`;
  const content = (layout: string) =>
    `source_connector: csv\nasset: ${asset}\nsource: { path: data/*.csv, types: { id: long } }\ntarget: { namespace: shop, warehouse: lake, ${layout} }\n${more}`;
  const folder = await jobFolder({ 'data/1.csv': csv, 'job.yaml': content(target) });
  const warehouse = path.join(folder, 'lake');
  const query = async (sql: string) => (await queryLake({ warehouse }, sql, { limit: 100 })).rows;
  return {
    run: async (options?: Parameters<typeof runJob>[2]) =>
      onlyObject(await runJob(client(), path.join(folder, 'job.yaml'), options)),
    file: (name: string, content: string) => writeFile(path.join(folder, 'data', name), content),
    change: (layout: string) => writeFile(path.join(folder, 'job.yaml'), content(layout)),
    rows: () => query(`SELECT * FROM shop.${asset} ORDER BY ALL`),
    quarantine: () => query(`SELECT line, "column", reason FROM shop.${asset}__quarantine`),
  };
}

const DAYS = 'id,placed\n1,2024-01-01\n2,2024-01-01\n3,2024-01-02\n';

describe('a job with partitions', () => {
  test('replaces the partitions that a changed file brings rows of, and counts every row', async () => {
    const job = await dividedJob('write_mode: overwrite, overwrite: partitions, partition_by: [day(placed)]', DAYS);
    expect(await job.run()).toMatchObject({ state: 'success', files: 2 });
    await job.file('2.csv', 'id,placed\n4,2024-01-02\n5,2024-01-03\n');
    const second = await job.run();
    expect([second.counts.committed, second.files, balances(second.counts)]).toEqual([2, 2, true]);
    expect((await job.rows()).map(([id]) => id)).toEqual(['1', '2', '4', '5']);
    expect(await job.run()).toMatchObject({ state: 'unchanged' });
    await job.run({ mode: 'full_refresh' });
    expect((await job.rows()).map(([id]) => id)).toEqual(['1', '2', '3', '4', '5']);
  });

  test('says that new files are divided in another way, and is refused when the column is gone', async () => {
    const job = await dividedJob('partition_by: [placed]', DAYS);
    await job.run();
    await job.change('partition_by: [month(placed)]');
    await job.file('2.csv', 'id,placed\n4,2024-02-01\n');
    expect(await job.run()).toMatchObject({
      schemaChanges: ['partition by month(placed) instead of placed; files written before stay as they are'],
    });
    await job.file('3.csv', 'id,note\n5,x\n');
    expect(await job.run()).toMatchObject({ state: 'success' });
    const gone = await dividedJob(
      'partition_by: [placed]',
      DAYS,
      'transformations: [{ type: sql, name: x, expression: "1" }]\n',
    );
    await gone.file('1.csv', 'id,note\n5,x\n');
    expect(await gone.run()).toMatchObject({
      state: 'failed',
      failure: { code: 'LAYOUT_INVALID', message: expect.stringContaining('placed') },
    });
  });

  test('puts a number that has no truncation aside, and no value of a row into what it says', async () => {
    const job = await dividedJob(
      'partition_by: ["truncate(10, id)", name]',
      `id,name\n-9223372036854775808,a\n7,${ROW_MARKER}\n`,
    );
    expect(await job.run()).toMatchObject({ counts: { committed: 1, quarantined: 1 } });
    expect(await job.quarantine()).toEqual([['2', 'id', 'OUT_OF_RANGE']]);
  });

  test('upserts a row that moves to another partition', async () => {
    const job = await dividedJob(
      'write_mode: upsert, primary_key: [id], partition_by: [day(placed)], sort_by: [id]',
      DAYS,
    );
    await job.run();
    await job.file('2.csv', 'id,placed\n2,2024-01-02\n4,2024-01-09\n');
    expect(await job.run()).toMatchObject({ state: 'success', updated: 1 });
    expect(await job.rows()).toEqual([
      ['1', '2024-01-01'],
      ['2', '2024-01-02'],
      ['3', '2024-01-02'],
      ['4', '2024-01-09'],
    ]);
  });
});
