/**
 * `npm run bench:scale [-- chunks]`: one job of 100 chunks on S3 and a REST catalog, with 1, 2 and 4 `dativo worker`
 * processes that get a fixed share of cpu each; how much throughput each one adds, and how many events the runs left in
 * Temporal's history. Then `npm run bench:schedules`: 1,000 schedules.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { Cluster } from '../cluster/cluster.ts';
import { LimitedWorker } from './limited-worker.ts';
import type { ScaleRun } from './run.ts';
import { runJob } from './run.ts';
import { multiply, ROWS_PER_FILE, writeChunkFile } from './source.ts';

const SCHEDULES = fileURLToPath(new URL('../schedules.ts', import.meta.url));
const WORKERS = [1, 2, 4] as const;
/** Of the cores, for the workers of the largest round together; the servers and this process have the rest. */
const WORKERS_PART = 0.8;
const LEAST_GROWTH = 0.8;
/** Of the run's workflow and of its object's together. */
const MOST_EVENTS = 200;

const chunks = Number(process.argv[2] ?? 100);
const cores = os.availableParallelism();
const coresPerWorker = (cores * WORKERS_PART) / Math.max(...WORKERS);
const folder = await mkdtemp(path.join(os.tmpdir(), 'dativo-scale-'));
let missed = false;

interface Round extends ScaleRun {
  readonly workers: number;
  readonly rowsPerSecond: number;
}

async function playRound(cluster: Cluster, client: Client, workers: number): Promise<Round> {
  await using stack = new AsyncDisposableStack();
  const env = (index: number) => ({
    ...cluster.environment,
    TEMPORAL_ADDRESS: cluster.temporal.address,
    // As on machines of their own.
    DATIVO_HOST: `host-${index}`,
    DATIVO_HOME: path.join(folder, `home-${workers}-${index}`),
  });
  const started = await Promise.all(
    Array.from({ length: workers }, async (_, index) => {
      const name = `dativo-bench-${process.pid}-${workers}-${index}`;
      const log = path.join(folder, `worker-${workers}-${index}.log`);
      return stack.use(await LimitedWorker.start(coresPerWorker, name, env(index), log));
    }),
  );
  const cpuOf = async () => (await Promise.all(started.map((worker) => worker.cpuSeconds()))).reduce((a, b) => a + b);
  const [cpuBefore, machineBefore] = [await cpuOf(), machineSeconds()];
  const run = await runJob(cluster, client, `orders_${workers}`);
  const [cpu, machine] = [(await cpuOf()) - cpuBefore, machineSeconds() - machineBefore];
  if (run.rows !== chunks * ROWS_PER_FILE || run.chunks !== chunks) {
    throw new Error(`${run.rows} rows in ${run.chunks} chunks; expected ${chunks * ROWS_PER_FILE} in ${chunks}`);
  }
  const rowsPerSecond = run.rows / run.seconds;
  console.log(
    `${workers} worker${workers > 1 ? 's' : ' '}  ${Math.round(rowsPerSecond).toLocaleString('en').padStart(9)} rows/s   wall ${run.seconds.toFixed(1).padStart(6)} s   ` +
      `workers used ${((cpu / run.seconds / workers / coresPerWorker) * 100).toFixed(0).padStart(3)} % of their share, ${(cpu / (run.rows / 1e6)).toFixed(2)} s of cpu for 1M rows; ` +
      `${(machine / run.seconds).toFixed(2)} of ${cores} cores busy; ${run.activities} activities, ${run.events} events of history`,
  );
  return { ...run, workers, rowsPerSecond };
}

/** What the machine's cores have worked since it was started, for whomever. */
function machineSeconds(): number {
  return os.cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000;
}

function judge(what: string, isMet: boolean): void {
  console.log(`${what}: ${isMet ? 'met' : 'MISSED'}`);
  if (!isMet) missed = true;
}

async function scale(): Promise<void> {
  await using cluster = await Cluster.start(folder, { workers: 0, faults: false });
  const connection = await Connection.connect({ address: cluster.temporal.address });
  try {
    const client = new Client({ connection });
    console.log(
      `${chunks} chunks of ${ROWS_PER_FILE.toLocaleString('en')} rows, ${cores} cores, ${coresPerWorker} of a core for each worker, load ${os.loadavg()[0]?.toFixed(1)} before`,
    );
    const file = await writeChunkFile(path.join(folder, 'scratch'));
    const rounds: Round[] = [];
    for (const workers of WORKERS) {
      await cluster.writeJob(`orders_${workers}`, ['orders'], '', { files: '*.csv.gz' });
      await multiply(file, cluster.source(`orders_${workers}`, 'orders'), chunks);
      rounds.push(await playRound(cluster, client, workers));
    }
    const [alone] = rounds;
    if (!alone) return;
    for (const [index, { workers, rowsPerSecond }] of rounds.entries()) {
      const before = rounds[index - 1];
      if (!before) continue;
      const added = (rowsPerSecond - before.rowsPerSecond) / alone.rowsPerSecond / (workers - before.workers);
      judge(
        `from ${before.workers} to ${workers} workers: ${added.toFixed(2)} of one worker's throughput for each added (at least ${LEAST_GROWTH.toFixed(2)})`,
        added >= LEAST_GROWTH,
      );
    }
    const events = Math.max(...rounds.map((round) => round.events));
    judge(`at most ${events} events of history for ${chunks} chunks (fewer than ${MOST_EVENTS})`, events < MOST_EVENTS);
  } finally {
    await connection.close();
  }
}

try {
  await scale();
} finally {
  await rm(folder, { recursive: true, force: true });
}
const schedules = spawn(process.execPath, [SCHEDULES], { stdio: 'inherit' });
const [code] = await once(schedules, 'exit');
if (missed || code !== 0) process.exitCode = 1;
