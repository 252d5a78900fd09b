import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { balances } from '../../contracts/run.ts';
import { queryLake } from '../../worker/lake/query.ts';
import { listRunRecords } from '../../worker/lake/run-records.ts';
import { listSnapshots } from '../../worker/lake/snapshots.ts';
import { jobFolder } from '../support/job-folder.ts';
import { Judge } from '../support/judge.ts';
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

  test('keeps a zero byte in a text for PyIceberg and for DuckDB, and in the raw text of a row that has no place for it', async () => {
    await using judge = await Judge.start();
    const job = await ordersJob('source: { path: data/*.csv, types: { id: long } }\n', {
      'data/a.csv': 'id,note\n1,a\0b\n2,\0\n3\0,c\n',
    });
    const { counts } = onlyObject(await runJob(client(), job.file));
    expect([counts.committed, counts.quarantined]).toEqual([2, 1]);
    const judged = judge.of(job.lake.warehouse);
    const byId = (rows: readonly Readonly<Record<string, unknown>>[]) =>
      rows.toSorted((a, b) => Number(a['id']) - Number(b['id']));
    const expected = [
      { id: '1', note: 'a\0b' },
      { id: '2', note: '\0' },
    ];
    expect(byId(await judged.rows(job.table))).toEqual(expected);
    expect(byId(await judged.rowsByDuckDb(job.table))).toEqual(expected);
    expect((await judged.valuesOutsideBounds(job.table)).outside).toEqual([]);
    expect((await judged.rows(job.quarantine)).map((row) => row['raw'])).toEqual(['3\0,c']);
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

  test('says what the sample left in doubt while it decides what the table becomes, and not after that', async () => {
    const values = Array.from({ length: 95 }, (_, id) => `${id},${id}.5`);
    const job = await ordersJob('source: { path: data/*.csv }\n', {
      'data/a.csv': `id,amount\n${values.join('\n')}\n95,${ROW_MARKER}\n96,none\n`,
    });
    const { notices } = onlyObject(await runJob(client(), job.file));
    expect(notices).toEqual([expect.stringMatching(/column amount: read as string.*97\.9 %.*double/)]);
    await writeFile(path.join(job.folder, 'data/b.csv'), 'id,amount\n97,1.5\n98,2.5\n99,x\n');
    expect(onlyObject(await runJob(client(), job.file)).notices).toBeUndefined();

    const unsure = await ordersJob('source: { path: data/*.csv }\n', { 'data/a.csv': `john,berlin\nz,u\nv,w\n` });
    const first = onlyObject(await runJob(client(), unsure.file, { mode: 'incremental' }));
    expect(first.notices).toEqual([expect.stringContaining('set source.header')]);
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

  test.each([
    ['a header only', 'id,amount,note\n'],
    ['nothing', ''],
  ])('overwrites with no row when the files of the source hold %s', async (_, content) => {
    const job = await ordersJob('source: { path: data/*.csv }\n', { 'data/a.csv': ORDERS });
    const text = (await readFile(job.file, 'utf8')).replace(
      'warehouse: lake',
      'warehouse: lake, write_mode: overwrite',
    );
    await writeFile(job.file, text);
    await runJob(client(), job.file);
    await writeFile(path.join(job.folder, 'data/a.csv'), content);
    expect((await runJob(client(), job.file)).state).toBe('success');
    expect(await job.rows(`SELECT count(*) FROM ${job.table}`)).toEqual([['0']]);
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

  test('refuses to go on from a checkpoint that windows have gone beyond, so that no row is doubled', async () => {
    const lines = 'source:\n  path: data/*.csv\n  incremental: { strategy: updated_after, cursor_field: updated_at }\n';
    const job = await ordersJob(lines, {
      'data/a.csv': 'id,updated_at\n1,2026-01-01 00:00:00\n2,2026-01-02 00:00:00\n',
    });
    const windowOf = (from: string, to: string) => runJob(client(), job.file, { mode: 'window', from, to });
    await runJob(client(), job.file);
    await appendFile(path.join(job.folder, 'data/a.csv'), '3,2025-12-31 00:00:00\n4,2026-01-03 00:00:00\n');
    // Below the checkpoint nothing is read again.
    expect(onlyObject(await windowOf('2025-12-01', '2026-01-01')).counts.committed).toBe(1);
    expect(onlyObject(await runJob(client(), job.file)).counts.committed).toBe(1);
    await appendFile(path.join(job.folder, 'data/a.csv'), '5,2026-01-04 00:00:00\n6,2026-01-05 00:00:00\n');
    expect(onlyObject(await windowOf('2026-01-04', '2026-01-05')).counts.committed).toBe(1);
    expect(onlyObject(await runJob(client(), job.file)).failure?.code).toBe('WINDOWS_AHEAD');
    expect(onlyObject(await windowOf('2026-01-05', '2026-01-06')).counts.committed).toBe(1);
    expect(await job.rows(`SELECT count(*), count(DISTINCT id) FROM ${job.table}`)).toEqual([['6', '6']]);

    expect(onlyObject(await runJob(client(), job.file, { mode: 'full_refresh' })).counts.committed).toBe(6);
    await appendFile(path.join(job.folder, 'data/a.csv'), '7,2026-01-06 00:00:00\n');
    expect(onlyObject(await runJob(client(), job.file)).counts.committed).toBe(1);
    expect(await job.rows(`SELECT count(*), count(DISTINCT id) FROM ${job.table}`)).toEqual([['7', '7']]);
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

    await appendFile(path.join(job.folder, 'data/a.csv'), '4,2026-01-03 00:00:00\n');
    await writeFile(path.join(job.folder, 'data/b.csv'), 'id,updated_at\n5,2026-01-03 00:00:00\n6,\n');
    const later = onlyObject(await runJob(client(), job.file)).counts;
    expect([later.read, later.committed, later.skipped]).toEqual([6, 2, { incremental: 3, null_cursor: 1 }]);
    expect(await job.rows(`SELECT count(*), count(DISTINCT id) FROM ${job.table}`)).toEqual([['5', '5']]);
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
