import { OTHER_COLUMNS, OTHER_OWNER, OTHER_RUN, tableChanged, WRITTEN_TO } from '../commit-rules.ts';
import type { SinkChange } from '../sink.ts';
import { mayFill, ownerIn } from '../table-owner.ts';
import { checkpointRunId } from './checkpoint.ts';
import { partitionsAs } from './layout.ts';
import type { TableMetadata, TableVersion } from './metadata.ts';
import { currentSchema, currentSnapshot, currentSpec, snapshotOfId } from './metadata.ts';
import { fieldIdsOf, sameSchema } from './schema.ts';

/**
 * Fails with TABLE_CHANGED unless the staged work means the same on the table as it is now as on the table that the
 * run was planned on. Rows that others appended in the meantime do no harm to an append.
 */
export function requireFresh(change: SinkChange, current: TableVersion | undefined): void {
  const { plan, mode, checkpoint } = change;
  const stale = staleReason(change, current);
  if (stale !== undefined) throw tableChanged(plan, stale);
  if (current === undefined) return;
  if (!mayFill(ownerIn(current.metadata.properties), ownerIn(plan.properties))) throw tableChanged(plan, OTHER_OWNER);
  const spec = currentSpec(current.metadata);
  if (!partitionsAs(spec, plan.layout?.partition ?? []) && plan.base.specId !== spec['spec-id']) {
    throw tableChanged(plan, 'its partitioning changed');
  }
  const needsAllRows = mode === 'replace' || mode === 'merge';
  if (needsAllRows && !hasRowsOf(current.metadata, plan.base.snapshotId)) throw tableChanged(plan, WRITTEN_TO);
  if (
    checkpoint !== undefined &&
    plan.base.checkpointRunId !== (checkpointRunId(current.metadata, plan.checkpointOf) ?? null)
  ) {
    throw tableChanged(plan, OTHER_RUN);
  }
}

function staleReason({ plan }: SinkChange, current: TableVersion | undefined): string | undefined {
  const { tableId, schemaId } = plan.base;
  if (current === undefined) return tableId === null ? undefined : 'it was dropped';
  const { metadata } = current;
  if (sameSchema(currentSchema(metadata), plan.tableSchema)) {
    return tableId === null || tableId === metadata['table-uuid'] ? undefined : 'it was dropped and created again';
  }
  if (tableId === null) return 'it was created with other columns';
  if (tableId !== metadata['table-uuid']) return 'it was dropped and created again';
  if (schemaId !== metadata['current-schema-id']) return OTHER_COLUMNS;
  const known = new Set(metadata.schemas.flatMap((schema) => fieldIdsOf(schema.fields)));
  const mine = new Set(fieldIdsOf(currentSchema(metadata).fields));
  const reused = fieldIdsOf(plan.tableSchema.fields).some((id) => !mine.has(id) && known.has(id));
  return reused ? OTHER_COLUMNS : undefined;
}

/** Whether the table has the very rows that it had at a snapshot: that one is current, or was only rewritten since. */
function hasRowsOf(metadata: TableMetadata, snapshotId: string | null): boolean {
  let snapshot = currentSnapshot(metadata);
  while (snapshot !== undefined && String(snapshot['snapshot-id']) !== snapshotId) {
    // Spec, "Snapshots": a replacement is one "without changing table data".
    if (snapshot.summary['operation'] !== 'replace') return false;
    const parent = snapshot['parent-snapshot-id'];
    // The parent may have expired; that it was the one is still known.
    if (String(parent) === snapshotId) return true;
    snapshot = snapshotOfId(metadata, parent);
    if (snapshot === undefined) return false;
  }
  return snapshot !== undefined || snapshotId === null;
}
