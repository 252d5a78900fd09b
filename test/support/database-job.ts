import path from 'node:path';
import { queryLake } from '../../worker/lake/query.ts';
import { jobFolder } from './job-folder.ts';

export interface DatabaseJob {
  readonly file: string;
  readonly asset: string;
  readonly lake: { readonly warehouse: string };
  /** Statements in the job's database. */
  run(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Rows of the lake. */
  rows(sql: string): Promise<readonly (readonly unknown[])[]>;
}

/** A database of a test's own. */
export interface TestDatabase {
  readonly connector: 'postgres' | 'mysql';
  readonly url: string;
  run(sql: string): Promise<readonly Record<string, unknown>[]>;
}

let jobs = 0;

/**
 * A job that brings tables of a database into a lake of its own. `source` is the rest of what stands under `source:`,
 * `head` what stands before it.
 */
export async function databaseJob(
  { connector, url, run }: TestDatabase,
  { head = '', source }: { readonly head?: string; readonly source: string },
): Promise<DatabaseJob> {
  jobs += 1;
  const asset = `shop_${process.pid}_${jobs}`;
  const variable = `DATABASE_TEST_${jobs}`;
  process.env[variable] = url;
  const folder = await jobFolder({
    'job.yaml':
      `source_connector: ${connector}\nasset: ${asset}\n${head}` +
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

/** The rest of a job whose tables are in the lake that `databaseJob` names. */
export function targetOf(writeMode: 'append' | 'overwrite' | 'upsert', more = ''): string {
  return `target: { namespace: shop, warehouse: lake, write_mode: ${writeMode}${more} }\n`;
}
