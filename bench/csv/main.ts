/**
 * `npm run bench:csv [-- rows [rounds]]`: generated CSV to Iceberg through the whole workflow, beside DuckDB's own COPY
 * of the same file to Parquet, in turn; then the same at twice the rows, for memory; then small jobs, for latency, see `npm run bench:small`.
 */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Measured } from '../measure.ts';
import { measureNode, median } from '../measure.ts';
import { BenchServer } from '../server.ts';
import { BENCH_DATA, generateOrders } from './generate-orders.ts';
import { measureRun, writeJob } from './orders-job.ts';
import { measureSmallJobs } from './small-jobs.ts';

const COPY = fileURLToPath(new URL('duckdb-copy.ts', import.meta.url));

const rows = Number(process.argv[2] ?? 10_000_000);
const rounds = Number(process.argv[3] ?? 3);
const work = await mkdtemp(path.join(os.tmpdir(), 'dativo-bench-'));
const server = await BenchServer.start(work);
const env = { TEMPORAL_ADDRESS: server.address, DATIVO_HOME: path.join(work, 'home') };

let runs = 0;
async function dativo(csv: string): Promise<{ measured: Measured; files: number[] }> {
  const { job, lake } = await writeJob(work, `orders_${++runs}`, csv);
  const measured = await measureRun([job], env);
  const files: number[] = [];
  for (const entry of await readdir(path.join(lake, 'bench'), { recursive: true, withFileTypes: true })) {
    if (entry.name.endsWith('.parquet')) files.push((await stat(path.join(entry.parentPath, entry.name))).size / 1e6);
  }
  await rm(lake, { recursive: true });
  return { measured, files };
}

async function duckdb(csv: string): Promise<Measured> {
  const target = path.join(work, 'copy.parquet');
  const measured = await measureNode([COPY, csv, target]);
  await rm(target);
  return measured;
}

function line(name: string, { wallSeconds, cpuSeconds, peakMegabytes }: Measured, note = ''): void {
  console.log(
    `${name.padEnd(22)} wall ${wallSeconds.toFixed(1).padStart(6)} s   cpu ${cpuSeconds.toFixed(1).padStart(6)} s   peak ${peakMegabytes.toFixed(0).padStart(5)} MB   ${note}`,
  );
}

try {
  const csv = await generateOrders(BENCH_DATA, rows);
  console.log(
    `${rows} rows, ${((await stat(csv)).size / 1e9).toFixed(2)} GB of CSV, ${os.availableParallelism()} cores`,
  );
  const pairs: { ours: Measured; limit: Measured }[] = [];
  for (let round = 0; round < rounds; round++) {
    const limit = await duckdb(csv);
    line('DuckDB COPY', limit);
    const { measured: ours, files } = await dativo(csv);
    line('dativo run', ours, `data files ${files.map((size) => size.toFixed(0)).join(', ')} MB`);
    pairs.push({ ours, limit });
  }
  const ratio = (of: (measured: Measured) => number) => median(pairs.map(({ ours, limit }) => of(ours) / of(limit)));
  console.log(
    `cpu ratio ${ratio((m) => m.cpuSeconds).toFixed(2)} (at most 1.25), wall ratio ${ratio((m) => m.wallSeconds).toFixed(2)} (at most 1.30)`,
  );

  const twice = await dativo(await generateOrders(BENCH_DATA, rows * 2));
  line(
    `dativo run, ${rows * 2} rows`,
    twice.measured,
    `data files ${twice.files.map((size) => size.toFixed(0)).join(', ')} MB`,
  );
  console.log(
    `peak memory ${median(pairs.map(({ ours }) => ours.peakMegabytes)).toFixed(0)} MB, at twice the rows ${twice.measured.peakMegabytes.toFixed(0)} MB (below 700, and the same)`,
  );

  await measureSmallJobs(work, env);
} finally {
  await server.stop();
  await rm(work, { recursive: true, force: true });
}
