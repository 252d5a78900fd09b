import type { Client } from '@temporalio/client';

const QUERY_WITHIN_MS = 3_000;

/** The text that a workflow keeps about itself; undefined when no worker can be asked. */
export async function currentDetails(client: Client, workflowId: string): Promise<string | undefined> {
  try {
    const metadata = await client.withDeadline(Date.now() + QUERY_WITHIN_MS, () =>
      client.workflow.getHandle(workflowId).query<{ currentDetails?: string }>('__temporal_workflow_metadata'),
    );
    return metadata.currentDetails || undefined;
  } catch {
    return undefined;
  }
}
