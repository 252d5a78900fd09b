import { fail } from '../contracts/errors.ts';
import { PROPERTY_PREFIX } from '../contracts/ids.ts';
import type { TableName } from './sink.ts';

/**
 * Which job fills a table. Two jobs that take turns in one table unknowingly would take each other's checkpoints for
 * their own; so a table says whose it is, or that several jobs know of each other and keep a checkpoint each.
 */
export interface TableOwner {
  /** `tenant/asset/connector`: what one connector keeps in a checkpoint means nothing to another. */
  readonly job: string;
  readonly shared: boolean;
}

/** Table property: the job, or SHARED. */
const OWNER = `${PROPERTY_PREFIX}owner`;
const SHARED = 'shared';

export type OwnerProperties = Readonly<Record<string, string>>;

/** What the table is to say from the next commit on. */
export function ownerProperties(owner: TableOwner | undefined): OwnerProperties {
  return owner === undefined ? {} : { [OWNER]: owner.shared ? SHARED : owner.job };
}

/** Who the properties say fills the table. */
export function ownerIn(properties: OwnerProperties): string | undefined {
  return properties[OWNER];
}

/** Fails with TABLE_OWNED if the table is not this job's to fill. `said` is what the table says. */
export function requireOwned(said: string | undefined, owner: TableOwner | undefined, name: TableName): void {
  if (owner === undefined || mayFill(said, ownerIn(ownerProperties(owner)))) return;
  const [tenant, asset, connector] = (said ?? '').split('/');
  const whose =
    said === SHARED ? 'several jobs fill' : `the job "${asset}" of tenant ${tenant} fills from ${connector}`;
  throw fail('TABLE_OWNED', {
    received: `table ${name.namespace}.${name.table}, which ${whose}`,
    expected: `a table of this job's own (${owner.job})`,
    next: 'name another asset or namespace, or set target.shared: true in each of the jobs that fill it',
  });
}

/** Whether a job that wants the table to say `wanted` may fill one that says `said`. */
export function mayFill(said: string | undefined, wanted: string | undefined): boolean {
  return said === undefined || wanted === undefined || wanted === SHARED || said === wanted;
}
