import { randomUUID } from 'node:crypto';
import type { Catalog } from '../../connectors/iceberg/catalog.ts';
import { dataFolder } from '../../connectors/iceberg/commit-files.ts';
import { cleanMetadata } from '../../connectors/iceberg/maintenance/clean-metadata.ts';
import { commitCompaction } from '../../connectors/iceberg/maintenance/compact-commit.ts';
import type { CompactionPlan } from '../../connectors/iceberg/maintenance/compact-plan.ts';
import { planCompaction } from '../../connectors/iceberg/maintenance/compact-plan.ts';
import type { RewrittenGroup } from '../../connectors/iceberg/maintenance/compact-rewrite.ts';
import { rewriteGroup } from '../../connectors/iceberg/maintenance/compact-rewrite.ts';
import { expireSnapshots } from '../../connectors/iceberg/maintenance/expire.ts';
import type { MaintainedTable, MaintenancePoint } from '../../connectors/iceberg/maintenance/maintained-table.ts';
import { loadTable } from '../../connectors/iceberg/maintenance/maintained-table.ts';
import { removeOrphans } from '../../connectors/iceberg/maintenance/remove-orphans.ts';
import { rewriteManifests } from '../../connectors/iceberg/maintenance/rewrite-manifests.ts';
import type { Lake } from '../../connectors/iceberg/open-catalog.ts';
import { embeddedCatalog } from '../../connectors/iceberg/open-catalog.ts';
import { inFolder } from '../../connectors/storage/storage.ts';
import type { CompactionCommitted } from '../../contracts/maintenance.ts';
import { openSession } from './duckdb.ts';

export interface MaintenanceGiven {
  readonly runId?: string;
  readonly now?: () => number;
  readonly reached?: (point: MaintenancePoint) => Promise<void> | void;
  readonly catalog?: Catalog;
}

/** A table of a test's lake, as maintenance is given it; the catalog's connection is closed at the end of the scope. */
export async function maintained(
  { storage, warehouse }: Lake,
  table: string,
  { runId = randomUUID(), now = Date.now, reached, catalog }: MaintenanceGiven = {},
): Promise<MaintainedTable & AsyncDisposable> {
  const opened = catalog ?? (await embeddedCatalog({ storage, warehouse }).open());
  return {
    storage,
    catalog: opened,
    name: { namespace: 'shop', table },
    runId,
    signal: new AbortController().signal,
    now,
    reached: async (point) => reached?.(point),
    onProgress: () => {},
    [Symbol.asyncDispose]: async () => {
      if (catalog === undefined) opened.close();
    },
  };
}

/** Plans, rewrites and commits, as the activities do. */
export async function compact(table: MaintainedTable, targetFileBytes: number): Promise<CompactionCommitted> {
  const { plan, groups } = await rewriteSmall(table, targetFileBytes);
  return commitCompaction(table, plan, groups);
}

export interface MaintainAll {
  readonly targetFileBytes?: number;
  /** Default: all that nobody refers to, at once. */
  readonly orphansOlderThanMs?: number;
  readonly runningRuns?: () => readonly string[];
}

/** Every step, and only the last snapshot is kept. */
export async function maintainAll(
  table: MaintainedTable,
  { targetFileBytes = 1_000_000, orphansOlderThanMs = -1000, runningRuns = () => [] }: MaintainAll = {},
): Promise<void> {
  await compact(table, targetFileBytes);
  await rewriteManifests(table);
  const later: MaintainedTable = { ...table, now: () => table.now() + 1000 };
  await expireSnapshots(later, { maxSnapshotAgeMs: 0, minSnapshotsToKeep: 1 });
  await removeOrphans(table, { olderThanMs: orphansOlderThanMs, runningRuns: runningRuns() });
  await cleanMetadata(table, { olderThanMs: orphansOlderThanMs, runningRuns: runningRuns() });
}

/** Plans and rewrites; nothing is visible yet. */
export async function rewriteSmall(
  table: MaintainedTable,
  targetFileBytes: number,
): Promise<{ readonly plan: CompactionPlan; readonly groups: readonly RewrittenGroup[] }> {
  await using session = await openSession();
  const plan = await planCompaction(table, async () => session, { targetFileBytes, defaultFileBytes: targetFileBytes });
  const { metadata } = await loadTable(table);
  const groups: RewrittenGroup[] = [];
  for (const [index, group] of plan.groups.entries()) {
    await using own = await openSession();
    const folder = inFolder(dataFolder(metadata.location), table.runId, `g${index}-1`);
    groups.push(await rewriteGroup(table, own, group, plan.deletes, folder));
  }
  return { plan, groups };
}
