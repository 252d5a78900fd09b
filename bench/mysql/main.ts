/**
 * `npm run bench:mysql [-- rows [rounds]]`: a table of MariaDB to Iceberg through the whole workflow, beside mysql2's own
 * streaming read of the same table, in turn.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startMariaDb } from '../../test/support/mariadb.ts';
import { measureRun } from '../csv/orders-job.ts';
import type { Measured } from '../measure.ts';
import { measureNode, median } from '../measure.ts';
import { BenchServer } from '../server.ts';
import { createOrders } from './table.ts';

const STREAM = fileURLToPath(new URL('mysql2-stream.ts', import.meta.url));

const rows = Number(process.argv[2] ?? 5_000_000);
const rounds = Number(process.argv[3] ?? 3);
const work = await mkdtemp(path.join(os.tmpdir(), 'dativo-bench-'));
const temporal = await BenchServer.start(work);
await using mariaDb = await startMariaDb({ bufferPoolMegabytes: 1024 });

async function dativo(url: string, round: number): Promise<Measured> {
  const folder = path.join(work, `run-${round}`);
  await mkdir(folder);
  const job = path.join(folder, 'job.yaml');
  await writeFile(
    job,
    `source_connector: mysql\nasset: orders_${round}\nsource:\n  connection: \${BENCH_DATABASE}\n  objects: [orders]\n` +
      'target: { namespace: bench, warehouse: lake, write_mode: overwrite }\n',
  );
  const env = {
    TEMPORAL_ADDRESS: temporal.address,
    DATIVO_HOME: path.join(work, 'home'),
    BENCH_DATABASE: url,
  };
  const measured = await measureRun([job], env);
  await rm(folder, { recursive: true });
  return measured;
}

function line(name: string, { wallSeconds, cpuSeconds, peakMegabytes }: Measured): void {
  console.log(
    `${name.padEnd(16)} ${Math.round(rows / wallSeconds / 1000)}k rows/s   wall ${wallSeconds.toFixed(2)} s   ` +
      `cpu ${cpuSeconds.toFixed(2)} s   peak ${peakMegabytes.toFixed(0)} MB`,
  );
}

try {
  const url = await createOrders(mariaDb, rows);
  console.log(`${rows} rows of 14 columns in MariaDB, ${os.availableParallelism()} cores`);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const limit = await measureNode([STREAM, url, String(rows)]);
    line('mysql2 stream', limit);
    const ours = await dativo(url, round);
    line('dativo run', ours);
    ratios.push(limit.wallSeconds / ours.wallSeconds);
  }
  console.log(`rate ${median(ratios).toFixed(2)} of mysql2's own (at least 0.80)`);
} finally {
  await temporal.stop();
  await rm(work, { recursive: true, force: true });
}
