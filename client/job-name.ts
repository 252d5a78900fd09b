import { DEFAULT_TENANT } from '../contracts/ids.ts';

/** What a schedule is for: runs of a job, or the maintenance of a table. */
export type ScheduleKind = 'run' | 'maintenance';

/** How the names of maintenances begin. */
export const MAINTENANCE_PREFIX = 'maintain/';

/** `orders`, or `acme/orders` where the tenant is not the usual one; `maintain/shop.orders` for a maintenance. */
export function jobName({
  tenant,
  asset,
  kind = 'run',
}: {
  readonly tenant: string;
  readonly asset: string;
  readonly kind?: ScheduleKind;
}): string {
  const name = tenant === DEFAULT_TENANT ? asset : `${tenant}/${asset}`;
  return kind === 'maintenance' ? `${MAINTENANCE_PREFIX}${name}` : name;
}
