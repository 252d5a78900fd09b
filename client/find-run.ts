import type { Client } from '@temporalio/client';
import { fail } from '../contracts/errors.ts';
import type { ListedRun } from './run-list.ts';
import { listFromTemporal } from './run-list.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { NAME_PATTERN } from '../contracts/ids.ts';

const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const WORKFLOW_ID = /^ingest\/[A-Za-z0-9_-]+\/[A-Za-z0-9_-]+$/;

/**
 * The run that a user means: a run id, a workflow id (`ingest/<tenant>/<asset>`) or the name of an asset, whose newest
 * run is meant; without any, the newest of all. Throws RUN_NOT_FOUND.
 */
export async function findRun(client: Client, named: string | undefined): Promise<ListedRun & { workflowId: string }> {
  const [run] = named === undefined || isName(named) ? await listFromTemporal(client, 1, condition(named)) : [];
  if (run?.workflowId !== undefined) return { ...run, workflowId: run.workflowId };
  throw runNotFound(named);
}

/** True for what may be put into a query: the patterns leave no sign that would mean something there. */
function isName(text: string): boolean {
  return RUN_ID.test(text) || WORKFLOW_ID.test(text) || NAME_PATTERN.test(text);
}

function condition(named: string | undefined): string {
  if (named === undefined) return '';
  if (RUN_ID.test(named)) return ` AND RunId = '${named}'`;
  if (WORKFLOW_ID.test(named)) return ` AND WorkflowId = '${named}'`;
  return ` AND ${SEARCH_ATTRIBUTES.asset.name} = '${named}'`;
}

export function runNotFound(named: string | undefined) {
  return fail('RUN_NOT_FOUND', {
    received: named === undefined ? 'no run yet' : `"${named}", which no run is known by`,
    expected: 'a run id, an asset, or ingest/<tenant>/<asset>',
    next: named === undefined ? 'start one with `dativo run job.yaml`' : 'see `dativo runs`',
  });
}
