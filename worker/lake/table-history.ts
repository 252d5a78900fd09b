import { changeMetadata } from '../../connectors/iceberg/change-metadata.ts';
import type { TableMetadata } from '../../connectors/iceberg/metadata.ts';
import { currentSnapshot } from '../../connectors/iceberg/metadata.ts';
import { catalogOf, embeddedCatalog } from '../../connectors/iceberg/open-catalog.ts';
import { IcebergReader } from '../../connectors/iceberg/reader.ts';
import type { ReferenceKind } from '../../connectors/iceberg/snapshot-names.ts';
import { rolledBack, snapshotAt, withoutReference, withReference } from '../../connectors/iceberg/snapshot-names.ts';
import type { TableName } from '../../connectors/sink.ts';
import { fail } from '../../contracts/errors.ts';
import type { LakeAddress, ReferenceEntry, RollbackResult, TableDifference } from '../../contracts/lake-view.ts';
import { typeName } from '../../contracts/schema.ts';
import { lakeOf } from '../lake-location.ts';
import { findTable } from './find-table.ts';
import { withReader, withSession } from './open-lake.ts';

export interface ReferenceOptions {
  /** A snapshot id, tag, branch or moment; default: the current snapshot. */
  readonly at?: string;
  /** Milliseconds after which expiry drops the reference; default: never. */
  readonly maxAgeMs?: number;
}

/** Names a snapshot for good. Throws TABLE_NOT_FOUND, SNAPSHOT_NOT_FOUND, REFERENCE_INVALID. */
export async function makeReference(
  lake: LakeAddress,
  table: string,
  kind: ReferenceKind,
  reference: string,
  { at = 'main', maxAgeMs }: ReferenceOptions = {},
): Promise<ReferenceEntry> {
  const [name, metadata] = await change(lake, table, (before, label) =>
    withReference(before, reference, kind, snapshotAt(before, at, label), maxAgeMs),
  );
  const made = metadata.refs[reference];
  if (made === undefined) throw notKept(name, kind, reference);
  return { name: reference, kind, snapshotId: String(made['snapshot-id']) };
}

/** Drops a tag or branch; its snapshot stays until it expires. Throws REFERENCE_INVALID. */
export async function dropReference(lake: LakeAddress, table: string, reference: string): Promise<void> {
  await change(lake, table, (before) => withoutReference(before, reference));
}

/** Tags and branches, main first. */
export async function listReferences(lake: LakeAddress, table: string): Promise<ReferenceEntry[]> {
  return withReader(lake, async (reader) => reader.references(await findTable(reader, lake, table.split('.'))));
}

/** Makes an earlier snapshot the current one. Throws SNAPSHOT_NOT_FOUND. */
export async function rollBack(lake: LakeAddress, table: string, to: string): Promise<RollbackResult> {
  let from: string | undefined;
  const [, metadata] = await change(lake, table, (before, label) => {
    from = String(currentSnapshot(before)?.['snapshot-id'] ?? '');
    return rolledBack(before, snapshotAt(before, to, label), Date.now());
  });
  const current = currentSnapshot(metadata);
  const totalRows = current?.summary['total-records'];
  return {
    from: from ?? '',
    to: String(current?.['snapshot-id']),
    ...(totalRows === undefined ? {} : { totalRows: Number(totalRows) }),
  };
}

/** How two snapshots of a table differ: files, columns, and how many rows. */
export async function diffSnapshots(
  lake: LakeAddress,
  table: string,
  from: string,
  to: string,
): Promise<TableDifference> {
  return withReader(lake, async (reader) => {
    const name = await findTable(reader, lake, table.split('.'));
    return withSession(async (session) => {
      const { before, after, columnsBefore, columnsAfter, ...files } = await reader.difference(name, from, to, session);
      const count = async (left: string, right: string) => {
        const [row] = await session.rows(`SELECT count(*) AS n FROM ((${left}) EXCEPT ALL (${right}))`);
        return Number(row?.['n']);
      };
      const named = (columns: typeof columnsBefore) => columns.map(({ name, type }) => `${name} ${typeName(type)}`);
      const [old, now] = [named(columnsBefore), named(columnsAfter)];
      return {
        ...files,
        rowsAdded: await count(after, before),
        rowsRemoved: await count(before, after),
        columnsAdded: now.filter((column) => !old.includes(column)),
        columnsRemoved: old.filter((column) => !now.includes(column)),
      };
    });
  });
}

async function change(
  address: LakeAddress,
  table: string,
  work: (metadata: TableMetadata, label: string) => TableMetadata,
): Promise<[TableName, TableMetadata]> {
  const lake = lakeOf(address);
  const provider = address.catalog === undefined ? embeddedCatalog(lake) : catalogOf(address.catalog, lake);
  const reader = await IcebergReader.open(lake.storage, lake.warehouse, provider);
  const catalog = await provider.open();
  try {
    const name = await findTable(reader, address, table.split('.'));
    const label = `${name.namespace}.${name.table}`;
    await changeMetadata({ storage: lake.storage, catalog, now: Date.now }, name, (before) => work(before, label));
    const after = await catalog.load(name);
    if (after === undefined) throw new RangeError('a table that was just changed is gone');
    return [name, after.metadata];
  } finally {
    catalog.close();
    reader.close();
  }
}

/** Nessie answers that it has made a tag, and keeps none. */
function notKept({ namespace, table }: TableName, kind: ReferenceKind, reference: string) {
  return fail('REFERENCE_INVALID', {
    received: `${kind} ${reference} of table ${namespace}.${table}, which the catalog did not keep`,
    expected: 'a catalog that keeps tags and branches of tables',
    next: 'with Nessie, make a tag or branch of the whole catalog, and name it in target.catalog.ref to read it',
  });
}
