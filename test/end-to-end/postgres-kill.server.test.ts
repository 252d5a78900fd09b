import { once } from 'node:events';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { FaultPoint } from '../../activities/dependencies.ts';
import { targetOf } from '../support/database-job.ts';
import { temporaryFolder } from '../support/duckdb.ts';
import { useFaultyWorkers } from '../support/faulty-workers.ts';
import { usePostgres } from '../support/postgres.ts';
import { postgresJob } from '../support/postgres-job.ts';
import { runJob } from '../support/run-job.ts';
import { useClient } from '../support/temporal.ts';

const postgres = usePostgres();
const client = useClient();
const startWorker = useFaultyWorkers();

const POINTS: readonly FaultPoint[] = ['hold:held', 'extract:after-description'];

test.each(POINTS)(
  'a worker killed at %s loses no row, doubles none, and mixes no two moments',
  async (point) => {
    await using folder = await temporaryFolder();
    const job = await postgresJob(
      postgres(),
      `CREATE TABLE orders (id bigint PRIMARY KEY, version int, note text);
     INSERT INTO orders SELECT i, 1, repeat('x', 500) FROM generate_series(1, 10000) i; ANALYZE orders`,
      {
        head: targetOf('append'),
        source:
          'objects: [orders]\nchunk_mb: 1\nincremental: { strategy: updated_after, cursor_field: id, lookback_hours: 0 }',
      },
    );
    const killed = startWorker(point, path.join(folder.path, 'killed')).then(async (worker) => {
      await once(worker, 'exit');
      expect(worker.signalCode).toBe('SIGKILL');
      await job.run('UPDATE orders SET version = 2');
      await startWorker('none', '');
    });
    const [result] = await Promise.all([runJob(client(), job.file), killed]);
    expect(result.state).toBe('success');
    const found = await job.rows(`SELECT count(*), count(DISTINCT id), count(DISTINCT version) FROM shop.${job.asset}`);
    expect(found).toEqual([['10000', '10000', '1']]);
    await expect
      .poll(() =>
        job.run(
          `SELECT state FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'dativo'`,
        ),
      )
      .toEqual([]);
  },
  90_000,
);
