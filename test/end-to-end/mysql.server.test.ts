import { afterEach, describe, expect, test } from 'vitest';
import type { FaultPoint } from '../../activities/dependencies.ts';
import { balances } from '../../contracts/run.ts';
import type { DatabaseJob } from '../support/database-job.ts';
import { databaseJob, targetOf } from '../support/database-job.ts';
import { mariaDbTable } from '../support/database-table.ts';
import { Judge } from '../support/judge.ts';
import { useMariaDb } from '../support/mariadb.ts';
import { onlyObject, runJob } from '../support/run-job.ts';
import { useClient } from '../support/temporal.ts';
import { useWorker } from '../support/worker.ts';

const mariaDb = useMariaDb();
const client = useClient();

/** What happens at a point of a run, once. */
let disturb: { readonly at: FaultPoint; readonly with: () => Promise<unknown> } | undefined;
afterEach(() => {
  disturb = undefined;
});
useWorker({
  reached: async (point) => {
    if (point !== disturb?.at) return;
    const work = disturb.with;
    disturb = undefined;
    await work();
  },
});

async function jobOver(setup: string, more: { readonly head?: string; readonly source: string }): Promise<DatabaseJob> {
  const { url, run } = await mariaDbTable(mariaDb(), setup);
  return databaseJob({ connector: 'mysql', url, run }, more);
}

/** So wide that a table is landed in several pieces of a megabyte. */
const ACCOUNTS = ['left', 'right']
  .map(
    (name) => `CREATE TABLE ${name}_account (id bigint PRIMARY KEY, amount bigint NOT NULL, note text);
      INSERT INTO ${name}_account SELECT seq, 100, REPEAT('x', 500) FROM seq_1_to_10000;`,
  )
  .join('\n');
const BOTH = 'objects: [left_account, right_account]\nchunk_mb: 1\nbatch_rows: 1000';
const OPEN = (database: string) =>
  `SELECT id FROM information_schema.processlist WHERE db = '${database}' AND id <> CONNECTION_ID()`;

