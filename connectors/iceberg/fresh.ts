import { OTHER_COLUMNS, OTHER_RUN, tableChanged, WRITTEN_TO } from '../commit-rules.ts';
import type { SinkChange } from '../sink.ts';
import { checkpointRunId } from './checkpoint.ts';
import type { TableVersion } from './metadata.ts';
import { currentSchema, currentSnapshot, currentSpec, notOurs } from './metadata.ts';
import { fieldIdsOf, sameSchema } from './schema.ts';

/**
 * Fails with TABLE_CHANGED unless the staged work means the same on the table as it is now as on the table that the
 * run was planned on. Rows that others appended in the meantime do no harm to an append.
 */
export function requireFresh(change: SinkChange, current: TableVersion | undefined): void {
  const { plan, mode, checkpoint } = change;
  const stale = staleReason(change, current);
  if (stale !== undefined) throw tableChanged(plan, stale);
  if (current !== undefined && currentSpec(current.metadata).fields.length > 0) {
    throw notOurs(`${plan.namespace}.${plan.table}`, 'a table with partitions');
  }
  if (current === undefined) return;
  const snapshot = currentSnapshot(current.metadata);
  if (
    mode === 'replace' &&
    plan.base.snapshotId !== (snapshot === undefined ? null : String(snapshot['snapshot-id']))
  ) {
    throw tableChanged(plan, WRITTEN_TO);
  }
  if (checkpoint !== undefined && plan.base.checkpointRunId !== (checkpointRunId(current.metadata) ?? null)) {
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
