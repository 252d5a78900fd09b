import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { validateJob } from '../../config/validate.ts';
import { ingestWorkflowId, TASK_QUEUE } from '../../contracts/ids.ts';
import type { IngestInput } from '../../contracts/run.ts';
import { storeJob } from '../../worker/job-store.ts';
import type { ingest } from '../../workflows/ingest.ts';
import type { BenchServer } from '../server.ts';
import type { Expected } from './data.ts';
import { writeBatch, writeJob } from './data.ts';
import type { Scenario } from './scenarios.ts';

const FAULTY_WORKER = fileURLToPath(new URL('../../test/support/faulty-worker.ts', import.meta.url));

/** Durations that a lost worker costs; in production they are longer. */
const TIMEOUTS = { heartbeatMs: 1_500, retryInitialMs: 100 };

export interface RoundResult {
  readonly warehouse: string;
  readonly expected: Expected;
  /** Rows in `_dativo.runs` that there should be. */
  readonly records: number;
  readonly killed: boolean;
  readonly finished: boolean;
  readonly seconds: number;
}

/**
 * One run that is disturbed once and then left to finish. In even rounds the table has rows already, from a run
 * before that nothing disturbed.
 */
export async function playRound(
  server: BenchServer,
  client: Client,
  scenario: Scenario,
  round: number,
  folder: string,
): Promise<RoundResult> {
  await mkdir(folder, { recursive: true });
  const tenant = `t${path.basename(folder)}`;
  const data = path.join(folder, 'data');
  // With one lane an activity has both chunks, so that a kill finds it between them too.
  const lanes = round % 4 < 2 ? 2 : 1;
  const job = await writeJob(folder, tenant, 1000);
  let expected = { rows: 0, quarantined: 0 };
  let records = 0;
  if (round % 2 === 0) {
    expected = await writeBatch(data, 0);
    const undisturbed: Scenario = { ...scenario, point: 'none', outcome: 'commit' };
    await runOnce(server, client, job, tenant, undisturbed, folder, 'before', lanes);
    records++;
  }
  const batch = await writeBatch(data, 1);
  if (scenario.outcome === 'commit')
    expected = { rows: expected.rows + batch.rows, quarantined: expected.quarantined + batch.quarantined };
  else await writeJob(folder, tenant, 0);

  const startedAt = performance.now();
  const { killed, finished, runs } = await runOnce(
    server,
    client,
    job,
    tenant,
    scenario,
    folder,
    'round',
    lanes,
    scenario.disturbance,
  );
  return {
    warehouse: path.join(folder, 'lake'),
    expected,
    records: records + runs,
    killed: killed || scenario.point === 'none',
    finished,
    seconds: (performance.now() - startedAt) / 1000,
  };
}

async function runOnce(
  server: BenchServer,
  client: Client,
  jobFile: string,
  tenant: string,
  scenario: Scenario,
  folder: string,
  name: string,
  lanes: number,
  disturbance?: Scenario['disturbance'],
): Promise<{ killed: boolean; finished: boolean; runs: number }> {
  const marker = path.join(folder, `${name}.killed`);
  const start = await starter(client, jobFile, tenant, lanes);
  const workflow = await start();
  const first = startWorker(server.address, scenario.point, marker);
  const workers = [first];
  if (disturbance === 'started-twice') {
    workers.push(startWorker(server.address, 'none', marker));
    // The second start must meet the first: it is refused, and changes nothing.
    await start().then(
      () => Promise.reject(new Error('a second run of the same asset was started')),
      () => {},
    );
  }
  const restarting = once(first, 'exit').then(([, signal]) => {
    if (signal === 'SIGKILL') workers.push(startWorker(server.address, 'none', marker));
  });
  if (disturbance === 'server-killed') {
    if (first.stdout) await once(first.stdout, 'data');
    await sleep(Math.random() * 800);
    await server.killAndRestart();
  }
  const outcome = await Promise.race([
    workflow.result().then(
      () => 'done',
      () => 'failed',
    ),
    sleep(90_000, 'stuck'),
  ]);
  for (const worker of workers) worker.kill('SIGTERM');
  await restarting;
  await Promise.all(
    workers.map((worker) =>
      worker.exitCode === null && worker.signalCode === null ? once(worker, 'exit') : undefined,
    ),
  );
  return {
    killed: existsSync(marker),
    finished: outcome === (scenario.outcome === 'commit' ? 'done' : 'failed'),
    runs: 1,
  };
}

async function starter(client: Client, jobFile: string, tenant: string, parallelChunks: number) {
  const { job, problems } = await validateJob(jobFile, { env: process.env });
  if (!job) throw new Error(problems.map((problem) => problem.message).join('\n'));
  const input: IngestInput = {
    job: await storeJob(job, { env: process.env }),
    tenant,
    asset: job.asset,
    objects: job.objects,
    options: { mode: 'incremental' },
    parallelChunks,
    parallelObjects: 1,
    timeouts: TIMEOUTS,
  };
  return () =>
    client.workflow.start<typeof ingest>('ingest', {
      taskQueue: TASK_QUEUE,
      workflowId: ingestWorkflowId(tenant, job.asset),
      args: [input],
      workflowTaskTimeout: '1s',
    });
}

function startWorker(address: string, point: string, marker: string): ChildProcess {
  return spawn(process.execPath, [FAULTY_WORKER, address, point, marker], { stdio: ['ignore', 'pipe', 'ignore'] });
}
