import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { balances } from '../../contracts/run.ts';
import { listRunRecords, listSnapshots, queryLake } from '../../worker/lake.ts';
import { jobFolder } from '../support/job-folder.ts';
import { ROW_MARKER } from '../support/marker.ts';
import { onlyObject, runJob } from '../support/run-job.ts';
import { useClient } from '../support/temporal.ts';
import { useWorker } from '../support/worker.ts';

useWorker();
const client = useClient();

let jobs = 0;
/** A job with the given lines in its folder; its asset is its own, so that no two tests meet in one workflow. */
async function ordersJob(lines: string, files: Readonly<Record<string, string>>) {
  const asset = `orders_${process.pid}_${++jobs}`;
  const folder = await jobFolder({
    ...files,
    'job.yaml': `source_connector: csv\nasset: ${asset}\ntarget: { namespace: shop, warehouse: lake }\n${lines}`,
  });
  const lake = { warehouse: path.join(folder, 'lake') };
  return {
    folder,
    lake,
    asset,
    file: path.join(folder, 'job.yaml'),
    rows: async (sql: string) => (await queryLake(lake, sql, { limit: 100 })).rows,
    table: `shop.${asset}`,
    quarantine: `shop.${asset}__quarantine`,
  };
}

const ORDERS = `id,amount,note\n1,10.5,first\n2,,${ROW_MARKER}\n3,7,third\n`;

