import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PROPERTY_PREFIX } from '../../contracts/ids.ts';
import type { Checkpoint } from '../connector.ts';
import type { Storage } from '../storage/storage.ts';
import type { CommitFiles } from './commit-files.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';
import { currentSnapshot, notOurs, snapshotOfId } from './metadata.ts';

/**
 * The checkpoint travels in the summary of the snapshot that it belongs to, so that rows and checkpoint become visible
 * in one step, and a table that is rolled back rolls its checkpoint back. A large one (a list of files) is a file of
 * its own, named in the summary with its digest. The table's properties keep the latest as well, because the snapshot
 * may expire.
 */
const INLINE = `${PROPERTY_PREFIX}checkpoint`;
const FILE = `${PROPERTY_PREFIX}checkpoint-file`;
const DIGEST = `${PROPERTY_PREFIX}checkpoint-sha256`;
const RUN = `${PROPERTY_PREFIX}checkpoint-run-id`;
const KEYS = [INLINE, FILE, DIGEST, RUN];

/** The name of a property in the checkpoint of one job: several may fill a table, each with a checkpoint of its own. */
function keyOf(key: string, job: string | undefined): string {
  return job === undefined ? key : `${key}.${job}`;
}

/** Every snapshot repeats its summary in every later metadata file, so only small ones are worth a place there. */
const INLINE_BYTES = 2048;

type Properties = Readonly<Record<string, string>>;

/** The properties that hold a job's checkpoint, for the summary and for the table. */
export async function storeCheckpoint(
  files: CommitFiles,
  runId: string,
  checkpoint: Checkpoint,
  job: string | undefined,
): Promise<Properties> {
  const json = JSON.stringify(checkpoint);
  const run = { [keyOf(RUN, job)]: runId };
  if (Buffer.byteLength(json) <= INLINE_BYTES) return { [keyOf(INLINE, job)]: json, ...run };
  const uri = await files.write(`checkpoint-${files.uuid}.json`, json);
  return { [keyOf(FILE, job)]: uri, [keyOf(DIGEST, job)]: digest(json), ...run };
}

/** Table properties without the job's checkpoint. */
export function withoutCheckpoint(properties: Properties, job: string | undefined): Properties {
  const gone = KEYS.map((key) => keyOf(key, job));
  return Object.fromEntries(Object.entries(properties).filter(([key]) => !gone.includes(key)));
}

/** Table properties without the checkpoint of any job. */
export function withoutCheckpoints(properties: Properties): Properties {
  const isOne = (key: string) => KEYS.some((base) => key === base || key.startsWith(`${base}.`));
  return Object.fromEntries(Object.entries(properties).filter(([key]) => !isOne(key)));
}

/** Where the job's checkpoint that applies to the table's current content is kept. */
function checkpointHolder(metadata: TableMetadata, job: string | undefined): Properties | undefined {
  let snapshot = currentSnapshot(metadata);
  while (snapshot !== undefined) {
    if (snapshot.summary[keyOf(RUN, job)] !== undefined) return snapshot.summary;
    const parent: Snapshot | undefined = snapshotOfId(metadata, snapshot['parent-snapshot-id']);
    // A parent that expired may have been the holder; a history that is whole and has none, has none.
    if (parent === undefined && typeof snapshot['parent-snapshot-id'] === 'bigint') return metadata.properties;
    snapshot = parent;
  }
  return undefined;
}

/** Run that made the job's current checkpoint durable. */
export function checkpointRunId(metadata: TableMetadata, job: string | undefined): string | undefined {
  return checkpointHolder(metadata, job)?.[keyOf(RUN, job)];
}

/** Fails with TABLE_NOT_OURS if the file of a large checkpoint is lost or altered. */
export async function readCheckpoint(
  storage: Storage,
  metadata: TableMetadata,
  job: string | undefined,
): Promise<Checkpoint | undefined> {
  const holder = checkpointHolder(metadata, job);
  if (holder?.[keyOf(RUN, job)] === undefined) return undefined;
  const [inline, file] = [holder[keyOf(INLINE, job)], holder[keyOf(FILE, job)]];
  const json = inline ?? (file === undefined ? undefined : (await storage.read(file))?.toString());
  if (json === undefined || (inline === undefined && digest(json) !== holder[keyOf(DIGEST, job)])) {
    throw notOurs(metadata.location, 'a checkpoint that is missing or was altered');
  }
  return z.record(z.string(), z.unknown()).parse(JSON.parse(json));
}

/** Files of checkpoints that some snapshot or the table itself refers to. */
export function checkpointFiles(metadata: TableMetadata): string[] {
  const holders = [metadata.properties, ...metadata.snapshots.map((snapshot) => snapshot.summary)];
  return holders.flatMap(checkpointFilesOf);
}

/** The files of the checkpoints that these properties hold, where they are in one. */
export function checkpointFilesOf(holder: Properties): string[] {
  return Object.entries(holder).flatMap(([key, value]) => (key === FILE || key.startsWith(`${FILE}.`) ? value : []));
}

function digest(json: string): string {
  return createHash('sha256').update(json).digest('hex');
}
