import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { ingestWorkflowId } from '../contracts/ids.ts';
import { WAITING } from '../contracts/schedule.ts';
import type { scheduledIngest } from '../workflows/scheduled-ingest.ts';
import { currentDetails } from './current-details.ts';
import { listedRun } from './run-list.ts';
import type { KnownSchedule } from './schedule-store.ts';

const LOOK_EVERY_MS = 200;
const STARTED_WITHIN_MS = 30_000;
const TAKEN_WITHIN_MS = 10_000;

/** What a schedule started when it was triggered: `scheduledIngest`. */
export interface Triggered {
  readonly workflowId: string;
  readonly runId: string;
}

/** How far that has come. */
export type TriggerState =
  /** The run goes on, or has ended. */
  | { readonly kind: 'started'; readonly runId: string }
  /** It ended without a run; the state is `skipped`, `failed` or `cancelled`. */
  | { readonly kind: 'ended'; readonly state: string }
  /** A run of the asset goes on, and its end is waited for; or no worker has taken it yet. */
  | { readonly kind: 'waiting'; readonly words: string };

/**
 * Triggers a schedule, paused or not, and returns what it started; undefined when the server takes unusually long. The
 * server's own overlap policy is passed by: what is started applies it, and can say what it did.
 */
export async function triggerSchedule(client: Client, known: KnownSchedule): Promise<Triggered | undefined> {
  const handle = client.schedule.getHandle(known.scheduleId);
  const before = new Set(known.description.info.recentActions.map(({ action }) => action.workflow.firstExecutionRunId));
  await handle.trigger('ALLOW_ALL');
  for (const deadline = Date.now() + STARTED_WITHIN_MS; Date.now() < deadline; await sleep(LOOK_EVERY_MS)) {
    const { info } = await handle.describe();
    const action = info.recentActions.findLast(({ action: { workflow } }) => !before.has(workflow.firstExecutionRunId));
    if (action) {
      const { workflowId, firstExecutionRunId: runId } = action.action.workflow;
      return { workflowId, runId };
    }
  }
  return undefined;
}

/** Looks until it is decided whether a run was started. */
export async function followTrigger(
  client: Client,
  { workflowId, runId }: Triggered,
  { tenant, asset }: KnownSchedule,
): Promise<TriggerState> {
  const child = ingestWorkflowId(tenant, asset);
  for (const deadline = Date.now() + TAKEN_WITHIN_MS; ; await sleep(LOOK_EVERY_MS)) {
    const description = await client.workflow.getHandle(workflowId, runId).describe();
    const { raw } = description;
    const started = raw.pendingChildren?.find((pending) => pending.workflowId === child && pending.runId);
    if (started?.runId) return { kind: 'started', runId: started.runId };
    if (description.status.name !== 'RUNNING') {
      return (await startedBy(client, workflowId, runId)) ?? { kind: 'ended', state: listedRun(description).state };
    }
    const words = await currentDetails(client, workflowId);
    if (words?.includes(WAITING)) return { kind: 'waiting', words };
    if (Date.now() >= deadline) return { kind: 'waiting', words: words ?? `${asset}: no worker has taken it yet.` };
  }
}

/** The run that a workflow which has ended had started, as its result or its failure says; a run may be that short. */
async function startedBy(client: Client, workflowId: string, runId: string): Promise<TriggerState | undefined> {
  const handle = client.workflow.getHandle<typeof scheduledIngest>(workflowId, runId);
  const outcome: unknown = await handle.result().catch((error: unknown) => failureDetails(error));
  const started = typeof outcome === 'object' && outcome !== null && 'runId' in outcome ? outcome.runId : undefined;
  return typeof started === 'string' ? { kind: 'started', runId: started } : undefined;
}

/** `details[0]` of the failure that a workflow ended with. */
export function failureDetails(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return typeof cause === 'object' && cause !== null && 'details' in cause && Array.isArray(cause.details)
    ? cause.details[0]
    : undefined;
}
