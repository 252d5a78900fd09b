import type { DatabaseJob } from './database-job.ts';
import { databaseJob } from './database-job.ts';
import { postgresTable } from './database-table.ts';
import type { PostgresServer } from './postgres.ts';

/** A job over a database of its own, which `setup` fills. */
export async function postgresJob(
  server: PostgresServer,
  setup: string,
  more: { readonly head?: string; readonly source: string },
): Promise<DatabaseJob> {
  return databaseJob(await postgresTable(server, setup), more);
}
