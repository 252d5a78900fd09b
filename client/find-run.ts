import type { Client } from '@temporalio/client';
import { fail } from '../contracts/errors.ts';
import { DEFAULT_TENANT, ingestWorkflowId, NAME_PATTERN } from '../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type { ListedRun } from './run-list.ts';
import { listedRun, listFromTemporal } from './run-list.ts';

export const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const WORKFLOW_ID = /^ingest\/[A-Za-z0-9_-]+\/[A-Za-z0-9_-]+$/;

/**
 * The run that a user means: a run id, a workflow id (`ingest/<tenant>/<asset>`) or the name of an asset, whose newest
 * run is meant; without any, the newest of all. A run that goes on is newer than any that has ended. Throws RUN_NOT_FOUND.
 */
export async function findRun(client: Client, named: string | undefined): Promise<ListedRun & { workflowId: string }> {
  if (named !== undefined && !isName(named)) throw runNotFound(named);
  if (named !== undefined && WORKFLOW_ID.test(named)) return orNotFound(await describeRun(client, named), named);
  const [run] = await listFromTemporal(client, 1, condition(named));
  if (run?.workflowId !== undefined) return { ...run, workflowId: run.workflowId };
  // Temporal lists a run a moment after it has started; by its id it is known at once.
  const asset = named !== undefined && !RUN_ID.test(named) ? named : undefined;
  const started = asset === undefined ? undefined : await describeRun(client, ingestWorkflowId(DEFAULT_TENANT, asset));
  return orNotFound(started, named);
}

async function describeRun(client: Client, workflowId: string): Promise<ReturnType<typeof listedRun> | undefined> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  try {
    return listedRun(await client.workflow.getHandle(workflowId).describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** True for what may be put into a query: the patterns leave no sign that would mean something there. */
function isName(text: string): boolean {
  return RUN_ID.test(text) || WORKFLOW_ID.test(text) || NAME_PATTERN.test(text);
}

function condition(named: string | undefined): string {
  if (named === undefined) return '';
  if (RUN_ID.test(named)) return ` AND RunId = '${named}'`;
  return ` AND ${SEARCH_ATTRIBUTES.asset.name} = '${named}'`;
}

function orNotFound<T>(run: T | undefined, named: string | undefined): T {
  if (run === undefined) throw runNotFound(named);
  return run;
}

export function runNotFound(named: string | undefined) {
  if (named === undefined) return noRuns();
  return fail('RUN_NOT_FOUND', {
    received: `"${named}", which no run is known by`,
    expected: 'a run id, an asset, or ingest/<tenant>/<asset>',
    next: 'see `dativo runs`',
  });
}

/** Whatever run was asked for: there are none at all. */
export function noRuns() {
  return fail('RUN_NOT_FOUND', {
    received: 'no runs: nothing was run from this folder yet',
    expected: 'a run',
    next: 'start one with `dativo run job.yaml`, or go to the folder that jobs are run from',
  });
}
