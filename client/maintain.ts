import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { maintenanceWorkflowId, TASK_QUEUE } from '../contracts/ids.ts';
import type { MaintenanceInput, MaintenanceResult, MaintenanceState } from '../contracts/maintenance.ts';
import type { RunFailure } from '../contracts/run.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type { maintain } from '../workflows/maintain.ts';
import { currentDetails } from './current-details.ts';
import { fairShare } from './fairness.ts';
import { lakeId } from './lake-id.ts';
import { registerSearchAttributes } from './search-attributes.ts';

const LOOK_EVERY_MS = 500;

/** A maintenance that goes on, started by this command or by another one. */
export interface StartedMaintenance {
  /** `namespace.table`. */
  readonly table: string;
  readonly workflowId: string;
  readonly runId: string;
  /** It went on already, and does what it was told then. */
  readonly joined: boolean;
}

/** How a maintenance ended; without a result where it was ended by force or could not say. */
export interface EndedMaintenance extends StartedMaintenance {
  readonly state: MaintenanceState;
  readonly result?: MaintenanceResult;
  readonly failure?: RunFailure;
}

/** Starts the maintenance of a table, or joins the one that goes on: a table has one at a time. */
export async function startMaintenance(client: Client, input: MaintenanceInput): Promise<StartedMaintenance> {
  const table = `${input.namespace}.${input.table}`;
  const dryRun = input.dryRun === true;
  const workflowId = maintenanceWorkflowId(input.tenant, table, lakeId(input.job), { dryRun });
  const { WorkflowExecutionAlreadyStartedError } = await import('@temporalio/client');
  const { defineSearchAttributeKey } = await import('@temporalio/common');
  const attribute = ({ name, type }: (typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES], value: string) => ({
    key: defineSearchAttributeKey(name, type),
    value,
  });
  const start = () =>
    client.workflow.start<typeof maintain>('maintain', {
      taskQueue: TASK_QUEUE,
      workflowId,
      args: [input],
      staticSummary: `${table}: maintenance${dryRun ? ', dry run' : ''}`,
      priority: fairShare(input.tenant),
      workflowIdConflictPolicy: 'FAIL',
      typedSearchAttributes: [
        attribute(SEARCH_ATTRIBUTES.tenant, input.tenant),
        attribute(SEARCH_ATTRIBUTES.asset, table),
        attribute(SEARCH_ATTRIBUTES.runState, 'running'),
      ],
    });
  for (;;) {
    try {
      const handle = await start().catch(async (error: unknown) => {
        if (!(await registerSearchAttributes(client, error))) throw error;
        return start();
      });
      return { table, workflowId, runId: handle.firstExecutionRunId, joined: false };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    const { status, runId } = await client.workflow.getHandle(workflowId).describe();
    if (status.name === 'RUNNING') return { table, workflowId, runId, joined: true };
  }
}

/** Waits for the end; `say` is given each new sentence that the maintenance says about itself. */
export async function followMaintenance(
  client: Client,
  started: StartedMaintenance,
  say: (words: string) => void,
): Promise<EndedMaintenance> {
  const handle = client.workflow.getHandle<typeof maintain>(started.workflowId, started.runId);
  let ending: EndedMaintenance | undefined;
  const ended = handle.result().then(
    (result) => (ending = { ...started, state: result.state, result }),
    async (error: unknown) => (ending = await endingOf(started, error)),
  );
  let said: string | undefined;
  while (!ending) {
    await Promise.race([ended, sleep(LOOK_EVERY_MS)]);
    if (ending) break;
    const words = await currentDetails(client, started.workflowId);
    if (words !== undefined && words !== said) say(words);
    said = words ?? said;
  }
  return ending;
}

async function endingOf(started: StartedMaintenance, error: unknown): Promise<EndedMaintenance> {
  const { ApplicationFailure, CancelledFailure, TerminatedFailure, WorkflowFailedError } = await import(
    '@temporalio/client'
  );
  if (!(error instanceof WorkflowFailedError)) throw error;
  const { cause } = error;
  const details: unknown = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
  if (isResult(details)) return { ...started, state: details.state, result: details };
  if (cause instanceof CancelledFailure || cause instanceof TerminatedFailure) {
    return { ...started, state: 'cancelled' };
  }
  const message =
    cause instanceof ApplicationFailure
      ? cause.message
      : 'The maintenance timed out; expected it to end by itself; start it again.';
  return { ...started, state: 'failed', failure: { code: 'UNEXPECTED', message } };
}

function isResult(value: unknown): value is MaintenanceResult {
  return typeof value === 'object' && value !== null && 'steps' in value && 'state' in value;
}
