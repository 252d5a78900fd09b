import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../contracts/errors.ts';
import { keptLosing } from '../commit-rules.ts';
import type { TableName } from '../sink.ts';
import type { Storage } from '../storage/storage.ts';
import type { Catalog } from './catalog.ts';
import { CommitFiles } from './commit-files.ts';
import { commitUuid } from './commit-names.ts';
import type { TableMetadata } from './metadata.ts';

const ATTEMPTS = 20;
const LONGEST_PAUSE_MS = 1000;

/**
 * Commits a change of a table's metadata that brings no new file, such as a tag: computed anew on what the table is
 * whenever another writer was faster. `change` returns the metadata it was given where there is nothing to do, and throws
 * where it cannot be done. Returns the metadata that the table has then. Fails with TABLE_NOT_FOUND, COMMIT_CONFLICT,
 * COMMIT_STATE_UNKNOWN.
 */
export async function changeMetadata(
  { storage, catalog, now }: { storage: Storage; catalog: Catalog; now(): number },
  name: TableName,
  change: (metadata: TableMetadata) => TableMetadata,
): Promise<TableMetadata> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const base = await catalog.load(name);
    if (base === undefined) throw notFound(name);
    const changed = change(base.metadata);
    if (changed === base.metadata) return base.metadata;
    const previous = { 'metadata-file': base.location, 'timestamp-ms': base.metadata['last-updated-ms'] };
    const next = {
      ...changed,
      'last-updated-ms': Math.max(now(), base.metadata['last-updated-ms']),
      'metadata-log': [...base.metadata['metadata-log'], previous],
    };
    const files = new CommitFiles(storage, base.metadata.location, commitUuid(randomUUID()));
    // Nothing but metadata moves, so there is no staged file that could be gone.
    const moments = { guard: async () => {}, reached: async () => {} };
    const [outcome] = await catalog.commit([{ name, base, next, files }], moments);
    if (outcome?.state === 'landed') return next;
    if (outcome?.state === 'refused') {
      await files.discard();
      throw outcome.error;
    }
    if (outcome?.state === 'lost') await files.discard();
    // Of an unknown outcome the next look at the table tells: what landed is nothing left to do.
    await sleep(Math.min(10 * 2 ** attempt, LONGEST_PAUSE_MS) * Math.random());
  }
  throw keptLosing(ATTEMPTS);
}

function notFound({ namespace, table }: TableName) {
  return fail('TABLE_NOT_FOUND', {
    received: `table ${namespace}.${table}`,
    expected: 'a table of this lake',
    next: 'check the name and the warehouse',
  });
}
