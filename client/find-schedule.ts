import type { Client } from '@temporalio/client';
import { fail } from '../contracts/errors.ts';
import { DEFAULT_TENANT, NAME_PATTERN, scheduleId } from '../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { MAINTENANCE_PREFIX } from './job-name.ts';
import type { KnownSchedule } from './schedule-store.ts';
import { describeSchedule, listSchedules } from './schedule-store.ts';
import { usage } from './usage.ts';

/**
 * The schedule that a user means: an asset, `<tenant>/<asset>` or `ingest/<tenant>/<asset>`; or the maintenance of a
 * table, `maintain/<namespace>.<table>` or `maintain/<tenant>/<namespace>.<table>`.
 * Throws SCHEDULE_NOT_FOUND, or USAGE when several could be meant.
 */
export async function findSchedule(client: Client, named: string): Promise<KnownSchedule> {
  // No asset has a dot in its name, so a tenant called `maintain` is not meant.
  if (named.startsWith(MAINTENANCE_PREFIX) && named.includes('.')) return findMaintenance(client, named);
  const parts = named.split('/');
  const names = parts.length === 3 && parts[0] === 'ingest' ? parts.slice(1) : parts;
  if (names.length > 2 || !names.every((name) => NAME_PATTERN.test(name))) throw notFound(named);
  const [first = '', second] = names;
  const id = second === undefined ? await idOfAsset(client, first) : scheduleId(first, second);
  const known = await describeSchedule(client, id);
  // One that is not ours is none to us.
  if (known === undefined || known === 'foreign') throw notFound(named);
  return known;
}

async function findMaintenance(client: Client, named: string): Promise<KnownSchedule> {
  const parts = named.slice(MAINTENANCE_PREFIX.length).split('/');
  // Several lakes may have a table of that name: `@` and what Temporal shows behind it tell which.
  const [table = '', lake] = (parts.pop() ?? '').split('@');
  const [tenant] = parts;
  const names = [...parts, ...table.split('.'), ...(lake === undefined ? [] : [lake])];
  if (parts.length > 1 || !names.every((name) => TABLE_PART.test(name))) throw notFound(named);
  const listed = (await listOfAsset(client, table)).filter(
    (id) => (tenant === undefined || id.split('/')[1] === tenant) && (lake === undefined || id.endsWith(`@${lake}`)),
  );
  const [only, ...others] = listed;
  if (others.length > 0) {
    const names = listed.map((id) => id.replace(`${MAINTENANCE_PREFIX}${DEFAULT_TENANT}/`, MAINTENANCE_PREFIX));
    throw usage(`${named}, of which there are ${listed.length}`, 'one of them', `name it: ${names.join(' or ')}`);
  }
  const known = only === undefined ? undefined : await describeSchedule(client, only);
  if (known === undefined || known === 'foreign') throw notFound(named);
  return known;
}

/** A namespace or a table: it goes into a query, so nothing in it may end a text. */
const TABLE_PART = /^[A-Za-z0-9_-]+$/;

async function idOfAsset(client: Client, asset: string): Promise<string> {
  const own = scheduleId(DEFAULT_TENANT, asset);
  const listed = await listOfAsset(client, asset);
  const [only, ...others] = listed;
  if (only === undefined) return own;
  if (others.length === 0) return only;
  throw usage(
    `${asset}, which ${listed.length} tenants have a schedule for`,
    'one of them',
    `name the tenant too: ${listed.map((id) => id.replace(/^ingest\//, '')).join(' or ')}`,
  );
}

async function listOfAsset(client: Client, asset: string): Promise<string[]> {
  try {
    const listed = await listSchedules(client, `${SEARCH_ATTRIBUTES.asset.name} = '${asset}'`);
    return listed.map(({ scheduleId: id }) => id);
  } catch (error) {
    // A namespace that lacks the search attribute has no schedule of ours.
    if (error instanceof Error && /search attribute|invalid query/i.test(causesOf(error))) return [];
    throw error;
  }
}

function causesOf(error: Error): string {
  const inner = error.cause instanceof Error ? ` ${causesOf(error.cause)}` : '';
  return `${error.message}${inner}`;
}

function notFound(named: string) {
  return fail('SCHEDULE_NOT_FOUND', {
    received: `"${named}", which no schedule is known by`,
    expected: 'an asset, <tenant>/<asset> or maintain/<namespace>.<table> that was applied',
    next: 'see `dativo schedules`, or apply its folder with `dativo apply`',
  });
}
