import { z } from 'zod';
import type { DiscoveredObject } from '../../contracts/discovery.ts';
import { objectName } from '../../contracts/job-fields.ts';
import type { SourceSpec } from '../../contracts/job-source.ts';
import { typeName } from '../../contracts/schema.ts';
import { readColumns } from './columns.ts';
import type { PostgresSession } from './session.ts';
import { findTable } from './table.ts';

/** Values of `pg_class.relkind`. */
const KINDS: Readonly<Record<string, string>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
};

/** Partitions are read with the table that they are of. */
const OBJECTS = `
  SELECT n.nspname::text AS schema, c.relname::text AS table, c.relkind::text AS kind,
    has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
  ORDER BY n.nspname, c.relname`;

const found = z.array(z.object({ schema: z.string(), table: z.string(), kind: z.string(), readable: z.boolean() }));

/** Everything in a database that a job could name. A schema that the job names is left out of the names. */
export async function discoverObjects(source: SourceSpec, session: PostgresSession): Promise<DiscoveredObject[]> {
  const objects: DiscoveredObject[] = [];
  for (const { schema, table, kind, readable } of found.parse(await session.rows(OBJECTS))) {
    const name = schema === (source.schema ?? 'public') ? table : `${schema}.${table}`;
    const described = { name, kind: KINDS[kind] ?? kind };
    if (!readable) {
      const hindrance = 'this user may not read it: GRANT USAGE ON SCHEMA and GRANT SELECT ON it';
      objects.push({ ...described, primaryKey: [], columns: [], hindrance });
      continue;
    }
    const { rows, bytes, primaryKey, ...relation } = await findTable({ schema, table }, session);
    const columns =
      relation.columns.length === 0
        ? []
        : readColumns({ rows, bytes, primaryKey, ...relation }, { ...source, unsupported_types: 'text' });
    const hindrance = hindranceOf(name, columns.length);
    objects.push({
      ...described,
      ...(rows === undefined ? {} : { rows: Math.round(rows), bytes }),
      primaryKey,
      columns: columns.map(({ name: column, column: { pgType }, type }) => ({
        name: column,
        sourceType: pgType.sql,
        type: typeName(type),
      })),
      ...(hindrance === undefined ? {} : { hindrance }),
    });
  }
  return objects;
}

function hindranceOf(name: string, columns: number): string | undefined {
  if (columns === 0) return 'it has no columns';
  if (objectName().safeParse(name).success) return undefined;
  return 'its name cannot be that of a table in the lake: bring it in with source.query';
}
