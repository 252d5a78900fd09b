import { fail } from '../../../contracts/errors.ts';
import { mapBounded } from '../../bounded.ts';
import type { WrittenFile } from '../../duckdb/parquet-file.ts';
import { writeParquet } from '../../duckdb/parquet-file.ts';
import { selectFiles } from '../../duckdb/parquet-select.ts';
import type { DuckDbSession } from '../../duckdb/session.ts';
import { identifier, literal } from '../../duckdb/sql.ts';
import type { Storage } from '../../storage/storage.ts';
import { currentSchema } from '../metadata.ts';
import type { IcebergSchema } from '../schema.ts';
import { fieldIdsOf } from '../schema.ts';
import type { CompactionGroup } from './compact-groups.ts';
import type { CompactionPlan } from './compact-plan.ts';
import type { MaintainedTable } from './maintained-table.ts';
import { loadTable, tableLabel } from './maintained-table.ts';
import { selectPositions } from './position-deletes.ts';
import { rowOrder } from './sort-keys.ts';

/** What takes the place of a group. Plain JSON; holds bounds, so it never leaves the lake. */
export interface RewrittenGroup {
  readonly removed: readonly string[];
  readonly files: readonly WrittenFile[];
  /** The order of the rows in the files; undefined for that of the files that they come from. */
  readonly sortOrderId?: number;
  /** The columns that the new files hold, and the last that the table had then: one that comes later is in neither. */
  readonly fieldIds: readonly number[];
  readonly lastColumnId: number;
}

const DELETED = '__dativo_deleted';
const FILES = '__dativo_files';

/**
 * Writes the rows of a group's files into new ones, in the columns that the table has now, without the rows that are
 * marked as deleted. Nothing becomes visible. `folder` is this call's alone. Fails with TABLE_CHANGED where files of the
 * group are gone.
 */
export async function rewriteGroup(
  table: MaintainedTable,
  session: DuckDbSession,
  group: CompactionGroup,
  deletes: CompactionPlan['deletes'],
  folder: string,
): Promise<RewrittenGroup> {
  try {
    return await rewrite(table, session, group, deletes, folder);
  } catch (error) {
    if (await isWhole(table, group)) throw error;
    throw fail('TABLE_CHANGED', {
      received: `files of table ${tableLabel(table)} gone that were to be rewritten, because it changed meanwhile`,
      expected: 'every file that was planned to be rewritten',
      next: 'leave it to the next maintenance; nothing of this was committed',
    });
  }
}

async function isWhole({ storage }: MaintainedTable, group: CompactionGroup): Promise<boolean> {
  const sizes = await mapBounded(group.files, 8, ({ uri }) => storage.size(uri));
  return !sizes.includes(undefined);
}

async function rewrite(
  table: MaintainedTable,
  session: DuckDbSession,
  group: CompactionGroup,
  deletes: CompactionPlan['deletes'],
  folder: string,
): Promise<RewrittenGroup> {
  const { storage, onProgress } = table;
  const { metadata } = await loadTable(table);
  const schema = currentSchema(metadata);
  const uris = group.files.map(({ uri }) => uri);
  const paths = await storage.localise(uris, session);
  const deleted = group.hasDeletes ? await takeDeleted(storage, session, uris, deletes) : 0;
  const rows = deleted === 0 ? selectFiles(paths, schema) : withoutDeleted(paths, schema);
  const order = rowOrder(metadata);
  const written = await writeParquet(session, rows, schema, folder, {
    storage,
    fileSizeBytes: group.fileSizeBytes,
    layout: { partition: [], sort: order?.keys ?? [] },
    onProgress,
  });
  requireSum(group, deleted, written);
  return {
    removed: uris,
    files: written,
    ...(order === undefined ? {} : { sortOrderId: order.orderId }),
    fieldIds: fieldIdsOf(schema.fields),
    lastColumnId: metadata['last-column-id'],
  };
}

/** The places of the deleted rows as a relation of index of the file and place in it; returns how many there are. */
async function takeDeleted(
  storage: Storage,
  session: DuckDbSession,
  uris: readonly string[],
  deletes: CompactionPlan['deletes'],
): Promise<number> {
  const files = new Set(uris);
  const applying = deletes.filter(({ refersTo }) => refersTo.some((uri) => files.has(uri)));
  if (applying.length === 0) return 0;
  const paths = await storage.localise(
    applying.map(({ uri }) => uri),
    session,
  );
  const values = uris.map((uri, index) => `(${index}, ${literal(uri)})`);
  await session.run(
    `CREATE TEMP TABLE ${FILES} AS SELECT * FROM (VALUES ${values.join(', ')}) t(file_index, file_path)`,
  );
  await session.run(
    `CREATE TEMP TABLE ${DELETED} AS
     SELECT DISTINCT file_index, pos AS file_row_number FROM (${selectPositions(paths)}) JOIN ${FILES} USING (file_path)`,
  );
  const [row] = await session.rows(`SELECT count(*)::INTEGER AS n FROM ${DELETED}`);
  return Number(row?.['n']);
}

function withoutDeleted(paths: readonly string[], schema: IcebergSchema): string {
  const columns = schema.fields.map(({ name }) => identifier(name)).join(', ');
  const placed = selectFiles(paths, schema, ['file_index', 'file_row_number']);
  return `SELECT ${columns} FROM (${placed}) ANTI JOIN ${DELETED} USING (file_index, file_row_number)`;
}

/** Nothing may be lost or come twice. */
function requireSum(group: CompactionGroup, deleted: number, written: readonly WrittenFile[]): void {
  const before = group.files.reduce((sum, { rows }) => sum + rows, 0);
  const after = written.reduce((sum, { rows }) => sum + rows, 0);
  if (after === before - deleted) return;
  throw fail('SUM_MISMATCH', {
    received: `${after} rows in the rewritten files`,
    expected: `${before - deleted}: ${before} that the files held, ${deleted} of them deleted`,
    next: 'report it; nothing was committed',
  });
}
