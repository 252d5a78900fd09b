import { afterEach, describe, expect, test } from 'vitest';
import type { FaultPoint } from '../../activities/dependencies.ts';
import { balances } from '../../contracts/run.ts';
import { targetOf } from '../support/database-job.ts';
import { Judge } from '../support/judge.ts';
import { usePostgres } from '../support/postgres.ts';
import { postgresJob } from '../support/postgres-job.ts';
import { onlyObject, runJob } from '../support/run-job.ts';
import { useClient } from '../support/temporal.ts';
import { useWorker } from '../support/worker.ts';

const postgres = usePostgres();
const client = useClient();

/** What happens at a point of a run, once. */
let disturb: { readonly at: FaultPoint; readonly with: () => Promise<unknown> } | undefined;
let disturbing: Promise<unknown> | undefined;
afterEach(() => {
  disturb = undefined;
  disturbing = undefined;
});
useWorker({
  reached: async (point) => {
    if (point !== disturb?.at) return;
    // All that get there wait: an object that was committed meanwhile would rightly stay at the moment before.
    disturbing ??= disturb.with();
    await disturbing;
  },
});

/** Two accounts of many rows, each as wide as it takes to make several chunks of a megabyte. */
const ACCOUNTS = ['left', 'right']
  .map(
    (name) => `CREATE TABLE ${name}_account (id bigint PRIMARY KEY, amount bigint NOT NULL, note text);
      INSERT INTO ${name}_account SELECT i, 100, repeat('x', 500) FROM generate_series(1, 5000) i; ANALYZE ${name}_account;`,
  )
  .join('\n');
const BOTH = 'objects: [left_account, right_account]\nchunk_mb: 1\nparallel_chunks: 2';
/** Every row changes, and nothing changes in sum. */
const TRANSFER = `BEGIN; UPDATE left_account SET amount = amount - 1, note = 'moved';
  UPDATE right_account SET amount = amount + 1, note = 'moved';
  INSERT INTO left_account SELECT i, 0, 'late' FROM generate_series(5001, 5100) i; COMMIT`;
const SUMS = `SELECT (SELECT sum(amount) FROM shop.left_account), (SELECT sum(amount) FROM shop.right_account),
  (SELECT count(*) FROM shop.left_account)`;

describe('a run from Postgres to Iceberg', () => {
  test('brings every row of every table, and balances', async () => {
    await using judge = await Judge.start();
    const job = await postgresJob(postgres(), ACCOUNTS, { head: targetOf('overwrite'), source: BOTH });
    const result = await runJob(client(), job.file);
    expect(result.state).toBe('success');
    expect(result.objects.map(({ counts }) => [counts.read, counts.committed, balances(counts)])).toEqual([
      [5000, 5000, true],
      [5000, 5000, true],
    ]);
    expect(result.objects.every(({ chunks }) => chunks > 1)).toBe(true);
    const judged = await judge.of(job.lake.warehouse).rows('shop.left_account');
    const ids = new Set(judged.map(({ id }) => id));
    expect([judged.length, ids.size, judged.every(({ amount }) => amount === '100')]).toEqual([5000, 5000, true]);
  });

  test('sees one moment in all chunks and all tables, whatever happens meanwhile', async () => {
    const job = await postgresJob(postgres(), ACCOUNTS, { head: targetOf('overwrite'), source: BOTH });
    disturb = { at: 'extract:after-description', with: () => job.run(TRANSFER) };
    expect((await runJob(client(), job.file)).state).toBe('success');
    expect(await job.rows(SUMS)).toEqual([['500000', '500000', '5000']]);
    expect((await runJob(client(), job.file)).state).toBe('success');
    expect(await job.rows(SUMS)).toEqual([['495000', '505000', '5100']]);
  });

  test('begins an object again at another moment when the one that it read at is lost, and mixes none', async () => {
    const many = ACCOUNTS.replaceAll('5000)', '20000)');
    const source = 'objects: [left_account]\nchunk_mb: 1';
    const job = await postgresJob(postgres(), many, { head: targetOf('overwrite'), source });
    let lost = 0;
    disturb = {
      at: 'extract:after-description',
      with: async () => {
        await job.run(`UPDATE left_account SET note = 'moved'`);
        const ended = await job.run(
          `SELECT pg_terminate_backend(pid, 5000) AS ended FROM pg_stat_activity
           WHERE datname = current_database() AND application_name = 'dativo' AND state = 'idle in transaction'`,
        );
        lost = ended.length;
      },
    };
    expect((await runJob(client(), job.file)).state).toBe('success');
    expect(lost).toBeGreaterThan(0);
    const moved = await job.rows(`SELECT count(*), count(*) FILTER (note = 'moved') FROM shop.${job.asset}`);
    expect(moved).toEqual([['20000', '20000']]);
  });

  test('goes on after a restart of the server in the middle, and mixes nothing', async () => {
    const job = await postgresJob(postgres(), ACCOUNTS, { head: targetOf('overwrite'), source: BOTH });
    disturb = {
      at: 'extract:after-description',
      with: async () => {
        await job.run(TRANSFER);
        await postgres().stop();
        await postgres().start();
      },
    };
    expect((await runJob(client(), job.file)).state).toBe('success');
    expect(await job.rows(SUMS)).toEqual([['495000', '505000', '5100']]);
  });

  test('leaves no connection open', async () => {
    const job = await postgresJob(postgres(), ACCOUNTS, { head: targetOf('overwrite'), source: BOTH });
    await runJob(client(), job.file);
    await expect
      .poll(() =>
        job.run(
          `SELECT state FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'dativo'`,
        ),
      )
      .toEqual([]);
  });

  test('puts rows aside whose values no type of the lake can hold, and brings the others', async () => {
    const job = await postgresJob(
      postgres(),
      `CREATE TABLE orders (id int PRIMARY KEY, amount numeric(10, 2), seen timestamptz, many int[]);
       INSERT INTO orders VALUES (1, 1.5, '2024-01-01 00:00+00', '{1}'), (2, 'NaN', NULL, NULL),
         (3, 2, 'infinity', NULL), (4, 3, NULL, '{{1},{2}}'), (5, NULL, '0044-03-15 00:00+00 BC', NULL)`,
      { head: targetOf('overwrite'), source: 'objects: [orders]' },
    );
    const { counts } = onlyObject(await runJob(client(), job.file));
    expect([counts.read, counts.committed, counts.quarantined]).toEqual([5, 1, 4]);
    const table = `shop.${job.asset}`;
    expect(await job.rows(`SELECT source_file, reason, "column" FROM ${table}__quarantine ORDER BY "column"`)).toEqual([
      ['public.orders', 'CAST', 'amount'],
      ['public.orders', 'CAST', 'many'],
      ['public.orders', 'OUT_OF_RANGE', 'seen'],
      ['public.orders', 'OUT_OF_RANGE', 'seen'],
    ]);
    expect(await job.rows(`SELECT id, amount::VARCHAR, seen::VARCHAR, many FROM ${table}`)).toEqual([
      [1, '1.50', '2024-01-01 00:00:00+00', [1]],
    ]);
  });
});
