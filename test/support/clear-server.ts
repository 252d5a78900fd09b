import { Client, Connection } from '@temporalio/client';
import { beforeAll } from 'vitest';
import { temporalServer } from './temporal.ts';

/**
 * Before each file of tests: all files share the server and its task queues, so that what an earlier one left unfinished
 * would be done by the workers of the next, and counted among its own.
 */
beforeAll(async () => {
  const { address, namespace } = temporalServer();
  const connection = await Connection.connect({ address });
  try {
    const { workflow } = new Client({ connection, namespace });
    for await (const { workflowId } of workflow.list({ query: "ExecutionStatus = 'Running'" })) {
      // It may have ended in this moment, which is as good.
      await workflow
        .getHandle(workflowId)
        .terminate()
        .catch(() => {});
    }
  } finally {
    await connection.close();
  }
});
