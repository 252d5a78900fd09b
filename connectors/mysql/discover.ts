import { z } from 'zod';
import type { DiscoveredObject } from '../../contracts/discovery.ts';
import { DativoError } from '../../contracts/errors.ts';
import { objectName } from '../../contracts/job-fields.ts';
import type { SourceSpec } from '../../contracts/job-source.ts';
import { typeName } from '../../contracts/schema.ts';
import { readColumns } from './columns.ts';
import type { MySqlSession } from './session.ts';
import { findTable } from './table.ts';

const OWN_DATABASES = `'mysql', 'information_schema', 'performance_schema', 'sys'`;

const OBJECTS = `
  SELECT table_schema AS \`database\`, table_name AS \`table\`, table_type AS kind FROM information_schema.tables
  WHERE table_schema NOT IN (${OWN_DATABASES}) AND table_type NOT IN ('SEQUENCE', 'TEMPORARY', 'TEMPORARY SEQUENCE')
  ORDER BY table_schema, table_name`;

const COLUMNS = `
  SELECT table_schema AS \`database\`, table_name AS \`table\`, column_name AS name, column_type AS type
  FROM information_schema.columns WHERE table_schema NOT IN (${OWN_DATABASES})`;

const objectsSchema = z.array(z.object({ database: z.string(), table: z.string(), kind: z.string() }));
const columnsSchema = z.array(
  z.object({ database: z.string(), table: z.string(), name: z.string(), type: z.string() }),
);

/** Everything at a server that a job could name. The database of the connection is left out of the names. */
export async function discoverObjects(source: SourceSpec, session: MySqlSession): Promise<DiscoveredObject[]> {
  const written = new Map(
    columnsSchema
      .parse(await session.rows(COLUMNS))
      .map(({ database, table, name, type }) => [JSON.stringify([database, table, name]), type]),
  );
  const objects: DiscoveredObject[] = [];
  for (const { database, table, kind } of objectsSchema.parse(await session.rows(OBJECTS))) {
    const name = database === session.address.database ? table : `${database}.${table}`;
    const described = { name, kind: kind.includes('VIEW') ? 'view' : 'table' };
    try {
      const found = await findTable(database, table, session);
      const columns = readColumns(found, { ...source, unsupported_types: 'text' });
      const hindrance = objectName().safeParse(name).success
        ? {}
        : { hindrance: 'its name cannot be that of a table in the lake: bring it in with source.query' };
      objects.push({
        ...described,
        ...(found.rows === undefined ? {} : { rows: found.rows, bytes: found.bytes }),
        primaryKey: found.primaryKey,
        columns: columns.map(({ name: column, rule, type }) => ({
          name: column,
          sourceType: written.get(JSON.stringify([database, table, column])) ?? rule.name,
          type: typeName(type),
        })),
        ...hindrance,
      });
    } catch (error) {
      // One view that is broken, or one table that this user may not read, does not hide the others.
      if (!(error instanceof DativoError) || !OF_ONE_OBJECT.includes(error.code)) throw error;
      objects.push({ ...described, primaryKey: [], columns: [], hindrance: error.parts.next });
    }
  }
  return objects;
}

const OF_ONE_OBJECT: readonly string[] = ['SOURCE_DENIED', 'SOURCE_NOT_FOUND', 'SOURCE_EMPTY', 'DUPLICATE_COLUMN'];
