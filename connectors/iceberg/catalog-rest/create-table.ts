import { z } from 'zod';
import { PROPERTY_PREFIX } from '../../../contracts/ids.ts';
import type { TableName } from '../../sink.ts';
import type { Storage } from '../../storage/storage.ts';
import { CommitFiles } from '../commit-files.ts';
import { commitUuid } from '../commit-names.ts';
import { withEmptySnapshot } from '../empty-snapshot.ts';
import type { TableMetadata } from '../metadata.ts';
import { notOurs } from '../metadata.ts';
import { withoutRuns } from '../run-record.ts';
import { creation } from './difference.ts';
import { notProtocol, refused, unanswered } from './errors.ts';
import { NoAnswer } from './http.ts';
import { identifier, label, loadVersion, namespacePath, tablePath } from './load-version.ts';
import type { RestSession } from './session.ts';
import { lendAccess } from './vended.ts';

const ATTEMPTS = 3;

const stagedAnswer = z.object({
  metadata: z.looseObject({ 'table-uuid': z.string(), properties: z.record(z.string(), z.string()).default({}) }),
});

/**
 * Creates a table with the columns and properties of `wanted`, without its rows; one of that name that somebody else
 * creates is as good. Fails with TABLE_NOT_OURS if there is something else of that name.
 */
export async function createTable(
  session: RestSession,
  storage: Storage,
  name: TableName,
  wanted: TableMetadata,
): Promise<void> {
  const doing = `when creating the table ${label(name)}`;
  await makeNamespace(session, name.namespace);
  const metadata = withoutRows(wanted);
  // Staged first: the server has an id for it, and its own properties, and some know no other way.
  const staged = await session.repeat(`${namespacePath(name.namespace)}/tables`, stagedTable(name, metadata), doing);
  if (staged.status === 409) return requireTable(session, storage, name);
  if (staged.status !== 200) throw refused(staged, session.address, doing);
  const parsed = stagedAnswer.safeParse(staged.body);
  if (!parsed.success) throw notProtocol(session.address, doing);
  const { 'table-uuid': uuid, properties } = parsed.data.metadata;
  const table = { ...metadata, properties: { ...properties, ...metadata.properties } };
  const first = session.kind.seesNoSnapshot ? table : await withFirstSnapshot(storage, table);
  await commitCreation(session, storage, name, creation(first, uuid), doing);
}

/** Whoever may create a table at a location is lent the access to it, before there is one. */
export async function announceTable(
  session: RestSession,
  storage: Storage,
  name: TableName,
  location: string,
): Promise<void> {
  const doing = `when asking for access to the files of the table ${label(name)}`;
  await makeNamespace(session, name.namespace);
  // Which columns it will have is not known yet, and does not matter: nothing is created.
  const schema = { type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'any', type: 'long', required: false }] };
  const wanted = { name: name.table, location, schema, properties: {}, 'stage-create': true };
  const ask = async () => {
    const staged = await session.repeat(`${namespacePath(name.namespace)}/tables`, wanted, doing);
    // It was created in the meantime.
    return staged.status === 409 ? session.get(tablePath(name), doing) : staged;
  };
  const answer = await ask();
  if (answer.status !== 200) throw refused(answer, session.address, doing);
  lendAccess(storage, location, answer, ask);
}

async function commitCreation(
  session: RestSession,
  storage: Storage,
  name: TableName,
  updates: readonly object[],
  doing: string,
): Promise<void> {
  const body = { ...identifier(name), requirements: [{ type: 'assert-create' }], updates };
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt === ATTEMPTS;
    const answer = await session.post(tablePath(name), body).catch((error: unknown) => {
      if (error instanceof NoAnswer && error.mayHaveArrived && !last) return undefined;
      throw unanswered(error, session.address, doing);
    });
    if (answer?.status === 200) return;
    if (answer?.status === 409) return requireTable(session, storage, name);
    if (answer !== undefined && (answer.status < 500 || last)) throw refused(answer, session.address, doing);
    // Whoever made it, it is there.
    if ((await loadVersion(session, storage, name)) !== undefined) return;
  }
}

function withoutRows(metadata: TableMetadata): TableMetadata {
  const { 'current-snapshot-id': _current, ...rest } = metadata;
  return {
    ...rest,
    'last-sequence-number': 0n,
    properties: withoutRuns(metadata.properties),
    snapshots: [],
    refs: {},
    'snapshot-log': [],
    'metadata-log': [],
  };
}

async function withFirstSnapshot(storage: Storage, metadata: TableMetadata): Promise<TableMetadata> {
  const id = `creation/${metadata['table-uuid']}`;
  const files = new CommitFiles(storage, metadata.location, commitUuid(id));
  const said = { [`${PROPERTY_PREFIX}creation`]: 'true' };
  return withEmptySnapshot(storage, files, { metadata, location: '' }, said);
}

function stagedTable({ table }: TableName, metadata: TableMetadata): object {
  return {
    name: table,
    location: metadata.location,
    schema: metadata.schemas.at(-1),
    'partition-spec': metadata['partition-specs'].at(-1),
    properties: metadata.properties,
    'stage-create': true,
  };
}

async function makeNamespace(session: RestSession, namespace: string): Promise<void> {
  const doing = `when creating the namespace ${namespace}`;
  const found = await session.get(namespacePath(namespace), doing);
  if (found.status === 200) return;
  const made = await session.repeat('/namespaces', { namespace: [namespace], properties: {} }, doing);
  // Another one may have made it at the same time.
  if (made.status !== 200 && made.status !== 409) throw refused(made, session.address, doing);
}

async function requireTable(session: RestSession, storage: Storage, name: TableName): Promise<void> {
  if ((await loadVersion(session, storage, name)) !== undefined) return;
  throw notOurs(label(name), 'something of that name that is no table');
}
