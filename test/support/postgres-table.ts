import { createSource } from '../../connectors/registry.ts';
import { sourceSchema } from '../../contracts/job-source.ts';
import type { PostgresServer } from './postgres.ts';

/** A database of its own with what `setup` makes, and sources over it. */
export async function postgresTable(server: PostgresServer, setup: string) {
  const url = await server.database();
  const run = (sql: string) => server.run(sql, new URL(url).pathname.slice(1));
  await run(setup);
  const source = (settings: object = {}, connection = url) =>
    createSource('postgres', { source: sourceSchema.parse({ connection, ...settings }), asset: 'orders' });
  return { url, run, source };
}
