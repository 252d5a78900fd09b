import type { Client } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { validateJob } from '../../config/validate.ts';
import { ingestWorkflowId, TASK_QUEUE } from '../../contracts/ids.ts';
import { holdsSnapshot } from '../../contracts/job-connectors.ts';
import type { IngestInput, IngestResult, ObjectResult, RunOptions } from '../../contracts/run.ts';
import { storeJob } from '../../worker/job-store.ts';
import type { ingest } from '../../workflows/ingest.ts';

/** Validates a job file, runs it through Temporal, and gives its result, whether it succeeded or failed. */
export async function runJob(
  client: Client,
  file: string,
  options: RunOptions = { mode: 'incremental' },
): Promise<IngestResult> {
  const handle = await startJob(client, file, options);
  try {
    return await handle.result();
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
    const details: unknown =
      cause instanceof ApplicationFailure && cause.type === 'RunFailed' ? cause.details?.[0] : undefined;
    if (isResult(details)) return details;
    throw error;
  }
}

export async function startJob(client: Client, file: string, options: RunOptions = { mode: 'incremental' }) {
  const { job, problems } = await validateJob(file, { env: process.env });
  if (!job) throw new Error(problems.map(({ line, message }) => `${line}: ${message}`).join('\n'));
  const input: IngestInput = {
    job: await storeJob(job, { env: process.env }),
    tenant: job.tenant,
    asset: job.asset,
    objects: job.objects,
    options,
    parallelChunks: 2,
    parallelObjects: 2,
    ...(holdsSnapshot(String(job.stored.job['source_connector'])) ? { holdsSnapshot: true } : {}),
    timeouts: { heartbeatMs: 10_000, retryInitialMs: 100 },
  };
  return client.workflow.start<typeof ingest>('ingest', {
    taskQueue: TASK_QUEUE,
    workflowId: ingestWorkflowId(job.tenant, job.asset),
    args: [input],
  });
}

/** The result of the only object of a run. */
export function onlyObject({ objects }: IngestResult): ObjectResult {
  const [object, ...others] = objects;
  if (!object || others.length > 0) throw new Error(`a run of ${objects.length} objects`);
  return object;
}

function isResult(value: unknown): value is IngestResult {
  return typeof value === 'object' && value !== null && 'state' in value && 'objects' in value;
}
