import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  emptyReceipt,
  hasEffect,
  keptLosing,
  OTHER_COLUMNS,
  OTHER_OWNER,
  OTHER_RUN,
  receiptOf,
  requireStaged,
  tableChanged,
  totalsOf,
  WRITTEN_TO,
} from '../commit-rules.ts';
import { sameSchema } from '../iceberg/schema.ts';
import type { CommitReceipt, SinkChange } from '../sink.ts';
import type { Storage } from '../storage/storage.ts';
import { inFolder } from '../storage/storage.ts';
import { mayFill, ownerIn } from '../table-owner.ts';
import type { FolderManifest, FolderTable } from './manifest.ts';
import { createManifest, readNewest, removeOldManifests } from './manifest.ts';

export interface FolderCommit {
  readonly storage: Storage;
  /** URI of the namespace's folder. */
  readonly folder: string;
  now(): number;
  reached(point: 'metadata-written' | 'after-catalog'): Promise<void>;
}

const ATTEMPTS = 20;
const LONGEST_PAUSE_MS = 500;
const RUNS_KEPT = 50;

/** Commits changes of one namespace in one step; see `Sink.commit`. */
export async function commitToFolder(
  deps: FolderCommit,
  runId: string,
  changes: readonly SinkChange[],
): Promise<CommitReceipt[]> {
  const effective = changes.filter((change) => hasEffect(change));
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const current = await readNewest(deps.storage, deps.folder);
    const recorded = changes.map(({ plan }) => committedRun(current, plan, runId));
    if (recorded.some((receipt) => receipt !== undefined)) {
      return changes.map((change, index) => recorded[index] ?? emptyReceipt(change, true));
    }
    if (effective.length === 0) return changes.map((change) => emptyReceipt(change, false));
    for (const change of effective) {
      const stale = staleReason(change, current?.tables[change.plan.table]);
      if (stale !== undefined) throw tableChanged(change.plan, stale);
    }
    await requireStaged(
      deps.storage,
      effective.flatMap(({ files }) => files.map((file) => file.uri)),
    );
    const next = nextManifest(deps, runId, effective, current);
    await deps.reached('metadata-written');
    if (await createManifest(deps.storage, deps.folder, next)) {
      await deps.reached('after-catalog');
      await tidy(deps, next);
      return changes.map((change) =>
        effective.includes(change) ? receiptOf(change, String(next.sequence)) : emptyReceipt(change, false),
      );
    }
    await sleep(Math.min(2 ** attempt * 10, LONGEST_PAUSE_MS) * Math.random());
  }
  throw keptLosing(ATTEMPTS);
}

function nextManifest(
  deps: FolderCommit,
  runId: string,
  changes: readonly SinkChange[],
  current: FolderManifest | undefined,
): FolderManifest {
  const sequence = (current?.sequence ?? 0) + 1;
  const tables: Record<string, FolderTable> = { ...current?.tables };
  for (const change of changes) {
    tables[change.plan.table] = nextTable(deps.folder, sequence, runId, change, current?.tables[change.plan.table]);
  }
  const replaced = changes.filter((change) => change.mode === 'replace');
  return {
    format: 1,
    sequence,
    run: runId,
    committedAt: new Date(deps.now()).toISOString(),
    tables,
    removed: replaced.flatMap(({ plan }) => current?.tables[plan.table]?.files.map((file) => file.path) ?? []),
  };
}

function nextTable(
  folder: string,
  sequence: number,
  runId: string,
  change: SinkChange,
  before: FolderTable | undefined,
): FolderTable {
  const added = change.files.map(({ uri, rows, bytes }) => ({ path: uri.slice(folder.length + 1), rows, bytes }));
  const { files, rows, bytes } = totalsOf(change);
  const checkpoint =
    change.checkpoint === undefined
      ? { checkpoint: before?.checkpoint, checkpointRun: before?.checkpointRun }
      : { checkpoint: { ...change.checkpoint }, checkpointRun: runId };
  return {
    id: before?.id ?? randomUUID(),
    schema: change.plan.tableSchema,
    sequence,
    files: change.mode === 'replace' ? added : [...(before?.files ?? []), ...added],
    ...checkpoint,
    runs: [...(before?.runs ?? []), { run: runId, sequence, files, rows, bytes }].slice(-RUNS_KEPT),
    owner: ownerIn(change.plan.properties) ?? before?.owner,
    properties: { ...change.properties },
  };
}

/** What others wrote in the meantime must not make the staged work mean something else. */
function staleReason({ plan, mode, checkpoint }: SinkChange, current: FolderTable | undefined): string | undefined {
  const { base } = plan;
  if (base.tableId !== null && base.tableId !== current?.id) return 'it was removed or created again';
  if (!mayFill(current?.owner, ownerIn(plan.properties))) return OTHER_OWNER;
  if (current !== undefined && isOtherSchema(plan, current)) return OTHER_COLUMNS;
  const sequence = current === undefined ? null : String(current.sequence);
  if (mode === 'replace' && base.snapshotId !== sequence) return WRITTEN_TO;
  if (checkpoint !== undefined && base.checkpointRunId !== (current?.checkpointRun ?? null)) return OTHER_RUN;
  return undefined;
}

function isOtherSchema({ base, tableSchema }: SinkChange['plan'], current: FolderTable): boolean {
  return base.schemaId !== current.schema['schema-id'] && !sameSchema(current.schema, tableSchema);
}

/** Whoever lists the folder should find what the tables hold; a crash before this point is left to the sweep. */
async function tidy({ storage, folder }: FolderCommit, { removed }: FolderManifest): Promise<void> {
  const uris = removed.map((file) => inFolder(folder, file));
  await storage.remove(uris, folder);
  await removeOldManifests(storage, folder);
}

export function committedRun(
  current: FolderManifest | undefined,
  { namespace, table }: { readonly namespace: string; readonly table: string },
  runId: string,
): CommitReceipt | undefined {
  const run = current?.tables[table]?.runs.find((one) => one.run === runId);
  if (run === undefined) return undefined;
  const { sequence, files, rows, bytes } = run;
  return { namespace, table, snapshotId: String(sequence), files, rows, bytes, alreadyCommitted: true };
}
