import { z } from 'zod';
import type { TableName } from '../../sink.ts';
import type { Storage } from '../../storage/storage.ts';
import type { TableVersion } from '../metadata.ts';
import { parseMetadata } from '../metadata.ts';
import { notProtocol, refused } from './errors.ts';
import type { RestSession } from './session.ts';
import { lendAccess } from './vended.ts';

const tableAnswer = z.object({ 'metadata-location': z.string().nullish(), metadata: z.looseObject({}) });

/**
 * The current version of a table; undefined if there is no table of that name. Where the server lends the access to the
 * table's files, the storage has it from then on.
 */
export async function loadVersion(
  session: RestSession,
  storage: Storage,
  name: TableName,
): Promise<TableVersion | undefined> {
  const doing = `when loading the table ${label(name)}`;
  const ask = () => session.get(tablePath(name), doing);
  const answer = await ask();
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refused(answer, session.address, doing);
  const parsed = tableAnswer.safeParse(answer.body);
  if (!parsed.success) throw notProtocol(session.address, doing);
  const { metadata, 'metadata-location': location } = parsed.data;
  const version = parseMetadata(metadata, location ?? '', label(name));
  if (session.lends) lendAccess(storage, version.metadata.location, answer, ask);
  return version;
}

export function namespacePath(namespace: string): string {
  return `/namespaces/${encodeURIComponent(namespace)}`;
}

export function tablePath({ namespace, table }: TableName): string {
  return `${namespacePath(namespace)}/tables/${encodeURIComponent(table)}`;
}

/** How a request's body names a table. */
export function identifier({ namespace, table }: TableName) {
  return { identifier: { namespace: [namespace], name: table } };
}

export function label({ namespace, table }: TableName): string {
  return `${namespace}.${table}`;
}
