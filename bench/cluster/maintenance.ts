import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { lakeId } from '../../client/lake-id.ts';
import { validateJob } from '../../config/validate.ts';
import { maintenanceWorkflowId, TASK_QUEUE } from '../../contracts/ids.ts';
import type { MaintenanceInput, MaintenanceResult, MaintenanceSettings } from '../../contracts/maintenance.ts';
import { MAINTENANCE_STEPS } from '../../contracts/maintenance.ts';
import { storeJob } from '../../worker/job-store.ts';
import type { maintain } from '../../workflows/maintain.ts';
import type { Cluster } from './cluster.ts';
import { SHARED_TABLE } from './upserts.ts';

const EVERY_MS = 5_000;
/** Small and short, so that each step has something to do within a minute. */
const BUSY: MaintenanceSettings = {
  targetFileBytes: 1_048_576,
  olderThanMs: 10_000,
  keepLast: 3,
  orphansOlderThanMs: 60_000,
};

/** One maintenance of the shared table, in the lake of the job of this file. */
export async function maintainTable(
  cluster: Cluster,
  client: Client,
  file: string,
  settings: MaintenanceSettings,
): Promise<MaintenanceResult> {
  const { job, problems } = await validateJob(file, { env: cluster.environment });
  if (!job) throw new Error(problems.map((problem) => problem.message).join('\n'));
  const reference = await storeJob(job, { env: cluster.environment });
  const input: MaintenanceInput = {
    job: reference,
    tenant: job.tenant,
    namespace: 'shop',
    table: SHARED_TABLE,
    steps: MAINTENANCE_STEPS,
    settings,
    timeouts: { heartbeatMs: 5_000, retryInitialMs: 200 },
  };
  const handle = await client.workflow.start<typeof maintain>('maintain', {
    taskQueue: TASK_QUEUE,
    workflowId: maintenanceWorkflowId(job.tenant, `shop.${SHARED_TABLE}`, lakeId(reference)),
    args: [input],
  });
  return handle.result();
}

/** Maintains the table again and again until the signal; returns how often, and what failed. */
export async function keepMaintaining(
  cluster: Cluster,
  client: Client,
  file: string,
  signal: AbortSignal,
): Promise<{ readonly done: number; readonly failures: readonly string[] }> {
  let done = 0;
  const failures: string[] = [];
  while (!signal.aborted) {
    try {
      await maintainTable(cluster, client, file, BUSY);
      done += 1;
    } catch (error) {
      failures.push(error instanceof Error ? String(error.cause ?? error.message) : String(error));
    }
    await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
  }
  return { done, failures };
}
