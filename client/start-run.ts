import type { Client } from '@temporalio/client';
import { openStoredJob } from '../config/open-job.ts';
import type { LoadedJob } from '../config/validate.ts';
import { ingestWorkflowId, TASK_QUEUE } from '../contracts/ids.ts';
import type { IngestInput, JsonReference, RunOptions, RunState } from '../contracts/run.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type { ingest } from '../workflows/ingest.ts';
import { registerSearchAttributes } from './search-attributes.ts';

/** A run that is going on, started by this command or by another one. */
export interface StartedRun {
  readonly job: LoadedJob;
  readonly workflowId: string;
  readonly runId: string;
  /** It ran already, and runs the job as it was when it was started. */
  readonly joined: boolean;
  readonly startedAt: number;
}

const RUNNING: RunState | 'running' = 'running';

/**
 * Starts the workflow of a job, or joins the one that runs already: an asset has one run at a time. A run that is
 * being cancelled, or that does less than is asked for now, is waited for; then a new one is started.
 */
export async function startRun(
  client: Client,
  request: {
    readonly job: LoadedJob;
    readonly reference: JsonReference;
    readonly options: RunOptions;
    readonly env: NodeJS.ProcessEnv;
  },
): Promise<StartedRun> {
  const { job, reference, options, env } = request;
  const workflowId = ingestWorkflowId(job.tenant, job.asset);
  const input: IngestInput = {
    job: reference,
    tenant: job.tenant,
    asset: job.asset,
    objects: job.objects,
    options,
    ...parallelism(job, env),
  };
  for (;;) {
    const startedAt = Date.now();
    const runId = await tryStart(client, workflowId, input, job);
    if (runId !== undefined) return { job, workflowId, runId, joined: false, startedAt };
    const running = await client.workflow.getHandle(workflowId).describe();
    if (running.status.name !== 'RUNNING') continue;
    // To join a run that does something else than was asked for would be to drop the request.
    const asksForMore = options.mode !== 'incremental';
    if (asksForMore || running.raw.workflowExtendedInfo?.cancelRequested) {
      await client.workflow
        .getHandle(workflowId, running.runId)
        .result()
        .catch(() => {});
      continue;
    }
    return { job, workflowId, runId: running.runId, joined: true, startedAt };
  }
}

/** The new run's id, or undefined when one of that workflow id runs already. */
async function tryStart(
  client: Client,
  workflowId: string,
  input: IngestInput,
  job: LoadedJob,
): Promise<string | undefined> {
  const { WorkflowExecutionAlreadyStartedError } = await import('@temporalio/client');
  const { defineSearchAttributeKey } = await import('@temporalio/common');
  const key = ({ name, type }: (typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES]) =>
    defineSearchAttributeKey(name, type);
  const connector = job.stored.job['source_connector'];
  const start = () =>
    client.workflow.start<typeof ingest>('ingest', {
      taskQueue: TASK_QUEUE,
      workflowId,
      args: [input],
      staticSummary: `${job.asset}: ${input.options.mode.replace('_', ' ')}`,
      // Asked to fail, so that joining is a decision and can be said.
      workflowIdConflictPolicy: 'FAIL',
      typedSearchAttributes: [
        { key: key(SEARCH_ATTRIBUTES.tenant), value: job.tenant },
        { key: key(SEARCH_ATTRIBUTES.asset), value: job.asset },
        { key: key(SEARCH_ATTRIBUTES.connector), value: typeof connector === 'string' ? connector : '' },
        { key: key(SEARCH_ATTRIBUTES.runState), value: RUNNING },
      ],
    });
  try {
    const handle = await start().catch(async (error: unknown) => {
      if (!(await registerSearchAttributes(client, error))) throw error;
      return start();
    });
    return handle.firstExecutionRunId;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw error;
  }
}

/** Only these two settings are resolved here: the source's secrets are for the worker alone. */
function parallelism(
  { stored }: LoadedJob,
  env: NodeJS.ProcessEnv,
): Pick<IngestInput, 'parallelChunks' | 'parallelObjects'> {
  const written = stored.job['source'];
  const source = typeof written === 'object' && written !== null && !Array.isArray(written) ? written : {};
  const settings = Object.entries(source).filter(([name]) => name === 'parallel_chunks' || name === 'parallel_objects');
  const opened = openStoredJob({ ...stored, job: { source: Object.fromEntries(settings) } }, { env }).source();
  return { parallelChunks: opened.parallel_chunks, parallelObjects: opened.parallel_objects };
}
