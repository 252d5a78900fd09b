import { valueAt } from '../config/json-tree.ts';
import { openStoredJob } from '../config/open-job.ts';
import { storageReference } from '../config/storage-reference.ts';
import type { StoredJob } from '../config/stored-job.ts';
import { parseStoredJob, storedJobText } from '../config/stored-job.ts';
import type { Storage } from '../connectors/storage/storage.ts';
import { inFolder } from '../connectors/storage/storage.ts';
import type { JobReference } from '../contracts/run.ts';
import { lakeOf } from './lake-location.ts';
import { readSecrets, rereading } from './secrets.ts';

/** What of a job is kept beside its lake. */
export interface StorableJob {
  readonly stored: StoredJob;
  /** SHA-256 of its text. */
  readonly digest: string;
}

/** Where a job is kept and worked on. */
export interface StoreOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Name of this machine, for jobs that are bound to it; undefined where there is no other. */
  readonly host?: string | undefined;
}

/**
 * Keeps a job beside the lake that it writes to, named by its digest, and returns its reference: that is all that a
 * workflow is told about it. Variables stay unresolved in it, so it holds no secret.
 * Fails with STORAGE_*, SECRET_* or VARIABLE_UNSET for the target.
 */
export async function storeJob(job: StorableJob, options: StoreOptions): Promise<JobReference> {
  const reference = jobReference(job, options);
  const storage = await storageOf(job, options.env);
  await storage.writeIfAbsent(reference.uri, storedJobText(job.stored));
  return reference;
}

/** The reference that a job has when it is stored; stores nothing, and reads no secret. */
export function jobReference(job: StorableJob, { env, host }: StoreOptions): JobReference {
  const { stored, digest } = job;
  const { warehouse, isOnOneMachine } = openStoredJob(stored, { env }).place();
  const { workFolder } = lakeOf({ warehouse });
  const uri = inFolder(workFolder, 'jobs', stored.tenant, `${stored.asset}-${digest.slice(0, 16)}.json`);
  const storage = storageReference(stored);
  return {
    uri,
    sha256: digest,
    ...(storage === undefined ? {} : { storage }),
    ...(host !== undefined && isOnOneMachine ? { host } : {}),
  };
}

/** The job that a reference stands for, from the lake of `job`; undefined when it is not there or cannot be read. */
export async function readStoredJob(
  { uri }: JobReference,
  job: StorableJob,
  env: NodeJS.ProcessEnv,
): Promise<StoredJob | undefined> {
  try {
    const content = await (await storageOf(job, env)).read(uri);
    return content && parseStoredJob(JSON.parse(content.toString('utf8')));
  } catch {
    // Kept by another version, or in a lake that is gone: it can be replaced, not told.
    return undefined;
  }
}

async function storageOf({ stored }: StorableJob, env: NodeJS.ProcessEnv): Promise<Storage> {
  const secrets = await readSecrets(stored.job['target'] ?? null, env);
  const open = () => openStoredJob(stored, { env, secrets }).target();
  const written = valueAt(stored.job['target'], ['storage']);
  return lakeOf(
    open(),
    rereading(written, secrets, () => open().storage),
  ).storage;
}
