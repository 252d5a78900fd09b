import { createHash } from 'node:crypto';
import type { Priority } from '@temporalio/common';

/** What Temporal takes for a key, in bytes; names of tenants are ASCII. */
const KEY_BYTES = 64;

/**
 * Gives tenants an equal share of the workers when work piles up. Activities and child workflows have it from the
 * workflow that starts them.
 */
export function fairShare(tenant: string): Priority {
  if (tenant.length <= KEY_BYTES) return { fairnessKey: tenant };
  const digest = createHash('sha256').update(tenant).digest('hex').slice(0, 16);
  return { fairnessKey: `${tenant.slice(0, KEY_BYTES - digest.length - 1)}-${digest}` };
}
