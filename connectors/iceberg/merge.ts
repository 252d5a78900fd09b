import { fail } from '../../contracts/errors.ts';
import type { MergeRule } from '../duckdb/merge-sql.ts';
import {
  countDuplicateKeys,
  MERGE,
  matchedRows,
  mergedOverDuplicates,
  mergedRows,
  newestOfEachKey,
  supersededKeys,
} from '../duckdb/merge-sql.ts';
import { writeParquet } from '../duckdb/parquet-file.ts';
import { selectFiles } from '../duckdb/parquet-select.ts';
import type { DuckDbSession } from '../duckdb/session.ts';
import { identifier } from '../duckdb/sql.ts';
import type { Merged, MergeRequest } from '../sink.ts';
import type { Storage } from '../storage/storage.ts';
import { liveFiles } from './live-files.ts';
import type { DataFile } from './manifest.ts';
import { mergeCandidates } from './merge-candidates.ts';
import type { TableVersion } from './metadata.ts';
import { currentSnapshot } from './metadata.ts';
import type { IcebergSchema } from './schema.ts';
import { toStreamSchema } from './schema.ts';

/**
 * Copy-on-write: finds the files of a table that hold rows with the keys of the staged ones, and writes them anew with
 * those rows in their place. Files whose key ranges do not overlap are not opened, those without a matching key are
 * opened for their keys alone. Nothing becomes visible. Fails with DUPLICATE_KEY.
 */
export async function mergeStaged(
  storage: Storage,
  session: DuckDbSession,
  version: TableVersion | undefined,
  request: MergeRequest,
): Promise<Merged> {
  const { plan, rule, replace } = request;
  const schema = plan.tableSchema;
  const snapshot = replace || version === undefined ? undefined : currentSnapshot(version.metadata);
  const base = version === undefined ? undefined : currentSnapshot(version.metadata);
  const table = `${plan.namespace}.${plan.table}`;
  const files = version === undefined ? [] : await liveFiles(storage, version.metadata, snapshot, table);
  const incoming = await takeIncoming(storage, session, request, schema);

  const candidates = await mergeCandidates(session, files, schema, rule.key);
  const matched = await matchStored(storage, session, candidates, schema, rule);
  const counts = {
    rows: incoming.rows - matched.superseded,
    updated: matched.keys,
    superseded: incoming.superseded + matched.superseded,
  };
  const mergedOn = { baseSnapshotId: base === undefined ? null : String(base['snapshot-id']), ...counts };
  // The staged files as they are, where they bring rows that are all new.
  if (matched.files.length === 0 && counts.superseded === 0) return { ...mergedOn, files: request.files, removed: [] };

  const uris = matched.files.map((file) => file.file_path);
  const stored = uris.length === 0 ? undefined : selectFiles(await storage.localise(uris, session), schema);
  const columns = toStreamSchema(schema).columns;
  const rows =
    stored !== undefined && matched.duplicates
      ? mergedOverDuplicates(stored, columns, rule)
      : mergedRows(stored, columns, rule);
  const written = await writeParquet(session, rows, schema, request.folder, {
    storage,
    fileSizeBytes: request.fileSizeBytes,
    layout: plan.layout,
  });
  requireSum(written, matched, counts.rows - counts.updated);
  return { ...mergedOn, files: written, removed: uris };
}

/** The staged rows as the relation `MERGE.incoming`, one for each key. */
async function takeIncoming(
  storage: Storage,
  session: DuckDbSession,
  { files, rule, plan }: MergeRequest,
  schema: IcebergSchema,
): Promise<{ rows: number; superseded: number }> {
  const paths = await storage.localise(
    files.map(({ uri }) => uri),
    session,
  );
  const staged = files.reduce((sum, file) => sum + file.rows, 0);
  const all = selectFiles(paths, schema);
  const duplicates = await count(session, countDuplicateKeys(all, rule));
  if (duplicates === 0) {
    await session.run(`CREATE TEMP VIEW ${MERGE.incoming} AS ${all}`);
    return { rows: staged, superseded: 0 };
  }
  if (rule.latestBy === undefined) throw duplicateKeys(duplicates, rule, `${plan.namespace}.${plan.table}`);
  const placed = selectFiles(paths, schema, ['file_index', 'file_row_number']);
  await session.run(`CREATE TEMP TABLE ${MERGE.incoming} AS ${newestOfEachKey(placed, rule)}`);
  const rows = await count(session, `SELECT count(*)::INTEGER AS n FROM ${MERGE.incoming}`);
  return { rows, superseded: staged - rows };
}

