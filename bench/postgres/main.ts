/**
 * `npm run bench:postgres [-- rows [rounds]]`: a table of Postgres to Iceberg through the whole workflow, beside dlt on its
 * connectorx backend and beside a plain `COPY` into DuckDB's Parquet writer, in turn, each a process of its own from its
 * start to its end. The cpu of Postgres itself is in none of the figures.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { startPostgres } from '../../test/support/postgres.ts';
import { pythonWith } from '../../test/support/python-environment.ts';
import { runDatabaseJob } from '../database-run.ts';
import type { Measured } from '../measure.ts';
import { measureNode, median } from '../measure.ts';
import { BenchServer } from '../server.ts';
import { createOrders } from './table.ts';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const USAGE = z.object({ cpuSeconds: z.number(), peakMegabytes: z.number() });
const PEAK_MEGABYTES = 600;

const rows = Number(process.argv[2] ?? 2_000_000);
const rounds = Number(process.argv[3] ?? 3);
const work = await mkdtemp(path.join(os.tmpdir(), 'dativo-bench-'));
const python = await pythonWith({
  name: 'dlt',
  packages: ['dlt[filesystem,parquet]==1.31.*', 'sqlalchemy==2.0.*', 'connectorx==0.4.*', 'psycopg2-binary==2.9.*'],
  purpose: 'to compare with dlt',
  variable: 'DATIVO_BENCH_PYTHON',
});
const temporal = await BenchServer.start(work);
const connection = await Connection.connect({ address: temporal.address });
const client = new Client({ connection });
await using postgres = await startPostgres();

let folders = 0;
async function inFolder(measure: (folder: string) => Promise<Measured>): Promise<Measured> {
  const folder = path.join(work, `round-${++folders}`);
  await mkdir(folder);
  try {
    return await measure(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const duckDb = (url: string) => inFolder((folder) => measureNode([here('duckdb-copy.ts'), url, String(rows), folder]));

const dlt = (url: string) =>
  inFolder(async (folder) => {
    const env = { ...process.env, DO_NOT_TRACK: '1', RUNTIME__DLTHUB_TELEMETRY: 'false' };
    const startedAt = performance.now();
    const { stdout } = await promisify(execFile)(python, [here('dlt_connectorx.py'), url, String(rows), folder], {
      env,
    });
    const wallSeconds = (performance.now() - startedAt) / 1000;
    return { ...USAGE.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')), wallSeconds };
  });

const dativo = (url: string, round: number) =>
  inFolder(async (folder) => {
    const asset = `orders_${round}`;
    const job = path.join(folder, 'job.yaml');
    await writeFile(
      job,
      `source_connector: postgres\nasset: ${asset}\nsource:\n  connection: \${BENCH_DATABASE}\n  objects: [orders]\n` +
        'target: { namespace: bench, warehouse: lake, write_mode: overwrite }\n',
    );
    const env = { TEMPORAL_ADDRESS: temporal.address, DATIVO_HOME: path.join(work, 'home'), BENCH_DATABASE: url };
    const { object, ...measured } = await runDatabaseJob(client, { file: job, asset }, env);
    const { committed } = object.counts;
    if (committed !== rows) throw new Error(`dativo committed ${committed} rows`);
    return measured;
  });

function line(name: string, { wallSeconds, cpuSeconds, peakMegabytes }: Measured): void {
  console.log(
    `${name.padEnd(16)} wall ${wallSeconds.toFixed(2).padStart(6)} s   cpu ${cpuSeconds.toFixed(2).padStart(6)} s   ` +
      `peak ${peakMegabytes.toFixed(0).padStart(4)} MB`,
  );
}

try {
  const url = await createOrders(postgres, rows);
  console.log(`${rows} rows of 14 columns in Postgres, ${os.availableParallelism()} cores`);
  const seen: { ours: Measured; peer: Measured; plain: Measured }[] = [];
  for (let round = 0; round < rounds; round++) {
    const plain = await duckDb(url);
    line('COPY to DuckDB', plain);
    const peer = await dlt(url);
    line('dlt connectorx', peer);
    const ours = await dativo(url, round);
    line('dativo run', ours);
    seen.push({ ours, peer, plain });
  }
  const ratio = (of: keyof Measured, limit: 'peer' | 'plain') =>
    median(seen.map((round) => round.ours[of] / round[limit][of])).toFixed(2);
  console.log(`against dlt: wall ${ratio('wallSeconds', 'peer')}, cpu ${ratio('cpuSeconds', 'peer')} (at most 1)`);
  console.log(`against COPY to DuckDB: wall ${ratio('wallSeconds', 'plain')}, cpu ${ratio('cpuSeconds', 'plain')}`);
  const peak = Math.max(...seen.map(({ ours }) => ours.peakMegabytes));
  console.log(`peak memory ${peak.toFixed(0)} MB (below ${PEAK_MEGABYTES})`);
} finally {
  await connection.close();
  await temporal.stop();
  await rm(work, { recursive: true, force: true });
}
