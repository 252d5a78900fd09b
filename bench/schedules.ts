/**
 * `npm run bench:schedules [-- jobs]`: applies a folder of jobs with schedules to a Temporal dev server of its own: all
 * new, all unchanged, one in ten changed, all deleted. Each is a command of its own, from its start to its end.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { measureNode } from './measure.ts';
import { BenchServer } from './server.ts';

const CLI = fileURLToPath(new URL('../bin/dativo.js', import.meta.url));
const TARGET_SECONDS = 60;
const LISTED_WITHIN_MS = 60_000;

const jobs = Number(process.argv[2] ?? 1_000);
const work = await mkdtemp(path.join(os.tmpdir(), 'dativo-bench-'));
const folder = path.join(work, 'jobs');
const server = await BenchServer.start(work);
const env = { TEMPORAL_ADDRESS: server.address, DATIVO_HOME: path.join(work, 'home') };
const connection = await Connection.connect({ address: server.address });
const client = new Client({ connection });

/** A job that never runs while this lasts. Its tables, which would have schedules of their own, are not maintained. */
async function writeJob(index: number, jitter: string): Promise<void> {
  const minute = index % 60;
  await writeFile(
    path.join(folder, `orders_${index}.yaml`),
    'source_connector: csv\nsource: { path: "*.csv" }\ntarget: { namespace: bench, warehouse: ../lake }\n' +
      'maintenance: { enabled: false }\n' +
      `schedule: { cron: "${minute} 6 29 2 *", timezone: Europe/Zurich, jitter: ${jitter} }\n`,
  );
}

async function apply(name: string): Promise<number> {
  const args = [CLI, 'apply', folder, '--project', 'bench', '--yes'];
  const { wallSeconds, cpuSeconds, peakMegabytes } = await measureNode(args, env);
  console.log(
    `${name.padEnd(26)} wall ${wallSeconds.toFixed(1).padStart(5)} s   cpu ${cpuSeconds.toFixed(1).padStart(5)} s   peak ${peakMegabytes.toFixed(0)} MB`,
  );
  return wallSeconds;
}

/** The server lists a schedule a moment after it was made or deleted. */
async function listedIs(count: number): Promise<void> {
  const giveUpAt = performance.now() + LISTED_WITHIN_MS;
  for (;;) {
    let listed = 0;
    for await (const _schedule of client.schedule.list()) listed += 1;
    if (listed === count) return;
    if (performance.now() > giveUpAt) throw new Error(`${listed} schedules are listed; expected ${count}`);
    await sleep(200);
  }
}

try {
  await mkdir(folder);
  for (let index = 0; index < jobs; index++) await writeJob(index, '0s');
  console.log(`${jobs} jobs, ${os.availableParallelism()} cores, load ${os.loadavg()[0]?.toFixed(1)} before`);
  const created = await apply('all new');
  await listedIs(jobs);
  await apply('all unchanged');
  for (let index = 0; index < jobs; index += 10) await writeJob(index, '5m');
  await apply('one in ten changed');
  for (let index = 0; index < jobs; index++) await rm(path.join(folder, `orders_${index}.yaml`));
  await apply('all deleted');
  await listedIs(0);
  console.log(
    `all new in ${created.toFixed(1)} s, target ${TARGET_SECONDS} s: ${created < TARGET_SECONDS ? 'met' : 'MISSED'}`,
  );
  if (created >= TARGET_SECONDS) process.exitCode = 1;
} finally {
  await connection.close();
  await server.stop();
  await rm(work, { recursive: true, force: true });
}
