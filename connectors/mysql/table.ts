import { z } from 'zod';
import { fail } from '../../contracts/errors.ts';
import { nearest } from '../../contracts/nearest.ts';
import type { MySqlSession } from './session.ts';
import { myName, myText } from './sql.ts';
import type { WireColumn } from './type-rules.ts';

/** What an object of the job is in the database. */
export interface MyTable {
  /** What follows FROM. */
  readonly from: string;
  /** For messages and for quarantined rows. */
  readonly shown: string;
  readonly columns: readonly WireColumn[];
  /** Names of the primary key's columns in its order; empty for none, and for views and queries. */
  readonly primaryKey: readonly string[];
  /** Keys that tell all rows apart, the primary one first. */
  readonly keys: readonly (readonly string[])[];
  /** Whether a transaction sees one moment of it. False for engines such as MyISAM. */
  readonly hasVersions: boolean;
  /** The server's estimate; undefined where it has none. */
  readonly rows: number | undefined;
  /** The server's estimate. */
  readonly bytes: number;
}

const relationSchema = z.object({
  kind: z.string(),
  engine: z.string().nullable(),
  rows: z.coerce.number().nullable(),
  bytes: z.coerce.number().nullable(),
});

const keySchema = z.object({ key: z.string(), column: z.string().nullable(), usable: z.coerce.number() });

/** Engines that keep versions of a row, so that a transaction sees one moment. */
const WITH_VERSIONS = ['InnoDB', 'ROCKSDB', 'TokuDB', 'ndbcluster'];

/** A table or view as it is now. Errors: SOURCE_NOT_FOUND, SOURCE_DENIED. */
export async function findTable(schema: string | undefined, table: string, session: MySqlSession): Promise<MyTable> {
  const database = schema ?? session.address.database;
  const where = `table_schema = ${myText(database)} AND table_name = ${myText(table)}`;
  const rows = await session.rows(
    `SELECT table_type AS kind, engine AS engine, table_rows AS \`rows\`, data_length AS bytes
     FROM information_schema.tables WHERE ${where}`,
  );
  if (rows[0] === undefined) throw await notFound(database, table, session);
  const { kind, engine, rows: estimate, bytes } = relationSchema.parse(rows[0]);
  const from = myName(database, table);
  const shown = `${database}.${table}`;
  const isView = kind.includes('VIEW');
  const keys = isView ? new Map<string, string[]>() : await keysOf(where, session);
  return {
    from,
    shown,
    columns: await columnsOf(from, shown, session),
    primaryKey: keys.get('PRIMARY') ?? [],
    keys: [...keys.values()],
    // What is below a view is not looked at: a statement that reads it as a whole sees one moment either way.
    hasVersions: isView || WITH_VERSIONS.includes(engine ?? ''),
    rows: isView ? undefined : (estimate ?? undefined),
    bytes: bytes ?? 0,
  };
}

/** A SELECT of the user's own, as if it were a view. Errors: SOURCE_UNREADABLE, DUPLICATE_COLUMN. */
export async function findQuery(query: string, object: string, session: MySqlSession): Promise<MyTable> {
  const from = `(${query.replace(/;\s*$/, '')}\n) AS dativo_query`;
  const shown = `the query of ${object}`;
  const columns = await columnsOf(from, shown, session);
  return { from, shown, columns, primaryKey: [], keys: [], hasVersions: true, rows: undefined, bytes: 0 };
}

/** Unique keys without a null, a part of a text or an expression in them, by name; the primary one first. */
async function keysOf(where: string, session: MySqlSession): Promise<ReadonlyMap<string, string[]>> {
  const rows = await session.rows(
    `SELECT index_name AS \`key\`, column_name AS \`column\`,
       column_name IS NOT NULL AND nullable <> 'YES' AND sub_part IS NULL AS usable
     FROM information_schema.statistics WHERE ${where} AND non_unique = 0
     ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index`,
  );
  const keys = new Map<string, string[]>();
  const unusable = new Set<string>();
  for (const { key, column, usable } of z.array(keySchema).parse(rows)) {
    if (column === null || usable === 0) unusable.add(key);
    else keys.set(key, [...(keys.get(key) ?? []), column]);
  }
  for (const key of unusable) keys.delete(key);
  return keys;
}

async function columnsOf(from: string, shown: string, session: MySqlSession): Promise<readonly WireColumn[]> {
  const columns = await session.columns(`SELECT * FROM ${from}`, shown);
  // The lake does not tell names apart by their case.
  const names = columns.map(({ name }) => name.toLowerCase());
  const twice = columns.find((_, index) => names.indexOf(names[index] ?? '') !== index);
  if (twice === undefined) return columns;
  throw fail('DUPLICATE_COLUMN', {
    received: `${shown} with two columns named ${twice.name}`,
    expected: 'columns with names of their own',
    next: 'name them apart with AS',
  });
}

async function notFound(database: string, table: string, session: MySqlSession) {
  const rows = await session.rows(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ${myText(database)}`,
  );
  const near = nearest(
    table,
    rows.map(({ name }) => String(name)),
  );
  const next = near === undefined ? 'correct source.objects, or GRANT SELECT ON the table to the user' : undefined;
  return fail('SOURCE_NOT_FOUND', {
    received: `${session.address.shown} shows no table ${database}.${table}`,
    expected: 'a table or view that is there and that the user may read',
    next: next ?? `write ${near} in source.objects instead`,
  });
}
