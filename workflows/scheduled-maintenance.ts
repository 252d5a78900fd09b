import { defineSearchAttributeKey, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  CancelledFailure,
  isCancellation,
  ParentClosePolicy,
  setCurrentDetails,
  startChild,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { maintenanceWorkflowId } from '../contracts/ids.ts';
import type {
  MaintenanceInput,
  MaintenanceResult,
  ScheduledMaintenanceInput,
  ScheduledMaintenanceResult,
  ScheduledTable,
} from '../contracts/maintenance.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { applicationCause, toRunFailure } from './failures.ts';
import type { maintain } from './maintain.ts';

const key = ({ name, type }: (typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES]) =>
  defineSearchAttributeKey(name, type);

/**
 * What a schedule starts: it maintains each of its tables as a child under the id that every maintenance of the table
 * has. One that somebody maintains already is left to them; one that fails does not stop the others.
 */
export async function scheduledMaintenance(input: ScheduledMaintenanceInput): Promise<ScheduledMaintenanceResult> {
  const tables: ScheduledTable[] = [];
  try {
    for (const { namespace, table } of input.tables) {
      setCurrentDetails(`${namespace}.${table}: being maintained.`);
      tables.push(await maintainOne(input, namespace, table));
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    end(input, { state: 'cancelled', tables }, 'cancelled');
    throw new CancelledFailure(`${input.table}: cancelled.`);
  }
  const state = stateOf(tables);
  const failures = tables.flatMap(({ failure }) => (failure === undefined ? [] : [failure.message]));
  const words = failures.join(' ') || state;
  const result = end(input, { state, tables }, words);
  if (state === 'failed') throw ApplicationFailure.nonRetryable(words, 'MaintenanceFailed', result);
  return result;
}

async function maintainOne(
  { maintenance, lake }: ScheduledMaintenanceInput,
  namespace: string,
  table: string,
): Promise<ScheduledTable> {
  const name = `${namespace}.${table}`;
  const input: MaintenanceInput = { ...maintenance, namespace, table, mayBeAbsent: true };
  try {
    const child = await startChild<typeof maintain>('maintain', {
      workflowId: maintenanceWorkflowId(input.tenant, name, lake),
      args: [input],
      // Whoever ends this workflow by force means the maintenance too; it still gets to clean up.
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: `${name}: maintenance, by schedule`,
      typedSearchAttributes: [
        { key: key(SEARCH_ATTRIBUTES.tenant), value: input.tenant },
        { key: key(SEARCH_ATTRIBUTES.asset), value: name },
        { key: key(SEARCH_ATTRIBUTES.runState), value: 'running' },
      ],
    });
    const result = await child.result();
    return { table: name, state: result.state, result };
  } catch (error) {
    if (isCancellation(error)) throw error;
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { table: name, state: 'skipped' };
    const details: unknown = applicationCause(error)?.details?.[0];
    const result = isResult(details) ? details : undefined;
    const failure = result?.steps.find((step) => step.failure)?.failure ?? toRunFailure(error);
    return { table: name, state: 'failed', failure, ...(result ? { result } : {}) };
  }
}

function stateOf(tables: readonly ScheduledTable[]): ScheduledMaintenanceResult['state'] {
  const states = new Set(tables.map(({ state }) => state));
  if (states.has('failed')) return states.size > 1 ? 'partial' : 'failed';
  if (states.has('partial')) return 'partial';
  if (states.has('success')) return 'success';
  return states.has('skipped') ? 'skipped' : 'unchanged';
}

function end(
  { table }: ScheduledMaintenanceInput,
  result: ScheduledMaintenanceResult,
  words: string,
): ScheduledMaintenanceResult {
  upsertSearchAttributes([{ key: key(SEARCH_ATTRIBUTES.runState), value: result.state }]);
  setCurrentDetails(`${table}: ${words}.`.replace(/\.\.$/, '.'));
  return result;
}

function isResult(value: unknown): value is MaintenanceResult {
  return typeof value === 'object' && value !== null && 'steps' in value && 'state' in value;
}