interface Matched {
  /** Files to write anew. */
  readonly files: readonly DataFile[];
  /** Keys that are in the table and in the run. */
  readonly keys: number;
  /** Stored rows that have those keys: more than keys where the table holds duplicates. */
  readonly rows: number;
  readonly duplicates: boolean;
  /** Incoming rows that were older than the stored ones, and left. */
  readonly superseded: number;
}

async function matchStored(
  storage: Storage,
  session: DuckDbSession,
  candidates: readonly DataFile[],
  schema: IcebergSchema,
  rule: MergeRule,
): Promise<Matched> {
  const wanted = new Set([...rule.key, ...(rule.latestBy === undefined ? [] : [rule.latestBy])]);
  const narrow = { ...schema, fields: schema.fields.filter(({ name }) => wanted.has(name)) };
  const paths = await storage.localise(
    candidates.map((file) => file.file_path),
    session,
  );
  const stored =
    paths.length === 0
      ? `SELECT *, 0 AS file_index FROM (${selectFiles([], narrow)})`
      : selectFiles(paths, narrow, ['file_index']);
  await session.run(`CREATE TEMP TABLE ${MERGE.matched} AS ${matchedRows(stored, rule)}`);
  const superseded = await dropSuperseded(session, rule);
  const key = rule.key.map(identifier).join(', ');
  const [totals] = await session.rows(
    `SELECT count(*)::INTEGER AS rows, (SELECT count(*)::INTEGER FROM (SELECT DISTINCT ${key} FROM ${MERGE.matched})) AS keys FROM ${MERGE.matched}`,
  );
  // In the order of their keys, so that the files which are written from them divide the same ranges again.
  const indexes = await session.rows(
    `SELECT file_index::INTEGER AS i FROM ${MERGE.matched} GROUP BY i ORDER BY min((${key}))`,
  );
  const [rows, keys] = [Number(totals?.['rows']), Number(totals?.['keys'])];
  const files = indexes.flatMap(({ i }) => candidates[Number(i)] ?? []);
  return { files, keys, rows, duplicates: rows > keys, superseded };
}

/** Incoming rows that are older than what the table holds of their key leave, and no longer match anything. */
async function dropSuperseded(session: DuckDbSession, rule: MergeRule): Promise<number> {
  if (rule.latestBy === undefined) return 0;
  await session.run(`CREATE TEMP TABLE __dativo_superseded AS ${supersededKeys(rule)}`);
  const superseded = await count(session, 'SELECT count(*)::INTEGER AS n FROM __dativo_superseded');
  if (superseded === 0) return 0;
  const key = rule.key.map(identifier).join(', ');
  const without = (relation: string) => `SELECT * FROM ${relation} ANTI JOIN __dativo_superseded USING (${key})`;
  await session.run(`CREATE TEMP TABLE __dativo_newer AS ${without(MERGE.incoming)}`);
  await session.run(`DROP ${await kindOf(session, MERGE.incoming)} ${MERGE.incoming}`);
  await session.run(`ALTER TABLE __dativo_newer RENAME TO ${MERGE.incoming}`);
  await session.run(`CREATE OR REPLACE TEMP TABLE ${MERGE.matched} AS ${without(MERGE.matched)}`);
  return superseded;
}

async function kindOf(session: DuckDbSession, relation: string): Promise<'VIEW' | 'TABLE'> {
  const views = await session.rows(`SELECT 1 AS one FROM duckdb_views() WHERE view_name = '${relation}'`);
  return views.length > 0 ? 'VIEW' : 'TABLE';
}

async function count(session: DuckDbSession, sql: string): Promise<number> {
  const [row] = await session.rows(sql);
  return Number(row?.['n']);
}

/** What the files held, without the rows that were replaced, and what came: nothing may be lost or come twice. */
function requireSum(written: readonly { rows: number }[], { files, keys, rows }: Matched, inserted: number): void {
  const before = files.reduce((sum, file) => sum + Number(file.record_count), 0);
  const expected = before - rows + keys + inserted;
  const found = written.reduce((sum, file) => sum + file.rows, 0);
  if (found === expected) return;
  throw fail('SUM_MISMATCH', {
    received: `${found} rows in the rewritten files`,
    expected: `${expected}: ${before} that the files held, ${rows} of them replaced by ${keys}, and ${inserted} new ones`,
    next: 'report it with the job file; nothing was committed',
  });
}

function duplicateKeys(keys: number, { key }: MergeRule, table: string) {
  return fail('DUPLICATE_KEY', {
    received: `${keys} ${keys === 1 ? 'key' : 'keys'} (${key.join(', ')}) with more than one row for table ${table}`,
    expected: 'one row for each primary key in a run, or a column that says which row is the newest',
    next: 'set target.latest_by to a column such as updated_at, or correct target.primary_key',
  });
}
