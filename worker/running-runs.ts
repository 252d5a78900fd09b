import type { Client } from '@temporalio/client';
import { fail } from '../contracts/errors.ts';

const QUERY = `ExecutionStatus = 'Running' AND WorkflowType IN ('ingest', 'maintain')`;

/**
 * Ids of the runs and maintenances that go on, of all tenants. Temporal may list one a moment late, which is why what is
 * young is nobody's to remove. Throws SERVER_UNREACHABLE.
 */
export async function runningRuns(client: Client): Promise<string[]> {
  const ids = new Set<string>();
  try {
    for await (const { runId, raw } of client.workflow.list({ query: QUERY })) {
      ids.add(runId);
      // A run is known by its first execution.
      if (raw.firstRunId) ids.add(raw.firstRunId);
    }
  } catch {
    throw fail('SERVER_UNREACHABLE', {
      received: 'no list of the runs that go on from the Temporal server',
      expected: 'one, so that nothing of theirs is removed',
      next: 'the step is tried again',
    });
  }
  return [...ids];
}
