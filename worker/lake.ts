import type { Json } from '@duckdb/node-api';
import { translateDuckDbError } from '../connectors/duckdb/errors.ts';
import { DuckDbSession } from '../connectors/duckdb/session.ts';
import { identifier, literal } from '../connectors/duckdb/sql.ts';
import type { SnapshotLine } from '../connectors/iceberg/reader.ts';
import { IcebergReader } from '../connectors/iceberg/reader.ts';
import type { TableName } from '../connectors/sink.ts';
import { LocalStorage, localUri } from '../connectors/storage/local.ts';
import { DativoError, fail } from '../contracts/errors.ts';
import { PROPERTY_PREFIX, RUNS_NAMESPACE, RUNS_TABLE } from '../contracts/ids.ts';
import type { LakeAddress, QueryResult, RunRecordEntry, SnapshotEntry } from '../contracts/lake-view.ts';
import { duckDbBudget, readBudget } from './budget.ts';
import { openScratchFolder } from './scratch.ts';

const NEVER = new AbortController().signal;

export interface QueryOptions {
  /** Rows to return at most. */
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs one SQL query with DuckDB over the current snapshots of the tables that it names: `namespace.table`, or
 * `table` where one namespace has it. Throws QUERY_INVALID, TABLE_NOT_FOUND.
 */
export async function queryLake(lake: LakeAddress, sql: string, options: QueryOptions): Promise<QueryResult> {
  return withReader(lake, (reader) =>
    withSession(options, async (session) => {
      for (const name of tableNames(session, sql)) await makeView(session, reader, lake, name);
      return select(session, sql, options.limit);
    }),
  );
}

/** The states of a table, newest first. Throws TABLE_NOT_FOUND. */
export async function listSnapshots(lake: LakeAddress, table: string): Promise<SnapshotEntry[]> {
  return withReader(lake, async (reader) => {
    const name = await findTable(reader, lake, table.split('.'));
    if (name === undefined) throw await unknownTable(reader, table);
    return (await reader.snapshots(name)).map(toEntry).toReversed();
  });
}

export interface RunRecordFilter {
  /** The latest runs only, at most so many. */
  readonly runs?: number;
  readonly runId?: string;
}

/** The run records of a lake, newest first; none if nothing was ever run on it. */
export async function listRunRecords(lake: LakeAddress, filter: RunRecordFilter): Promise<RunRecordEntry[]> {
  return withReader(lake, async (reader) => {
    if (!(await reader.tables(RUNS_NAMESPACE)).includes(RUNS_TABLE)) return [];
    return withSession({}, async (session) => {
      const from = await reader.select({ namespace: RUNS_NAMESPACE, table: RUNS_TABLE });
      const conditions = ['true'];
      if (filter.runId !== undefined) conditions.push(`run_id = ${literal(filter.runId)}`);
      if (filter.runs !== undefined) {
        const latest = `SELECT run_id FROM (${from}) GROUP BY run_id ORDER BY max(ended_at) DESC LIMIT ${filter.runs}`;
        conditions.push(`run_id IN (${latest})`);
      }
      const rows = await session.rows(
        `SELECT *, list_sum(map_values(rows_skipped)) AS skipped FROM (${from}) WHERE ${conditions.join(' AND ')}
         ORDER BY ended_at DESC, object`,
      );
      return rows.map(toRunRecord);
    });
  });
}

async function withReader<T>({ warehouse }: LakeAddress, work: (reader: IcebergReader) => Promise<T>): Promise<T> {
  const reader = await IcebergReader.open(new LocalStorage(), localUri(warehouse));
  try {
    return await work(reader);
  } finally {
    reader.close();
  }
}

async function withSession<T>(
  { signal }: Pick<QueryOptions, 'signal'>,
  work: (session: DuckDbSession) => Promise<T>,
): Promise<T> {
  await using scratch = await openScratchFolder();
  await using session = await DuckDbSession.open(duckDbBudget(readBudget(process.env), scratch.path), signal ?? NEVER);
  // Awaited here, so that the session lives until the work is done.
  return await work(session);
}

const PART = String.raw`"(?:[^"]|"")*"|[^."\s]+`;
/** DuckDB writes a name with its alias behind it: `shop.orders AS o`. */
const TABLE_NAME = new RegExp(String.raw`^(?:${PART})(?:\.(?:${PART}))*`);

/** Tables that a query names, each as its parts. A query that cannot be parsed names none, and fails when it is run. */
function tableNames(session: DuckDbSession, sql: string): string[][] {
  let names: readonly string[];
  try {
    names = session.connection.getTableNames(sql, true);
  } catch {
    return [];
  }
  return names.map((name) => {
    const parts = TABLE_NAME.exec(name)?.[0].match(new RegExp(PART, 'g')) ?? [];
    return parts.map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part));
  });
}

