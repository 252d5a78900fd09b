import path from 'node:path';
import { queryLake } from '../../worker/lake/query.ts';
import { jobFolder } from './job-folder.ts';
import type { PostgresServer } from './postgres.ts';

export interface PostgresJob {
  readonly file: string;
  readonly asset: string;
  readonly lake: { readonly warehouse: string };
  /** Statements in the job's database. */
  run(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Rows of the lake. */
  rows(sql: string): Promise<readonly (readonly unknown[])[]>;
}

let jobs = 0;

/**
 * A job that brings tables of a database of its own into a lake of its own. `lines` is the rest of the job file, with
 * `source:` open at its end.
 */
export async function postgresJob(
  server: PostgresServer,
  setup: string,
  { head = '', source }: { readonly head?: string; readonly source: string },
): Promise<PostgresJob> {
  const url = await server.database();
  const run = (sql: string) => server.run(sql, new URL(url).pathname.slice(1));
  await run(setup);
  const asset = `shop_${process.pid}_${++jobs}`;
  const variable = `PG_TEST_${jobs}`;
  process.env[variable] = url;
  const folder = await jobFolder({
    'job.yaml':
      `source_connector: postgres\nasset: ${asset}\n${head}` +
      `source:\n  connection: \${${variable}}\n${source.replaceAll(/^/gm, '  ')}\n`,
  });
  const lake = { warehouse: path.join(folder, 'lake') };
  return {
    file: path.join(folder, 'job.yaml'),
    asset,
    lake,
    run,
    rows: async (sql) => (await queryLake(lake, sql, { limit: 100_000 })).rows,
  };
}

/** The rest of a job whose tables are in the lake that `postgresJob` names. */
export function targetOf(writeMode: 'append' | 'overwrite' | 'upsert', more = ''): string {
  return `target: { namespace: shop, warehouse: lake, write_mode: ${writeMode}${more} }\n`;
}
