import { createSource } from '../../connectors/registry.ts';
import { sourceSchema } from '../../contracts/job-source.ts';
import type { TestDatabase } from './database-job.ts';
import type { MariaDbServer } from './mariadb.ts';
import type { PostgresServer } from './postgres.ts';

/** A database of its own with what `setup` makes, and sources over it. */
async function databaseTable(
  connector: TestDatabase['connector'],
  server: PostgresServer | MariaDbServer,
  setup: string,
) {
  const url = await server.database();
  const database = new URL(url).pathname.slice(1);
  const run = (sql: string) => server.run(sql, database);
  await run(setup);
  const source = (settings: object = {}, connection = url) =>
    createSource(connector, { source: sourceSchema.parse({ connection, ...settings }), asset: 'orders' });
  return { connector, url, database, run, source };
}

export function postgresTable(server: PostgresServer, setup: string) {
  return databaseTable('postgres', server, setup);
}

export function mariaDbTable(server: MariaDbServer, setup: string) {
  return databaseTable('mysql', server, setup);
}