describe('a run from MariaDB to Iceberg', () => {
  test('brings every row of every table, the same in every column, and balances', async () => {
    await using judge = await Judge.start();
    const job = await jobOver(ACCOUNTS, { head: targetOf('overwrite'), source: BOTH });
    const result = await runJob(client(), job.file);
    expect(result.state).toBe('success');
    expect(result.objects.map(({ counts }) => [counts.read, counts.committed, balances(counts)])).toEqual([
      [10_000, 10_000, true],
      [10_000, 10_000, true],
    ]);
    const judged = await judge.of(job.lake.warehouse).rows('shop.left_account');
    const ids = new Set(judged.map(({ id }) => id));
    expect([judged.length, ids.size, judged.every(({ amount }) => amount === '100')]).toEqual([10_000, 10_000, true]);
    const { files } = await judge.of(job.lake.warehouse).describe('shop.left_account');
    expect(files.length).toBeGreaterThan(1);
  });

  test('sees one moment of each table, whatever happens while it is read', async () => {
    const job = await jobOver(ACCOUNTS, { head: targetOf('overwrite'), source: BOTH });
    const spoil = `UPDATE left_account SET amount = 0, note = 'moved'; UPDATE right_account SET amount = 0, note = 'moved';
      INSERT INTO left_account SELECT seq, 0, 'late' FROM seq_10001_to_10100`;
    disturb = { at: 'extract:after-data-files', with: () => job.run(spoil) };
    expect((await runJob(client(), job.file)).state).toBe('success');
    const moments = async (table: string) =>
      (await job.rows(`SELECT count(DISTINCT amount), count(*) FROM shop.${table}`))[0];
    expect((await moments('left_account'))?.[0]).toBe('1');
    expect((await moments('right_account'))?.[0]).toBe('1');
    expect((await runJob(client(), job.file)).state).toBe('success');
    expect(await job.rows(`SELECT sum(amount), count(*) FROM shop.left_account`)).toEqual([['0', '10100']]);
  });

  test('goes on after a restart of the server in the middle, and mixes nothing', async () => {
    const job = await jobOver(ACCOUNTS, { head: targetOf('overwrite'), source: BOTH });
    disturb = {
      at: 'extract:after-data-files',
      with: async () => {
        await job.run(`UPDATE left_account SET amount = amount - 1; UPDATE right_account SET amount = amount - 1`);
        await mariaDb().stop();
        await mariaDb().start();
      },
    };
    const result = await runJob(client(), job.file);
    expect(result.state).toBe('success');
    for (const table of ['left_account', 'right_account']) {
      expect(await job.rows(`SELECT count(*), count(DISTINCT id), count(DISTINCT amount) FROM shop.${table}`)).toEqual([
        ['10000', '10000', '1'],
      ]);
    }
  });

  test('adds what is new, once, and upserts by the key of the table', async () => {
    const setup = `CREATE TABLE orders (id int PRIMARY KEY, state varchar(10), at timestamp(6) NOT NULL);
      INSERT INTO orders SELECT seq, 'new', '2024-01-01' + INTERVAL seq SECOND FROM seq_1_to_1000`;
    const incremental = 'objects: [orders]\nincremental: { strategy: updated_after, cursor_field: at }';
    const job = await jobOver(setup, { head: targetOf('upsert'), source: incremental });
    expect(onlyObject(await runJob(client(), job.file)).counts.committed).toBe(1000);
    expect((await runJob(client(), job.file)).objects[0]?.counts.read).toBe(0);
    await job.run(`UPDATE orders SET state = 'paid', at = '2024-02-01' WHERE id <= 10;
      INSERT INTO orders VALUES (1001, 'new', '2024-02-01')`);
    const { counts } = onlyObject(await runJob(client(), job.file));
    expect([counts.read, counts.committed]).toEqual([11, 11]);
    expect(await job.rows(`SELECT state, count(*) FROM shop.${job.asset} GROUP BY ALL ORDER BY ALL`)).toEqual([
      ['new', '991'],
      ['paid', '10'],
    ]);
  });

  test('follows columns that are added, where the job says so', async () => {
    const job = await jobOver(
      `CREATE TABLE orders (id int PRIMARY KEY, version int); INSERT INTO orders VALUES (1, 1)`,
      {
        head: `schema_mode: warn\n${targetOf('upsert')}`,
        source: 'objects: [orders]\nincremental: { strategy: updated_after, cursor_field: version }',
      },
    );
    await runJob(client(), job.file);
    await job.run(`ALTER TABLE orders ADD seen timestamp NULL, MODIFY version bigint;
      INSERT INTO orders VALUES (2, 2, '2024-01-01 05:45:00')`);
    expect(onlyObject(await runJob(client(), job.file)).counts.committed).toBe(1);
    expect(await job.rows(`SELECT id, version, seen::VARCHAR FROM shop.${job.asset} ORDER BY id`)).toEqual([
      [1, '1', null],
      [2, '2', '2024-01-01 00:00:00+00'],
    ]);
  });

  test('puts rows with dates that no calendar has into quarantine, and brings the others', async () => {
    const job = await jobOver(
      `CREATE TABLE orders (id int PRIMARY KEY, day date); INSERT INTO orders VALUES (1, '2024-01-31'), (2, 0), (3, NULL)`,
      { head: targetOf('overwrite'), source: 'objects: [orders]' },
    );
    const { counts } = onlyObject(await runJob(client(), job.file));
    expect([counts.read, counts.committed, counts.quarantined]).toEqual([3, 2, 1]);
    expect(await job.rows(`SELECT reason, "column", raw FROM shop.${job.asset}__quarantine`)).toEqual([
      ['CAST', 'day', '{"id":"2","day":"0000-00-00"}'],
    ]);
  });

  test('leaves no connection open', async () => {
    const { url, run, database } = await mariaDbTable(mariaDb(), ACCOUNTS);
    const job = await databaseJob({ connector: 'mysql', url, run }, { head: targetOf('overwrite'), source: BOTH });
    await runJob(client(), job.file);
    await expect.poll(() => run(OPEN(database)), { timeout: 10_000 }).toEqual([]);
  });
});
