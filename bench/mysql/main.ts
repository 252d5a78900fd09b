/**
 * `npm run bench:mysql [-- rows [rounds]]`: a table of MariaDB to Iceberg through the whole workflow, beside mysql2's own
 * streaming read of the same table, in turn. Both without the start of Node, which a worker has behind it: from the
 * start of the workflow to its end, and from the query to its last row.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { startMariaDb } from '../../test/support/mariadb.ts';
import { runDatabaseJob } from '../database-run.ts';
import type { Measured } from '../measure.ts';
import { measureNode, median } from '../measure.ts';
import { BenchServer } from '../server.ts';
import { createOrders } from './table.ts';

const STREAM = fileURLToPath(new URL('mysql2-stream.ts', import.meta.url));
const RESULT = z.object({ rows: z.number(), seconds: z.number() });

const rows = Number(process.argv[2] ?? 5_000_000);
const rounds = Number(process.argv[3] ?? 5);
const work = await mkdtemp(path.join(os.tmpdir(), 'dativo-bench-'));
const temporal = await BenchServer.start(work);
const connection = await Connection.connect({ address: temporal.address });
const client = new Client({ connection });
await using mariaDb = await startMariaDb({ bufferPoolMegabytes: 1024 });

/** `seconds` without the start of Node. */
type Timed = Measured & { readonly seconds: number };

async function mysql2(url: string): Promise<Timed> {
  const resultFile = path.join(work, 'stream.json');
  const measured = await measureNode([STREAM, url, resultFile]);
  const { rows: read, seconds } = RESULT.parse(JSON.parse(await readFile(resultFile, 'utf8')));
  if (read !== rows) throw new Error(`mysql2 read ${read} rows`);
  return { ...measured, seconds };
}

async function dativo(url: string, round: number): Promise<Timed> {
  const asset = `orders_${round}`;
  const folder = path.join(work, asset);
  await mkdir(folder);
  const job = path.join(folder, 'job.yaml');
  await writeFile(
    job,
    `source_connector: mysql\nasset: ${asset}\nsource:\n  connection: \${BENCH_DATABASE}\n  objects: [orders]\n` +
      'target: { namespace: bench, warehouse: lake, write_mode: overwrite }\n',
  );
  const env = { TEMPORAL_ADDRESS: temporal.address, DATIVO_HOME: path.join(work, 'home'), BENCH_DATABASE: url };
  const { object, runSeconds, ...measured } = await runDatabaseJob(client, { file: job, asset }, env);
  const { committed } = object.counts;
  if (committed !== rows) throw new Error(`dativo committed ${committed} rows`);
  await rm(folder, { recursive: true });
  return { ...measured, seconds: runSeconds };
}

function line(name: string, { seconds, wallSeconds, cpuSeconds, peakMegabytes }: Timed): void {
  console.log(
    `${name.padEnd(14)} ${Math.round(rows / seconds / 1000)}k rows/s in ${seconds.toFixed(2)} s   ` +
      `whole command ${wallSeconds.toFixed(2)} s, cpu ${cpuSeconds.toFixed(2)} s, peak ${peakMegabytes.toFixed(0)} MB`,
  );
}

try {
  const url = await createOrders(mariaDb, rows);
  console.log(`${rows} rows of 14 columns in MariaDB, ${os.availableParallelism()} cores`);
  const pairs: { ours: Timed; limit: Timed }[] = [];
  for (let round = 0; round < rounds; round++) {
    const limit = await mysql2(url);
    line('mysql2 stream', limit);
    const ours = await dativo(url, round);
    line('dativo run', ours);
    pairs.push({ ours, limit });
  }
  const ratio = (of: (timed: Timed) => number) => median(pairs.map(({ ours, limit }) => of(limit) / of(ours)));
  console.log(
    `rate ${ratio(({ seconds }) => seconds).toFixed(2)} of mysql2's own (at least 0.80), ` +
      `whole command ${ratio(({ wallSeconds }) => wallSeconds).toFixed(2)}`,
  );
} finally {
  await connection.close();
  await temporal.stop();
  await rm(work, { recursive: true, force: true });
}
