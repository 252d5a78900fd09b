import type { OpenJob } from '../config/open-job.ts';
import { openStoredJob } from '../config/open-job.ts';
import { storedJobText } from '../config/stored-job.ts';
import type { LoadedJob } from '../config/validate.ts';
import { inFolder } from '../connectors/storage/storage.ts';
import type { JsonReference } from '../contracts/run.ts';
import { lakeOf } from './lake-location.ts';

/**
 * Keeps a job beside the lake that it writes to, named by its digest, and returns its reference: that is all that a
 * workflow is told about it. Variables stay unresolved in it, so it holds no secret.
 * Fails with STORAGE_* or VARIABLE_UNSET for the warehouse.
 */
export async function storeJob(job: LoadedJob, env: NodeJS.ProcessEnv): Promise<JsonReference> {
  const opened: OpenJob = openStoredJob(job.stored, { env });
  const { storage, workFolder } = lakeOf(opened.target());
  const uri = inFolder(workFolder, 'jobs', job.tenant, `${job.asset}-${job.digest.slice(0, 16)}.json`);
  await storage.writeIfAbsent(uri, storedJobText(job.stored));
  return { uri, sha256: job.digest };
}
