/**
 * `npm run bench:incremental [-- rows]`: one row in a hundred is changed in a table of Postgres, all in one stretch of the
 * keys and then all over it; how long the next run takes, what it reads, and how many files its upsert writes anew.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { startPostgres } from '../../test/support/postgres.ts';
import { runDatabaseJob } from '../database-run.ts';
import { BenchServer } from '../server.ts';
import { createOrders, databaseOf } from './table.ts';

const WITHIN_SECONDS = 5;

const rows = Number(process.argv[2] ?? 2_000_000);
const work = await mkdtemp(path.join(os.tmpdir(), 'dativo-bench-'));
const temporal = await BenchServer.start(work);
const connection = await Connection.connect({ address: temporal.address });
const client = new Client({ connection });
await using postgres = await startPostgres();

function run(url: string, file: string) {
  const env = { TEMPORAL_ADDRESS: temporal.address, DATIVO_HOME: path.join(work, 'home'), BENCH_DATABASE: url };
  return runDatabaseJob(client, { file, asset: 'orders' }, env);
}

try {
  const url = await createOrders(postgres, rows);
  const folder = path.join(work, 'job');
  await mkdir(folder);
  const job = path.join(folder, 'job.yaml');
  await writeFile(
    job,
    'source_connector: postgres\nasset: orders\nsource:\n  connection: ${BENCH_DATABASE}\n' +
      '  incremental: { strategy: updated_after, cursor_field: updated_at }\n' +
      // Small files, so that there are some that nothing changes in.
      'target: { namespace: bench, warehouse: lake, write_mode: upsert, target_file_size_mb: 8 }\n',
  );
  const first = await run(url, job);
  console.log(
    `${first.object.counts.committed} rows in ${first.object.files} files: wall ${first.wallSeconds.toFixed(2)} s`,
  );
  const changed = rows / 100;
  const changes = {
    'in one stretch': `id > ${rows / 2} AND id <= ${rows / 2 + changed}`,
    'all over': 'id % 100 = 0',
  };
  let hour = 0;
  for (const [where, condition] of Object.entries(changes)) {
    hour += 1;
    await postgres.run(
      `UPDATE orders SET status = 'done', updated_at = timestamp '2030-01-01' + ${hour} * interval '1 hour' +
         id * interval '1 microsecond' WHERE ${condition}`,
      databaseOf(url),
    );
    const { object, wallSeconds, cpuSeconds } = await run(url, job);
    if (object.counts.committed !== changed || object.updated !== changed) {
      throw new Error(`${object.counts.committed} rows committed, ${object.updated} updated; expected ${changed}`);
    }
    console.log(
      `${changed} rows changed ${where}: ${object.counts.read} read, ${object.files} files written; ` +
        `wall ${wallSeconds.toFixed(2)} s (below ${WITHIN_SECONDS}), cpu ${cpuSeconds.toFixed(2)} s`,
    );
  }
} finally {
  await connection.close();
  await temporal.stop();
  await rm(work, { recursive: true, force: true });
}
