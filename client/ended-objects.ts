import type { Client } from '@temporalio/client';
import type { ObjectResult, ObjectState, RunFailure } from '../contracts/run.ts';
import { resultWithoutRows } from '../contracts/run.ts';
import type { ingestObject } from '../workflows/ingest-object.ts';

/**
 * What became of the objects of a run that could not tell it itself: Temporal keeps no result of a workflow that was
 * cancelled or terminated, but the objects that had begun are workflows of their own. Those that had not are not among
 * them, nor are those that are still at work.
 */
export async function endedObjects(client: Client, workflowId: string, runId: string): Promise<ObjectResult[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const started = (events ?? []).flatMap(
    (event) => event.childWorkflowExecutionStartedEventAttributes?.workflowExecution ?? [],
  );
  const objects = await Promise.all(
    started.map((child) => endedObject(client, child.workflowId ?? '', child.runId ?? '')),
  );
  return objects.flatMap((object) => object ?? []);
}

/** How the workflow of one object ended; undefined while it runs. */
export async function endedObject(
  client: Client,
  workflowId: string,
  runId: string,
): Promise<ObjectResult | undefined> {
  const handle = client.workflow.getHandle<typeof ingestObject>(workflowId, runId);
  const { status, startTime, closeTime } = await handle.describe();
  if (closeTime === undefined) return undefined;
  try {
    return await handle.result();
  } catch (error) {
    const object = workflowId.slice(workflowId.lastIndexOf('/') + 1);
    const state: ObjectState = status.name === 'CANCELLED' ? 'cancelled' : 'failed';
    const failure = state === 'failed' ? failureIn(error) : undefined;
    const [startedAt, endedAt] = [startTime.toISOString(), closeTime.toISOString()];
    const result = resultWithoutRows({ object, table: object, state, startedAt, endedAt });
    return failure === undefined ? result : { ...result, failure };
  }
}

/** The failure that an activity attached, under the layers that Temporal put around it. */
function failureIn(error: unknown): RunFailure | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const [detail]: unknown[] = 'details' in at && Array.isArray(at.details) ? at.details : [];
    if (isFailure(detail)) return { code: detail.code, message: detail.message };
  }
  return undefined;
}

function isFailure(value: unknown): value is RunFailure {
  return (
    typeof value === 'object' &&
    value !== null &&
    'code' in value &&
    'message' in value &&
    typeof value.code === 'string' &&
    typeof value.message === 'string'
  );
}
