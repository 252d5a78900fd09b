import { escapeTemplate } from './interpolate.ts';
import type { StoredJob } from './stored-job.ts';
import { STORED_JOB_FORMAT, storedJobDigest } from './stored-job.ts';

/** Base name and asset of a stored job that is none of a user's. */
const NAME = 'lake';

/**
 * A stored job that says nothing but where a lake is, for work on tables that belong to no one job. `warehouse` is the
 * absolute path of a folder with an embedded catalog.
 */
export function lakeJob(warehouse: string, tenant: string): { readonly stored: StoredJob; readonly digest: string } {
  const stored: StoredJob = {
    format: STORED_JOB_FORMAT,
    name: NAME,
    folder: warehouse,
    tenant,
    asset: NAME,
    objects: [NAME],
    job: { target: { warehouse: escapeTemplate(warehouse) } },
  };
  return { stored, digest: storedJobDigest(stored) };
}
