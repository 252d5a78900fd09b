import type { Client } from '@temporalio/client';
import { DEFAULT_TENANT, ingestWorkflowId } from '../contracts/ids.ts';
import type { ObjectResult } from '../contracts/run.ts';
import type { ingest } from '../workflows/ingest.ts';
import { measureRun } from './csv/orders-job.ts';
import type { Measured } from './measure.ts';

export interface DatabaseRun extends Measured {
  readonly object: ObjectResult;
  /** From the start of the run to its end, as Temporal has them: without the start of Node. */
  readonly runSeconds: number;
}

/** `dativo run` of a job with one object, and what its workflow tells of it. */
export async function runDatabaseJob(
  client: Client,
  job: { readonly file: string; readonly asset: string },
  env: NodeJS.ProcessEnv,
): Promise<DatabaseRun> {
  const measured = await measureRun([job.file], env);
  const handle = client.workflow.getHandle<typeof ingest>(ingestWorkflowId(DEFAULT_TENANT, job.asset));
  const { objects } = await handle.result();
  const [object] = objects;
  if (object === undefined) throw new Error('a run without an object');
  const { startTime, closeTime } = await handle.describe();
  if (!closeTime) throw new Error('a run with a result and no end');
  return { ...measured, object, runSeconds: (closeTime.getTime() - startTime.getTime()) / 1000 };
}