describe('a run from CSV to Iceberg', () => {
  test('commits every row and says so in words, counts and a run record', async () => {
    const job = await ordersJob('source: { path: data/*.csv }\n', { 'data/a.csv': ORDERS });
    const result = await runJob(client(), job.file);
    const object = onlyObject(result);
    expect([result.state, object.counts.read, object.counts.committed]).toEqual(['success', 3, 3]);
    expect(await job.rows(`SELECT id, amount FROM ${job.table} ORDER BY id`)).toEqual([
      ['1', 10.5],
      ['2', null],
      ['3', 7],
    ]);
    expect(await listRunRecords(job.lake, {})).toMatchObject([
      {
        runId: result.runId,
        asset: job.asset,
        state: 'success',
        rowsRead: 3,
        rowsCommitted: 3,
        snapshotId: object.snapshotId,
      },
    ]);
  });

  test('moves nothing when it is run again, and only what is new after that', async () => {
    const job = await ordersJob('source: { path: data/*.csv }\n', { 'data/a.csv': ORDERS });
    await runJob(client(), job.file);
    const again = await runJob(client(), job.file);
    expect([again.state, onlyObject(again).unchangedUnits]).toEqual(['unchanged', 1]);
    expect(await listSnapshots(job.lake, job.table)).toHaveLength(1);

    await writeFile(path.join(job.folder, 'data/b.csv'), 'id,amount,note\n4,1,fourth\n');
    const added = onlyObject(await runJob(client(), job.file));
    expect([added.counts.read, added.unchangedUnits]).toEqual([1, 1]);
    expect(await job.rows(`SELECT count(*), count(DISTINCT id) FROM ${job.table}`)).toEqual([['4', '4']]);
  });

  test('puts malformed rows aside with file, line, raw text and reason, and goes on', async () => {
    const job = await ordersJob('source: { path: data/*.csv, types: { amount: double } }\n', {
      'data/a.csv': `id,amount,note\n1,10.5,first\n2,${ROW_MARKER},second\n3,7\n4,8,fourth,extra\n5,9,fifth\n`,
    });
    const { counts } = onlyObject(await runJob(client(), job.file));
    expect([counts.read, counts.committed, counts.quarantined, balances(counts)]).toEqual([5, 2, 3, true]);
    const rows = await job.rows(`SELECT source_file, line, reason, raw FROM ${job.quarantine} ORDER BY line`);
    expect(rows).toEqual([
      [path.join(job.folder, 'data/a.csv'), '3', 'CAST', `2,${ROW_MARKER},second`],
      [path.join(job.folder, 'data/a.csv'), '4', expect.stringContaining('COLUMNS'), '3,7'],
      [path.join(job.folder, 'data/a.csv'), '5', expect.stringContaining('COLUMNS'), '4,8,fourth,extra'],
    ]);
  });

  test('fails and leaves nothing behind when there are more bad rows than allowed', async () => {
    const job = await ordersJob('source: { path: data/*.csv, types: { amount: double }, max_bad_rows: 1 }\n', {
      'data/a.csv': `id,amount\n1,${ROW_MARKER}\n2,bad\n3,4\n`,
    });
    const result = await runJob(client(), job.file);
    expect([result.state, onlyObject(result).failure?.code]).toEqual(['failed', 'TOO_MANY_BAD_ROWS']);
    const left = await readdir(path.join(job.folder, 'lake'), { recursive: true });
    expect(left.filter((name) => name.includes(job.asset) && name.endsWith('.parquet'))).toEqual([]);
    expect(left.filter((name) => name.includes('_dativo/work/'))).toEqual([]);
  });

  test('replaces what the table holds on a full refresh, in one commit', async () => {
    const job = await ordersJob('source: { path: data/*.csv }\n', { 'data/a.csv': ORDERS });
    await runJob(client(), job.file);
    await runJob(client(), job.file, { mode: 'full_refresh' });
    expect(await job.rows(`SELECT count(*) FROM ${job.table}`)).toEqual([['3']]);
    expect((await listSnapshots(job.lake, job.table)).map(({ operation }) => operation)).toEqual([
      'overwrite',
      'append',
    ]);
  });

  test('says that rows are appended again when a file has changed', async () => {
    const job = await ordersJob('source: { path: data/*.csv }\n', { 'data/a.csv': ORDERS });
    await runJob(client(), job.file);
    await appendFile(path.join(job.folder, 'data/a.csv'), '4,1,fourth\n');
    const { counts, notices } = onlyObject(await runJob(client(), job.file));
    expect([counts.committed, notices]).toEqual([4, [expect.stringContaining('a.csv changed')]]);
  });

  test('overwrites with what the source holds now, also when a file is gone', async () => {
    const job = await ordersJob('source: { path: data/*.csv }\n', {
      'data/a.csv': ORDERS,
      'data/b.csv': 'id,amount,note\n4,1,fourth\n',
    });
    const text = (await readFile(job.file, 'utf8')).replace(
      'warehouse: lake',
      'warehouse: lake, write_mode: overwrite',
    );
    await writeFile(job.file, text);
    await runJob(client(), job.file);
    await rm(path.join(job.folder, 'data/a.csv'));
    await runJob(client(), job.file);
    expect(await job.rows(`SELECT id FROM ${job.table}`)).toEqual([['4']]);
    expect((await runJob(client(), job.file)).state).toBe('unchanged');
  });

  test('refuses a window that the table has rows in, so that none is doubled', async () => {
    const lines = 'source:\n  path: data/*.csv\n  incremental: { strategy: updated_after, cursor_field: updated_at }\n';
    const job = await ordersJob(lines, {
      'data/a.csv': 'id,updated_at\n1,2026-01-01 00:00:00\n2,2026-01-02 00:00:00\n',
    });
    const window = { mode: 'window', from: '2026-01-01', to: '2026-01-02' } as const;
    expect(onlyObject(await runJob(client(), job.file, window)).counts.committed).toBe(1);
    expect(onlyObject(await runJob(client(), job.file, window)).failure?.code).toBe('WINDOW_NOT_EMPTY');
    expect(await job.rows(`SELECT count(*) FROM ${job.table}`)).toEqual([['1']]);
  });

  test('reads only rows after the highest cursor when it follows one', async () => {
    const lines = 'source:\n  path: data/*.csv\n  incremental: { strategy: updated_after, cursor_field: updated_at }\n';
    const job = await ordersJob(lines, {
      'data/a.csv': 'id,updated_at\n1,2026-01-01 00:00:00\n2,2026-01-02 00:00:00\n',
    });
    await runJob(client(), job.file);
    await appendFile(path.join(job.folder, 'data/a.csv'), '3,2026-01-03 00:00:00\n');
    const { counts } = onlyObject(await runJob(client(), job.file));
    expect([counts.read, counts.committed, counts.skipped, balances(counts)]).toEqual([3, 1, { incremental: 2 }, true]);
    expect(await job.rows(`SELECT count(*), count(DISTINCT id) FROM ${job.table}`)).toEqual([['3', '3']]);
  });

  test('evolves the table in warn mode and records how', async () => {
    const job = await ordersJob('schema_mode: warn\nsource: { path: data/*.csv }\n', {
      'data/a.csv': 'id,amount\n1,2\n',
    });
    await runJob(client(), job.file);
    await writeFile(path.join(job.folder, 'data/b.csv'), 'id,amount,note\n2,3,new\n');
    const { schemaChanges, counts } = onlyObject(await runJob(client(), job.file));
    expect([schemaChanges, counts.committed]).toEqual([[expect.stringContaining('note')], 1]);
    expect(await job.rows(`SELECT * FROM ${job.table} ORDER BY id`)).toEqual([
      ['1', '2', null],
      ['2', '3', 'new'],
    ]);
  });

  test('refuses a changed schema in strict mode and names every difference', async () => {
    const job = await ordersJob('schema_mode: strict\nsource: { path: data/*.csv }\n', {
      'data/a.csv': 'id,amount,note\n1,2,x\n',
    });
    await runJob(client(), job.file);
    await writeFile(path.join(job.folder, 'data/a.csv'), 'id,note,extra\n1,x,y\n');
    const { failure } = onlyObject(await runJob(client(), job.file));
    expect(failure?.code).toBe('SCHEMA_MISMATCH');
    expect(failure?.message).toMatch(/amount.*missing.*extra.*unknown/);
  });

  test('keeps rows aside that a contract does not allow', async () => {
    const job = await ordersJob('asset_path: contract.yaml\nsource: { path: data/*.csv }\n', {
      'data/a.csv': 'id,amount\n1,2.25\n,3.5\n3,1.12\n',
      'contract.yaml': `apiVersion: v3.0.2
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    logicalType: object
    properties:
      - { name: id, logicalType: integer, physicalType: bigint, required: true, primaryKey: true }
      - { name: amount, logicalType: number, physicalType: "decimal(10,2)" }
`,
    });
    const { counts } = onlyObject(await runJob(client(), job.file));
    expect([counts.read, counts.committed, counts.quarantined]).toEqual([3, 2, 1]);
    expect(await job.rows(`SELECT reason, "column" FROM ${job.quarantine}`)).toEqual([['REQUIRED', 'id']]);
  });

  test('counts rows that a filter leaves out under the name of the filter', async () => {
    const lines = `source: { path: data/*.csv }
transformations:
  - { name: paid, type: filter, expression: amount is not null }
  - { name: cents, type: sql, expression: "(amount * 100)::bigint" }
  - { name: share, type: sql, expression: "amount / sum(amount) over ()" }
`;
    const job = await ordersJob(lines, { 'data/a.csv': ORDERS });
    const { counts } = onlyObject(await runJob(client(), job.file));
    expect([counts, balances(counts)]).toEqual([{ ...counts, read: 3, committed: 2, skipped: { paid: 1 } }, true]);
    expect(await job.rows(`SELECT id, cents, share FROM ${job.table} ORDER BY id`)).toEqual([
      ['1', '1050', 0.6],
      ['3', '700', 0.4],
    ]);
  });

  test('writes plain Parquet files with a manifest when that is the target', async () => {
    const job = await ordersJob('target_connector: parquet\nsource: { path: data/*.csv }\n', { 'data/a.csv': ORDERS });
    const first = onlyObject(await runJob(client(), job.file));
    const second = onlyObject(await runJob(client(), job.file));
    expect([first.state, first.counts.committed, second.state]).toEqual(['success', 3, 'unchanged']);
    const files = await readdir(path.join(job.folder, 'lake/shop', job.asset), { recursive: true });
    expect(files.filter((name) => name.endsWith('.parquet'))).toHaveLength(1);
  });

  test('stays partial when one of several objects cannot be read', async () => {
    const lines = 'source: { path: "data/{object}.csv", objects: [good, missing] }\n';
    const job = await ordersJob(lines, { 'data/good.csv': ORDERS });
    const result = await runJob(client(), job.file);
    expect([result.state, result.objects.map(({ state }) => state)]).toEqual(['partial', ['success', 'failed']]);
    expect(result.objects[1]?.failure?.code).toBe('SOURCE_NOT_FOUND');
    expect(await job.rows('SELECT count(*) FROM shop.good')).toEqual([['3']]);
  });
});
