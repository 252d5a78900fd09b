import type { Json } from '@duckdb/node-api';
import type { DuckDbSession } from '../../connectors/duckdb/session.ts';
import { identifier } from '../../connectors/duckdb/sql.ts';
import type { IcebergReader } from '../../connectors/iceberg/reader.ts';
import type { TableName } from '../../connectors/sink.ts';
import type { LakeAddress, QueryResult } from '../../contracts/lake-view.ts';
import type { AsOf } from './as-of.ts';
import { rewriteAsOf } from './as-of.ts';
import { findTables, listTables, severalTables, unknownTable } from './find-table.ts';
import { withReader, withSession } from './open-lake.ts';
import { invalidQuery, saysTableIsUnknown } from './query-errors.ts';
import type { Question } from './question.ts';
import { readQuestion } from './question.ts';

export interface QueryOptions {
  /** Rows to return at most. */
  readonly limit: number;
  /** Every table as it was, unless the query says it of one itself: a snapshot id, a tag, a branch or a moment. */
  readonly asOf?: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs one SQL query with DuckDB over the current snapshots of the tables that it names: `namespace.table`, or `table`
 * where one namespace has it. Throws QUERY_INVALID for anything but one query that reads, TABLE_NOT_FOUND.
 */
export async function queryLake(lake: LakeAddress, sql: string, options: QueryOptions): Promise<QueryResult> {
  return withReader(lake, (reader) =>
    withSession(async (session) => {
      const { sql: rewritten, tables } = rewriteAsOf(sql);
      const question = await readQuestion(session, rewritten);
      if (question.kind === 'tables') return tablesOf(await listTables(reader), options.limit);
      await makeViews(session, reader, lake, question, { tables, all: options.asOf });
      if (question.ofCatalog) await makeEmptyViews(session, reader);
      try {
        return await select(session, rewritten, options.limit);
      } catch (error) {
        const unknown = question.names.find((parts) => saysTableIsUnknown(error, parts));
        throw unknown ? await notOneTable(reader, lake, unknown) : invalidQuery(error);
      }
    }, options.signal),
  );
}

function tablesOf(tables: readonly TableName[], limit: number): QueryResult {
  const columns = ['namespace', 'name'].map((name) => ({ name, type: 'VARCHAR' }));
  const rows = tables.slice(0, limit).map(({ namespace, table }) => [namespace, table]);
  return { columns, rows, truncated: tables.length > limit };
}

/**
 * A view for each name that is one table of the lake. The others may be common table expressions, files or DuckDB's
 * own views: DuckDB will say of which it knows nothing.
 */
async function makeViews(
  session: DuckDbSession,
  reader: IcebergReader,
  lake: LakeAddress,
  { names, ofColumns }: Extract<Question, { kind: 'query' }>,
  past: { readonly tables: readonly AsOf[]; readonly all: string | undefined },
): Promise<void> {
  const distinct = new Map(names.map((parts) => [JSON.stringify(parts), parts]));
  for (const parts of distinct.values()) {
    const asOf = past.tables.find(({ alias }) => alias === parts.at(-1));
    const [name, ...others] = await findTables(reader, lake, asOf?.parts ?? parts);
    if (asOf !== undefined && name === undefined) throw await unknownTable(reader, asOf.parts);
    if (name === undefined || others.length > 0) continue;
    const wanted = asOf?.wanted ?? past.all;
    const rows = ofColumns && wanted === undefined ? reader.selectNothing(name) : reader.select(name, session, wanted);
    await makeView(session, parts.length === 1 ? 'main' : name.namespace, asOf?.alias ?? name.table, await rows);
  }
}

async function makeView(session: DuckDbSession, schema: string, table: string, select: string): Promise<void> {
  await session.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`);
  await session.run(`CREATE VIEW IF NOT EXISTS ${identifier(schema)}.${identifier(table)} AS ${select}`);
}

/** For questions to DuckDB's catalog: every table with its columns. Those that the query names are there already. */
async function makeEmptyViews(session: DuckDbSession, reader: IcebergReader): Promise<void> {
  for (const name of await listTables(reader)) {
    await makeView(session, name.namespace, name.table, await reader.selectNothing(name));
  }
}

async function notOneTable(reader: IcebergReader, lake: LakeAddress, parts: readonly string[]) {
  const several = await findTables(reader, lake, parts);
  return several.length > 1 ? severalTables(parts, several) : unknownTable(reader, parts);
}

async function select(session: DuckDbSession, sql: string, limit: number): Promise<QueryResult> {
  const result = await session.connection.streamAndReadUntil(sql, limit + 1);
  const rows = result.getRowsJson().slice(0, limit);
  const columns = result.columnNames().map((name, index) => ({ name, type: String(result.columnType(index)) }));
  return { columns, rows: rows as Json[][] as QueryResult['rows'], truncated: result.currentRowCount > limit };
}
