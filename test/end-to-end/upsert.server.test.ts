import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { balances } from '../../contracts/run.ts';
import { queryLake } from '../../worker/lake/query.ts';
import { jobFolder } from '../support/job-folder.ts';
import { onlyObject, runJob } from '../support/run-job.ts';
import { useClient } from '../support/temporal.ts';
import { useWorker } from '../support/worker.ts';

useWorker();
const client = useClient();

let jobs = 0;
async function upsertJob(target: string, csv: string) {
  const asset = `users_${process.pid}_${++jobs}`;
  const folder = await jobFolder({
    'data/1.csv': csv,
    'job.yaml': `source_connector: csv\nasset: ${asset}\nsource: { path: data/*.csv, types: { note: string } }\ntarget: { namespace: shop, warehouse: lake, write_mode: upsert, ${target} }\n`,
  });
  return {
    run: async (options?: Parameters<typeof runJob>[2]) =>
      onlyObject(await runJob(client(), path.join(folder, 'job.yaml'), options)),
    add: (name: string, content: string) => writeFile(path.join(folder, 'data', name), content),
    rows: async () =>
      (
        await queryLake({ warehouse: path.join(folder, 'lake') }, `SELECT * FROM shop.${asset} ORDER BY ALL`, {
          limit: 100,
        })
      ).rows,
    quarantine: async () =>
      (
        await queryLake(
          { warehouse: path.join(folder, 'lake') },
          `SELECT line, "column", reason FROM shop.${asset}__quarantine`,
          { limit: 100 },
        )
      ).rows,
  };
}

describe('an upsert job', () => {
  test('replaces rows by their key, adds the others, and says how many', async () => {
    const job = await upsertJob('primary_key: [id]', 'id,note\n1,a\n2,b\n3,c\n');
    expect(await job.run()).toMatchObject({ state: 'success', updated: 0 });
    await job.add('2.csv', 'id,note\n2,B\n4,d\n');
    const second = await job.run();
    expect([second.counts.committed, second.updated, balances(second.counts)]).toEqual([2, 1, true]);
    expect(await job.rows()).toEqual([
      ['1', 'a'],
      ['2', 'B'],
      ['3', 'c'],
      ['4', 'd'],
    ]);
    expect(await job.run()).toMatchObject({ state: 'unchanged' });
  });

  test('reads a changed file again without a row coming twice', async () => {
    const job = await upsertJob('primary_key: [id]', 'id,note\n1,a\n2,b\n');
    await job.run();
    await job.add('1.csv', 'id,note\n1,a\n2,b2\n3,c\n');
    await job.run();
    expect(await job.rows()).toEqual([
      ['1', 'a'],
      ['2', 'b2'],
      ['3', 'c'],
    ]);
  });

  test('keeps the newest of several rows with one key, and counts the others as skipped', async () => {
    const job = await upsertJob(
      'primary_key: [id], latest_by: at',
      'id,at,note\n1,2024-01-02 00:00:00,new\n1,2024-01-01 00:00:00,old\n2,2024-01-01 00:00:00,x\n',
    );
    const first = await job.run();
    expect(first.counts).toMatchObject({ read: 3, committed: 2, skipped: { latest_by: 1 } });
    await job.add('2.csv', 'id,at,note\n1,2023-01-01 00:00:00,late\n2,2024-05-01 00:00:00,y\n');
    const second = await job.run();
    expect(second.counts).toMatchObject({ read: 2, committed: 1, skipped: { latest_by: 1 } });
    expect((await job.rows()).map((row) => row.at(-1))).toEqual(['new', 'y']);
  });

  test('puts rows without a key aside, and fails for two rows of one key without an order', async () => {
    const job = await upsertJob('primary_key: [id]', 'id,note\n1,a\n,nobody\n');
    expect((await job.run()).counts).toMatchObject({ committed: 1, quarantined: 1 });
    expect(await job.quarantine()).toEqual([['3', 'id', 'REQUIRED']]);
    await job.add('2.csv', 'id,note\n5,a\n5,b\n');
    expect(await job.run()).toMatchObject({ state: 'failed', failure: { code: 'DUPLICATE_KEY' } });
    expect(await job.rows()).toEqual([['1', 'a']]);
  });

  test('that is refreshed in full leaves what the source holds, each key once', async () => {
    const job = await upsertJob('primary_key: [id], latest_by: note', 'id,note\n1,a\n1,b\n2,c\n');
    await job.run();
    await job.add('1.csv', 'id,note\n1,z\n1,y\n');
    const refreshed = await job.run({ mode: 'full_refresh' });
    expect(refreshed.counts).toMatchObject({ committed: 1, skipped: { latest_by: 1 } });
    expect(await job.rows()).toEqual([['1', 'z']]);
  });

  test('without a key, or with one that is no column, is refused with a sentence', async () => {
    const none = await upsertJob('target_file_size_mb: 10', 'id,note\n1,a\n');
    expect((await none.run()).failure?.code).toBe('PRIMARY_KEY_INVALID');
    const unknown = await upsertJob('primary_key: [ident]', 'id,note\n1,a\n');
    expect((await unknown.run()).failure?.message).toMatch(/ident, which is no column .* one of id, note/);
  });
});