async function makeView(
  session: DuckDbSession,
  reader: IcebergReader,
  lake: LakeAddress,
  parts: string[],
): Promise<void> {
  const name = await findTable(reader, lake, parts);
  if (name === undefined) {
    // DuckDB's own table functions and catalogs stay reachable; what the lake does not know, DuckDB may.
    if (parts.length === 2 && (await reader.namespaces()).includes(parts[0] ?? ''))
      throw await unknownTable(reader, parts.join('.'));
    return;
  }
  const [schema] = parts.length === 2 ? parts : ['main'];
  if (parts.length === 2) await session.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(name.namespace)}`);
  await session.run(
    `CREATE VIEW IF NOT EXISTS ${identifier(schema ?? 'main')}.${identifier(name.table)} AS ${await reader.select(name)}`,
  );
}

async function findTable(
  reader: IcebergReader,
  lake: LakeAddress,
  parts: readonly string[],
): Promise<TableName | undefined> {
  const [first = '', second] = parts;
  if (second !== undefined) {
    const tables = await reader.tables(first);
    return tables.includes(second) ? { namespace: first, table: second } : undefined;
  }
  const namespaces =
    lake.namespace === undefined ? await reader.namespaces() : [lake.namespace, ...(await reader.namespaces())];
  for (const namespace of new Set(namespaces)) {
    if (namespace !== RUNS_NAMESPACE && (await reader.tables(namespace)).includes(first))
      return { namespace, table: first };
  }
  return undefined;
}

async function unknownTable(reader: IcebergReader, received: string) {
  const known: string[] = [];
  for (const namespace of await reader.namespaces()) {
    known.push(...(await reader.tables(namespace)).map((table) => `${namespace}.${table}`));
  }
  return fail('TABLE_NOT_FOUND', {
    received: `the table ${received}`,
    expected: known.length === 0 ? 'a lake with tables' : `one of ${known.join(', ')}`,
    next: 'correct the name, or choose another lake with --warehouse or --job',
  });
}

async function select(session: DuckDbSession, sql: string, limit: number): Promise<QueryResult> {
  try {
    const result = await session.connection.streamAndReadUntil(sql, limit + 1);
    const rows = result.getRowsJson().slice(0, limit);
    const columns = result.columnNames().map((name, index) => ({ name, type: String(result.columnType(index)) }));
    return { columns, rows: rows as Json[][] as QueryResult['rows'], truncated: result.currentRowCount > limit };
  } catch (error) {
    throw invalidQuery(error);
  }
}

/** Here the query is the user's, so that it cannot be run is no fault of Dativo's. */
function invalidQuery(error: unknown): unknown {
  const message = error instanceof Error ? error.message.replace(/^Failed to extract statements: /, '') : '';
  const known = translateDuckDbError(error instanceof Error ? new Error(message) : error);
  if (!(known instanceof DativoError) || known.code !== 'UNEXPECTED') return known;
  const kind = /^([A-Z][A-Za-z ]{2,40}) Error:/.exec(message)?.[1] ?? 'unknown';
  return fail('QUERY_INVALID', {
    received: `a query that ends in a ${kind.toLowerCase()} error`,
    expected: 'one SELECT statement in the SQL of DuckDB whose values can all be computed',
    next: 'correct the query; TRY_CAST gives null where a value cannot be converted',
  });
}

function toEntry({ id, parent, time, operation, current, summary }: SnapshotLine): SnapshotEntry {
  const runId = summary[`${PROPERTY_PREFIX}run-id`];
  const count = (key: string) => Number(summary[key] ?? 0);
  return {
    snapshotId: id,
    ...(parent === undefined ? {} : { parentId: parent }),
    committedAt: time,
    operation,
    ...(runId === undefined ? {} : { runId }),
    addedRows: count('added-records'),
    deletedRows: count('deleted-records'),
    totalRows: count('total-records'),
    addedFiles: count('added-data-files'),
    totalFiles: count('total-data-files'),
    current,
  };
}

function toRunRecord(row: Readonly<Record<string, Json>>): RunRecordEntry {
  const text = (name: string) => (typeof row[name] === 'string' ? row[name] : '');
  const optional = (name: string) => (row[name] === null || row[name] === undefined ? undefined : String(row[name]));
  const count = (name: string) => Number(row[name] ?? 0);
  const snapshotId = optional('snapshot_id');
  const failureCode = optional('failure_code');
  const failureMessage = optional('failure_message');
  return {
    runId: text('run_id'),
    tenant: text('tenant'),
    asset: text('asset'),
    object: text('object'),
    table: text('table'),
    state: text('state'),
    mode: text('mode'),
    startedAt: isoTime(text('started_at')),
    endedAt: isoTime(text('ended_at')),
    rowsRead: count('rows_read'),
    rowsCommitted: count('rows_committed'),
    rowsQuarantined: count('rows_quarantined'),
    rowsSkipped: count('skipped'),
    files: count('files'),
    bytes: count('bytes'),
    ...(snapshotId === undefined ? {} : { snapshotId }),
    ...(failureCode === undefined ? {} : { failureCode }),
    ...(failureMessage === undefined ? {} : { failureMessage }),
  };
}

/** DuckDB writes a point in time as `2026-01-31 12:00:00.5+00`. */
function isoTime(text: string): string {
  const time = new Date(text.replace(' ', 'T').replace(/\+00$/, 'Z'));
  return Number.isNaN(time.getTime()) ? text : time.toISOString();
}
