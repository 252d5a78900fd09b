import { once } from 'node:events';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { FaultPoint } from '../../activities/dependencies.ts';
import { databaseJob, targetOf } from '../support/database-job.ts';
import { mariaDbTable } from '../support/database-table.ts';
import { temporaryFolder } from '../support/duckdb.ts';
import { useFaultyWorkers } from '../support/faulty-workers.ts';
import { useMariaDb } from '../support/mariadb.ts';
import { runJob } from '../support/run-job.ts';
import { useClient } from '../support/temporal.ts';

const mariaDb = useMariaDb();
const client = useClient();
const startWorker = useFaultyWorkers();

const POINTS: readonly FaultPoint[] = ['extract:after-data-files', 'extract:after-description', 'commit:done'];

test.each(POINTS)(
  'a worker killed at %s loses no row, doubles none, and mixes no two moments',
  async (point) => {
    await using folder = await temporaryFolder();
    const { url, run, database } = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE orders (id bigint PRIMARY KEY, version int, note text);
       INSERT INTO orders SELECT seq, 1, REPEAT('x', 500) FROM seq_1_to_10000`,
    );
    const job = await databaseJob(
      { connector: 'mysql', url, run },
      {
        head: targetOf('append'),
        source: 'objects: [orders]\nchunk_mb: 1\nincremental: { strategy: updated_after, cursor_field: id }',
      },
    );
    const killed = startWorker(point, path.join(folder.path, 'killed')).then(async (worker) => {
      await once(worker, 'exit');
      expect(worker.signalCode).toBe('SIGKILL');
      await run('UPDATE orders SET version = 2');
      await startWorker('none', '');
    });
    const [result] = await Promise.all([runJob(client(), job.file), killed]);
    expect(result.state).toBe('success');
    const found = await job.rows(`SELECT count(*), count(DISTINCT id), count(DISTINCT version) FROM shop.${job.asset}`);
    expect(found).toEqual([['10000', '10000', '1']]);
    await expect
      .poll(() =>
        run(`SELECT id FROM information_schema.processlist WHERE db = '${database}' AND id <> CONNECTION_ID()`),
      )
      .toEqual([]);
  },
  90_000,
);
