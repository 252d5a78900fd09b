import { z } from 'zod';
import { fail } from '../../contracts/errors.ts';
import { nearest } from '../../contracts/nearest.ts';
import type { ObjectName } from '../database/object-name.ts';
import { postgresError } from './errors.ts';
import type { PostgresSession } from './session.ts';
import { pgName } from './sql.ts';
import type { PgType } from './type-rules.ts';

export interface PgColumn {
  readonly name: string;
  readonly pgType: PgType;
}

/** What an object of the job is in the database. */
export interface PgTable {
  /** What follows FROM, with the alias `ROW`. */
  readonly from: string;
  /** For messages and for quarantined rows. */
  readonly shown: string;
  readonly columns: readonly PgColumn[];
  /** Names of the primary key's columns in its order; empty for none, and for views and queries. */
  readonly primaryKey: readonly string[];
  /** As the server last estimated them; undefined for what it has no estimate of. */
  readonly rows: number | undefined;
  /** Whether rows are found by their place (`ctid`) quickly: tables, of Postgres 14 and later. */
  readonly hasPlaces: boolean;
  /** Of the largest table among it and its partitions or children, in pages of the server. */
  readonly pages: number;
  /** Of all of them together with what is stored out of line. */
  readonly bytes: number;
}

const PUBLIC = 'public';
/** Stands for a whole row of an object. */
export const ROW = 'dativo_row';

const FIRST_VERSION_WITH_PLACES = 140_000;

const relationSchema = z.object({
  oid: z.number(),
  kind: z.string(),
  version: z.coerce.number(),
  pages: z.coerce.number(),
  bytes: z.coerce.number(),
  rows: z.coerce.number(),
  isForeign: z.boolean(),
  primaryKey: z.array(z.string()),
});

const RELATION = `
  WITH RECURSIVE tree AS (
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN tree ON tree.oid = i.inhparent
  )
  SELECT c.oid::int8::float8 AS oid, c.relkind::text AS kind, current_setting('server_version_num') AS version,
    (SELECT coalesce(max(pg_relation_size(tree.oid)), 0) / current_setting('block_size')::int8 FROM tree) AS pages,
    (SELECT coalesce(sum(pg_table_size(tree.oid)), 0) FROM tree) AS bytes,
    (SELECT coalesce(sum(greatest(p.reltuples, 0)), 0) FROM tree JOIN pg_class p ON p.oid = tree.oid) AS rows,
    (SELECT bool_or(p.relkind = 'f') FROM tree JOIN pg_class p ON p.oid = tree.oid) AS "isForeign",
    array(
      SELECT a.attname::text FROM pg_index x
        CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
        JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
      WHERE x.indrelid = c.oid AND x.indisprimary ORDER BY k.position
    ) AS "primaryKey"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`;

/** A table, view, materialized view or foreign table as it is now. Errors: SOURCE_NOT_FOUND, SOURCE_DENIED. */
export async function findTable(name: ObjectName, session: PostgresSession): Promise<PgTable> {
  const { schema = PUBLIC, table } = name;
  const [row] = await session.rows(RELATION, [schema, table]);
  if (row === undefined) throw await notFound(name, session);
  const { kind, version, pages, bytes, rows, isForeign, primaryKey } = relationSchema.parse(row);
  const from = `${pgName(schema, table)} AS ${ROW}`;
  const shown = `${schema}.${table}`;
  const isTable = (kind === 'r' || kind === 'p' || kind === 'm') && !isForeign;
  return {
    from,
    shown,
    columns: await columnsOf(from, shown, session),
    primaryKey,
    rows: isTable ? rows : undefined,
    hasPlaces: isTable && version >= FIRST_VERSION_WITH_PLACES,
    pages,
    bytes,
  };
}

/** A SELECT of the user's own, as if it were a view. Errors: SOURCE_UNREADABLE, DUPLICATE_COLUMN. */
export async function findQuery(query: string, object: string, session: PostgresSession): Promise<PgTable> {
  const from = `(${query.replace(/;\s*$/, '')}\n) AS ${ROW}`;
  const shown = `the query of ${object}`;
  const columns = await columnsOf(from, shown, session);
  return { from, shown, columns, primaryKey: [], rows: undefined, hasPlaces: false, pages: 0, bytes: 0 };
}

const typeSchema = z.object({
  oid: z.number(),
  name: z.string().nullable(),
  modifier: z.number(),
  isArray: z.boolean(),
  isEnum: z.boolean(),
  sql: z.string(),
});

/** A domain is what it is made of, and that may be a domain again; its own modifier goes before the column's. */
const TYPES = `
  WITH RECURSIVE resolved AS (
    SELECT t.oid AS first, t.oid, t.typtype, t.typbasetype, t.typtypmod, -1 AS modifier FROM pg_type t
    WHERE t.oid = ANY ($1::oid[])
    UNION ALL
    SELECT r.first, b.oid, b.typtype, b.typbasetype, b.typtypmod, r.typtypmod
    FROM resolved r JOIN pg_type b ON b.oid = r.typbasetype WHERE r.typtype = 'd'
  )
  SELECT r.first::int8::float8 AS oid, r.modifier, t.typcategory = 'A' AND t.typelem <> 0 AS "isArray",
    (CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN e.typname ELSE t.typname END)::text AS name,
    coalesce(e.typtype, t.typtype) = 'e' AS "isEnum", format_type(r.first, NULL) AS sql
  FROM resolved r JOIN pg_type t ON t.oid = r.oid LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typtype IN ('b', 'e')
  WHERE r.typtype <> 'd'`;

async function columnsOf(from: string, shown: string, session: PostgresSession): Promise<PgColumn[]> {
  const { fields } = await session.client.query(`SELECT * FROM ${from} LIMIT 0`).catch((error: unknown) => {
    throw postgresError(error, `${session.address.shown}, ${shown},`);
  });
  // The lake does not tell names apart by their case.
  const names = fields.map(({ name }) => name.toLowerCase());
  const twice = fields.find((_, index) => names.indexOf(names[index] ?? '') !== index);
  if (twice !== undefined) {
    throw fail('DUPLICATE_COLUMN', {
      received: `${shown} with two columns named ${twice.name}`,
      expected: 'columns with names of their own',
      next: 'name them apart with AS',
    });
  }
  const oids = [...new Set(fields.map(({ dataTypeID }) => dataTypeID))];
  const types = z.array(typeSchema).parse(await session.rows(TYPES, [oids]));
  const byOid = new Map(types.map((type) => [type.oid, type]));
  return fields.map(({ name, dataTypeID, dataTypeModifier }): PgColumn => {
    const type = byOid.get(dataTypeID);
    const modifier = type === undefined || type.modifier === -1 ? dataTypeModifier : type.modifier;
    // An array of composites or domains has no element that is told apart here.
    const known = type?.name ?? '';
    const { isEnum = false, sql = 'an unknown type' } = type ?? {};
    return { name, pgType: { name: known, modifier, isArray: type?.isArray === true && known !== '', isEnum, sql } };
  });
}

async function notFound({ schema = PUBLIC, table }: ObjectName, session: PostgresSession) {
  const rows = await session.rows(
    `SELECT c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`,
    [schema],
  );
  const near = nearest(
    table,
    rows.map(({ name }) => String(name)),
  );
  return fail('SOURCE_NOT_FOUND', {
    received: `${session.address.shown} has no table ${schema}.${table}`,
    expected: 'a table or view that is there',
    next: near === undefined ? 'correct source.objects or source.schema' : `write ${near} in source.objects instead`,
  });
}
