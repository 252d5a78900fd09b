import { createHash } from 'node:crypto';
import type { JobReference } from '../contracts/run.ts';

/** Tells lakes apart in ids: eight hexadecimal digits of the digest of the folder that a stored job is kept in. */
export function lakeId({ uri }: Pick<JobReference, 'uri'>): string {
  // <lake>/_dativo/jobs/<tenant>/<file>
  const folder = uri.split('/').slice(0, -3).join('/');
  return createHash('sha256').update(folder).digest('hex').slice(0, 8);
}
