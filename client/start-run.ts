import type { Client } from '@temporalio/client';
import { openStoredJob } from '../config/open-job.ts';
import type { LoadedJob } from '../config/validate.ts';
import { ingestWorkflowId, TASK_QUEUE } from '../contracts/ids.ts';
import { holdsSnapshot } from '../contracts/job-connectors.ts';
import type { IngestInput, JobReference, RunOptions, RunState } from '../contracts/run.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type { ingest } from '../workflows/ingest.ts';
import { fairShare } from './fairness.ts';
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
 * being cancelled, or that does less than is asked for now, is waited for; then a new one is started. Undefined when
 * the signal came before that.
 */
export async function startRun(
  client: Client,
  request: {
    readonly job: LoadedJob;
    readonly reference: JobReference;
    readonly options: RunOptions;
    readonly env: NodeJS.ProcessEnv;
    /** Stops the waiting; a run that is started already is not cancelled by it. */
    readonly signal?: AbortSignal;
    /** Hears why the start has to wait, in plain words; once for each run that is waited for. */
    readonly waits?: (why: string) => void;
  },
): Promise<StartedRun | undefined> {
  const { job, reference, options, env, signal, waits } = request;
  const workflowId = ingestWorkflowId(job.tenant, job.asset);
  const input: IngestInput = { ...ingestInput(job, reference, env), options };
  while (!signal?.aborted) {
    const startedAt = Date.now();
    const runId = await tryStart(client, workflowId, input, job);
    if (runId !== undefined) return { job, workflowId, runId, joined: false, startedAt };
    const running = await client.workflow.getHandle(workflowId).describe();
    if (running.status.name !== 'RUNNING') continue;
    // To join a run that does something else than was asked for would be to drop the request.
    const asksForMore = options.mode !== 'incremental';
    const isCancelled = running.raw.workflowExtendedInfo?.cancelRequested === true;
    if (asksForMore || isCancelled) {
      waits?.(`${job.asset}: run ${running.runId} ${isCancelled ? BEING_CANCELLED : GOES_ON}`);
      const ended = client.workflow.getHandle(workflowId, running.runId).result();
      await Promise.race([ended.catch(() => {}), aborted(signal)]);
      continue;
    }
    return { job, workflowId, runId: running.runId, joined: true, startedAt };
  }
  return undefined;
}

/** A worker that was ended without a word is missed when its heartbeats are (`workflows/profiles.ts`). */
const BEING_CANCELLED =
  'is being cancelled; waiting until it has cleaned up, which takes up to a minute when its worker was ended abruptly.';
const GOES_ON = 'is at work, and does something else than is asked for now; waiting until it has ended.';

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
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
  const start = () =>
    client.workflow.start<typeof ingest>('ingest', {
      taskQueue: TASK_QUEUE,
      workflowId,
      args: [input],
      staticSummary: `${job.asset}: ${input.options.mode.replace('_', ' ')}`,
      priority: fairShare(job.tenant),
      // Asked to fail, so that joining is a decision and can be said.
      workflowIdConflictPolicy: 'FAIL',
      typedSearchAttributes: [
        { key: key(SEARCH_ATTRIBUTES.tenant), value: job.tenant },
        { key: key(SEARCH_ATTRIBUTES.asset), value: job.asset },
        { key: key(SEARCH_ATTRIBUTES.connector), value: connectorOf(job) },
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

/** What the workflow is told about a job, but for what it reads. */
export function ingestInput(
  job: LoadedJob,
  reference: JobReference,
  env: NodeJS.ProcessEnv,
): Omit<IngestInput, 'options'> {
  const { tenant, asset, objects } = job;
  const snapshot = holdsSnapshot(connectorOf(job)) ? { holdsSnapshot: true } : {};
  return { job: reference, tenant, asset, objects, ...parallelism(job, env), ...snapshot };
}

/** As operators search for it. */
export function connectorOf({ stored }: LoadedJob): string {
  const connector = stored.job['source_connector'];
  return typeof connector === 'string' ? connector : '';
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
