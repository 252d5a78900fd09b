/**
 * `npm run bench:soak [-- seconds]`: a schedule starts an upsert on S3 and a REST catalog every 2 s, its source grows all
 * the time, and its table is maintained. The memory of the worker (`dativo worker`) must stay as it is, no run may fail,
 * and every run's sum must balance. PyIceberg judges the table.
 */
import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import type { IngestResult } from '../../contracts/run.ts';
import { balances } from '../../contracts/run.ts';
import type { ingest } from '../../workflows/ingest.ts';
import { median } from '../measure.ts';
import { Cluster } from './cluster.ts';
import { keepMaintaining, maintainTable } from './maintenance.ts';
import { Upserter } from './upserts.ts';
import { judgeTable } from './verdict.ts';

const CLI = fileURLToPath(new URL('../../bin/dativo.js', import.meta.url));
const EVERY_SECONDS = 2;
const LOOK_EVERY_MS = 2_000;
/** Growth of memory between the second and the last third that counts as none. */
const MOST_GROWTH = 0.1;

const seconds = Number(process.argv[2] ?? 600);
const folder = await mkdtemp(path.join(os.tmpdir(), 'dativo-soak-'));
await using cluster = await Cluster.start(folder, { workers: 0, faults: false });
const connection = await Connection.connect({ address: cluster.temporal.address });
const client = new Client({ connection });
const env = {
  ...cluster.environment,
  TEMPORAL_ADDRESS: cluster.temporal.address,
  DATIVO_HOME: path.join(folder, 'home'),
};

const upserter = new Upserter(cluster, 0);
const file = await upserter.writeJob(`schedule: { every: ${EVERY_SECONDS}s }\n`);
await upserter.writeBatch();
const worker = spawn(process.execPath, [CLI, 'worker', '--json'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
process.once('exit', () => worker.kill('SIGKILL'));
await once(worker.stdout, 'data');
await dativo('apply', folder, '--project', 'soak', '--yes');

const over = new AbortController();
setTimeout(() => over.abort(), seconds * 1_000);
const maintaining = sleep(20_000).then(() => keepMaintaining(cluster, client, file, over.signal));
const memory: number[] = [];
while (!over.signal.aborted) {
  await upserter.writeBatch();
  memory.push(await residentMegabytes(worker));
  await sleep(LOOK_EVERY_MS, undefined, { signal: over.signal }).catch(() => {});
}
await dativo('pause', upserter.asset);
const maintained = await maintaining;
await allEnded();
// What came after the last scheduled run.
await upserter.run(client, file);

const { runs, failures } = await judgeRuns();
await maintainTable(cluster, client, file, { keepLast: 1, olderThanMs: 0, orphansOlderThanMs: 0 });
const verdict = await judgeTable(cluster, upserter.expected);
worker.kill('SIGTERM');
await once(worker, 'exit');
await connection.close();

const third = Math.floor(memory.length / 3);
const [middle, last] = [median(memory.slice(third, 2 * third)), median(memory.slice(2 * third))];
const growth = last / middle - 1;
const { rows, lost, duplicated, stale, dangling, orphans } = verdict;
const problems = [...failures, ...maintained.failures, ...upserter.failures];
console.log(
  `${seconds} s: ${runs} runs, ${maintained.done} maintenances, ${problems.length} failures; memory of the worker ${middle.toFixed(0)} MB in the second third, ${last.toFixed(0)} MB in the last (at most ${(MOST_GROWTH * 100).toFixed(0)} % more)`,
);
console.log(
  `${rows} rows: ${lost} lost, ${duplicated} duplicated, ${stale} stale, ${dangling} dangling references, ${orphans} orphans`,
);
for (const problem of new Set(problems)) console.log(`  failed: ${problem}`);
for (const example of verdict.examples) console.log(`  ${example}`);
if (problems.length + lost + duplicated + stale + dangling + orphans > 0 || growth > MOST_GROWTH) process.exitCode = 1;
else await rm(folder, { recursive: true, force: true });

async function dativo(...args: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [CLI, ...args], { env });
}

/** Of Linux's own account of the process. */
async function residentMegabytes({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

async function allEnded(): Promise<void> {
  const running = { query: "ExecutionStatus = 'Running'" };
  while ((await client.workflow.count(running.query)).count > 0) await sleep(LOOK_EVERY_MS);
}

/** Every run that there was. */
async function judgeRuns(): Promise<{ readonly runs: number; readonly failures: readonly string[] }> {
  const failures: string[] = [];
  let runs = 0;
  for await (const { workflowId, runId } of client.workflow.list({ query: "WorkflowType = 'ingest'" })) {
    runs += 1;
    try {
      const handle = client.workflow.getHandle<typeof ingest>(workflowId, runId);
      failures.push(...faultsOf(await handle.result()));
    } catch (error) {
      failures.push(error instanceof Error ? String(error.cause ?? error.message) : String(error));
    }
  }
  return { runs, failures };
}

function faultsOf({ state, objects, recordFailure }: IngestResult): string[] {
  return [
    ...(state === 'success' || state === 'unchanged' ? [] : [state]),
    ...(recordFailure ? [recordFailure.message] : []),
    ...(objects.some(({ counts }) => !balances(counts)) ? ['a sum that does not balance'] : []),
  ];
}
