import { defineSearchAttributeKey } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/activities.ts';
import { objectWorkflowId } from '../contracts/ids.ts';
import type { IngestInput, IngestObjectInput, IngestResult, ObjectResult, RunState } from '../contracts/run.ts';
import { resultWithoutRows } from '../contracts/run.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { mapBounded } from './bounded.ts';
import { toRunFailure } from './failures.ts';
import { ingestObject } from './ingest-object.ts';
import { profiles } from './profiles.ts';
import { underSnapshot } from './under-snapshot.ts';

const { name: runStateName, type: runStateType } = SEARCH_ATTRIBUTES.runState;
const RUN_STATE = defineSearchAttributeKey(runStateName, runStateType);

/** One run of a job: each object in a child of its own, then the run record. One bad object does not stop the others. */
export async function ingest(input: IngestInput): Promise<IngestResult> {
  const { firstExecutionRunId: runId } = workflowInfo();
  setCurrentDetails(`${input.asset}: ${input.objects.length} object(s) running.`);
  const objects = await underSnapshot(input, runId, () =>
    mapBounded(input.objects, input.parallelObjects, (object) => ingestOne(input, object, runId)),
  );

  const state = overallState(objects);
  const result = await publish(input, { runId, tenant: input.tenant, asset: input.asset, state, objects });
  upsertSearchAttributes([{ key: RUN_STATE, value: state }]);
  setCurrentDetails(inWords(result));
  // A run without any success is shown as failed by Temporal too; its result travels in the failure.
  if (state === 'failed') throw ApplicationFailure.nonRetryable(inWords(result), 'RunFailed', result);
  if (state === 'cancelled') throw new CancelledFailure(inWords(result));
  return result;
}

/** Writes the run record. What was committed stands, whether this succeeds or not; that it failed is shown. */
async function publish(input: IngestInput, result: IngestResult): Promise<IngestResult> {
  const { publishRun } = proxyActivities<Activities>(profiles(input).publish);
  try {
    await CancellationScope.nonCancellable(() => publishRun({ job: input.job, mode: input.options.mode, result }));
    return result;
  } catch (error) {
    return { ...result, recordFailure: toRunFailure(error) };
  }
}

async function ingestOne(input: IngestInput, object: string, runId: string): Promise<ObjectResult> {
  const startedAt = new Date().toISOString();
  const { objects: _objects, parallelObjects: _parallelObjects, ...shared } = input;
  const child: IngestObjectInput = { ...shared, object, runId };
  try {
    return await executeChild(ingestObject, {
      workflowId: objectWorkflowId(input.tenant, input.asset, object),
      args: [child],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: `${object} of ${input.asset}`,
    });
  } catch (error) {
    const state = isCancellation(error) ? 'cancelled' : 'failed';
    const endedAt = new Date().toISOString();
    return {
      ...resultWithoutRows({ object, table: object, state, startedAt, endedAt }),
      failure: toRunFailure(error),
    };
  }
}

function overallState(objects: readonly ObjectResult[]): RunState {
  const states = new Set(objects.map((object) => object.state));
  if (states.has('cancelled')) return 'cancelled';
  if (!states.has('failed')) return states.has('success') ? 'success' : 'unchanged';
  return states.has('success') || states.has('unchanged') ? 'partial' : 'failed';
}

function inWords(result: IngestResult): string {
  const { recordFailure } = result;
  return recordFailure === undefined
    ? outcome(result)
    : `${outcome(result)} The run record is missing: ${recordFailure.message}`;
}

function outcome(result: IngestResult): string {
  const { state, asset, objects } = result;
  const rows = objects.reduce((sum, object) => sum + object.counts.committed, 0);
  switch (state) {
    case 'success':
      return `${asset}: ${rows} rows committed.`;
    case 'unchanged':
      return `${asset}: nothing new in the source; nothing was committed.`;
    case 'partial':
      return `${asset}: ${rows} rows committed; ${objects.filter((object) => object.state === 'failed').length} of ${objects.length} objects failed.`;
    case 'failed':
      return `${asset}: failed; nothing was committed. ${objects.find((object) => object.failure)?.failure?.message ?? ''}`.trim();
    case 'cancelled':
      return `${asset}: cancelled; ${rows} rows had been committed before.`;
  }
}
