import { createSource } from '../../connectors/registry.ts';
import { sourceSchema } from '../../contracts/job-source.ts';
import type { MariaDbServer } from './mariadb.ts';

/** A database of its own with what `setup` makes, and sources over it. */
export async function mariaDbTable(server: MariaDbServer, setup: string) {
  const url = await server.database();
  const database = new URL(url).pathname.slice(1);
  const run = (sql: string) => server.run(sql, database);
  await run(setup);
  const source = (settings: object = {}, connection = url) =>
    createSource('mysql', { source: sourceSchema.parse({ connection, ...settings }), asset: 'orders' });
  return { url, database, run, source };
}
