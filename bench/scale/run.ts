import path from 'node:path';
import type { Client } from '@temporalio/client';
import { validateJob } from '../../config/validate.ts';
import { ingestWorkflowId, objectWorkflowId, TASK_QUEUE } from '../../contracts/ids.ts';
import type { IngestInput } from '../../contracts/run.ts';
import { storeJob } from '../../worker/job-store.ts';
import type { ingest } from '../../workflows/ingest.ts';
import type { Cluster } from '../cluster/cluster.ts';

/** As many as four workers take at once, so that the number of workers alone decides what is worked on. */
const PARALLEL_CHUNKS = 8;

export interface ScaleRun {
  readonly rows: number;
  readonly chunks: number;
  /** From the start of the run to its end, as Temporal has them. */
  readonly seconds: number;
  /** Of the run's own workflow and of its object's, together. */
  readonly events: number;
  /** That extracted chunks. */
  readonly activities: number;
}

/** One run of a job of the cluster, to its end. */
export async function runJob(cluster: Cluster, client: Client, asset: string): Promise<ScaleRun> {
  const { job, problems } = await validateJob(path.join(cluster.folder, `${asset}.yaml`), { env: cluster.environment });
  if (!job) throw new Error(problems.map((problem) => problem.message).join('\n'));
  const input: IngestInput = {
    job: await storeJob(job, { env: cluster.environment }),
    tenant: job.tenant,
    asset: job.asset,
    objects: job.objects,
    options: { mode: 'incremental' },
    parallelChunks: PARALLEL_CHUNKS,
    parallelObjects: 1,
  };
  const handle = await client.workflow.start<typeof ingest>('ingest', {
    taskQueue: TASK_QUEUE,
    workflowId: ingestWorkflowId(job.tenant, job.asset),
    args: [input],
  });
  const { state, objects } = await handle.result();
  const [object] = objects;
  if (state !== 'success' || !object) throw new Error(`the run of ${asset} ended as ${state}`);
  const { startTime, closeTime } = await handle.describe();
  if (!closeTime) throw new Error(`the run of ${asset} has a result and no end`);
  const child = client.workflow.getHandle(objectWorkflowId(job.tenant, job.asset, object.object));
  const histories = await Promise.all([handle.fetchHistory(), child.fetchHistory()]);
  const events = histories.flatMap((history) => history.events ?? []);
  return {
    rows: object.counts.read,
    chunks: object.chunks,
    seconds: (closeTime.getTime() - startTime.getTime()) / 1000,
    events: events.length,
    activities: events.filter(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === 'extractChunks',
    ).length,
  };
}
