import type { DatabaseJob } from './database-job.ts';
import { databaseJob } from './database-job.ts';
import type { PostgresServer } from './postgres.ts';

/** A job over a database of its own, which `setup` fills. */
export async function postgresJob(
  server: PostgresServer,
  setup: string,
  more: { readonly head?: string; readonly source: string },
): Promise<DatabaseJob> {
  const url = await server.database();
  const run = (sql: string) => server.run(sql, new URL(url).pathname.slice(1));
  await run(setup);
  return databaseJob({ connector: 'postgres', url, run }, more);
}
