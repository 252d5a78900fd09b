/**
 * `npm run bench:csv [-- rows [rounds]]`: generated CSV to Iceberg through the whole workflow, beside DuckDB's own COPY
 * of the same file to Parquet, in turn; then the same at twice the rows, for memory; then small jobs, for latency.
 */
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Measured } from '../measure.ts';
import { measureNode, median } from '../measure.ts';
import { BenchServer } from '../server.ts';
import { generateOrders, ORDER_COLUMNS } from './generate-orders.ts';

const CLI = fileURLToPath(new URL('../../bin/dativo.js', import.meta.url));
/** What the first line of the launcher gives to Node. */
const LAUNCHER_OPTIONS = ['--max-semi-space-size=4'];
const COPY = fileURLToPath(new URL('duckdb-copy.ts', import.meta.url));
const DATA = path.join(os.tmpdir(), 'dativo-bench-data');

const rows = Number(process.argv[2] ?? 10_000_000);
const rounds = Number(process.argv[3] ?? 3);
const work = await mkdtemp(path.join(os.tmpdir(), 'dativo-bench-'));
const server = await BenchServer.start(work);
const env = { TEMPORAL_ADDRESS: server.address, DATIVO_HOME: path.join(work, 'home') };

async function writeJob(name: string, csv: string): Promise<{ job: string; lake: string }> {
  const folder = path.join(work, name);
  const lake = path.join(folder, 'lake');
  await mkdir(folder, { recursive: true });
  const job = path.join(folder, 'job.yaml');
  const types = Object.entries(ORDER_COLUMNS).map(
    ([column, type]) => `    ${column}: ${type === 'TIMESTAMP WITH TIME ZONE' ? 'timestamptz' : type.toLowerCase()}`,
  );
  await writeFile(
    job,
    `source_connector: csv\nasset: ${name}\nsource:\n  path: ${csv}\n  types:\n${types.join('\n')}\ntarget: { namespace: bench, warehouse: lake }\n`,
  );
  return { job, lake };
}

let runs = 0;
async function dativo(csv: string): Promise<{ measured: Measured; files: number[] }> {
  const { job, lake } = await writeJob(`orders_${++runs}`, csv);
  const measured = await measureNode([...LAUNCHER_OPTIONS, CLI, 'run', job, '--with-worker'], env);
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
  const csv = await generateOrders(DATA, rows);
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

  const twice = await dativo(await generateOrders(DATA, rows * 2));
  line(
    `dativo run, ${rows * 2} rows`,
    twice.measured,
    `data files ${twice.files.map((size) => size.toFixed(0)).join(', ')} MB`,
  );
  console.log(
    `peak memory ${median(pairs.map(({ ours }) => ours.peakMegabytes)).toFixed(0)} MB, at twice the rows ${twice.measured.peakMegabytes.toFixed(0)} MB (below 700, and the same)`,
  );

  const small = await generateOrders(DATA, 100);
  const single: number[] = [];
  for (let round = 0; round < 5; round++) single.push((await dativo(small)).measured.wallSeconds);
  const five: number[] = [];
  for (let round = 0; round < 3; round++) {
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 5 }, () => dativo(small)));
    five.push((performance.now() - startedAt) / 1000);
  }
  console.log(
    `100 rows: ${median(single).toFixed(2)} s (below 2), five commands at once ${median(five).toFixed(2)} s (below 4)`,
  );
} finally {
  await server.stop();
  await rm(work, { recursive: true, force: true });
}
