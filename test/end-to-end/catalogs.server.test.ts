import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { dativo } from '../support/cli.ts';
import { useIcebergRest } from '../support/iceberg-rest.ts';
import { jobFolder } from '../support/job-folder.ts';
import { POSTGRES_PASSWORD, usePostgres } from '../support/postgres.ts';
import { temporalServer } from '../support/temporal.ts';
import { useWorker } from '../support/worker.ts';

const CATALOG_VARIABLE = 'DATIVO_TEST_CATALOG';
const env: NodeJS.ProcessEnv = { ...process.env };
const postgres = usePostgres();
const rest = useIcebergRest();
useWorker({ env });

let jobs = 0;
async function job(catalog: string) {
  const asset = `catalogs_${process.pid}_${++jobs}`;
  const folder = await jobFolder({
    'orders.csv': 'id,amount\n1,10.5\n2,7\nx,1\n',
    'job.yaml': `source_connector: csv\nasset: ${asset}\nsource: { path: orders.csv, types: { id: long } }
target: { namespace: shop, warehouse: lake, catalog: ${catalog} }\n`,
  });
  return { folder, asset };
}

describe('a job whose catalog speaks the REST protocol', () => {
  test('runs twice, and its rows, quarantine and run record are where its catalog says', async () => {
    const { folder, asset } = await job(`{ type: rest, uri: "${rest().uri}" }`);
    const options = { cwd: folder, env: { DATIVO_HOME: path.join(temporalServer().home, asset) } };
    const first = await dativo(['run', 'job.yaml', '--json'], options);
    expect([first.code, first.stderr]).toEqual([0, expect.any(String)]);
    const again = await dativo(['run', 'job.yaml', '--json'], options);
    expect(again.stdout).toContain('"unchanged"');

    const ask = async (sql: string) => {
      const { stdout } = await dativo(['query', sql, '--json', '--job', 'job.yaml'], options);
      return (JSON.parse(stdout) as { rows: unknown }).rows;
    };
    expect(await ask(`select sum(id) as ids from ${asset}`)).toEqual([{ ids: '3' }]);
    expect(await ask(`select count(*) as n from shop.${asset}__quarantine`)).toEqual([{ n: '1' }]);
    const shown = await dativo(['snapshots', asset, '--json', '--job', 'job.yaml'], options);
    expect(JSON.parse(shown.stdout)).toMatchObject({ snapshots: [{ addedRows: 2, current: true }] });
  });
});

describe('a job whose catalog is a Postgres database', () => {
  test('runs twice, and commands find its lake again without being told the password', async () => {
    const uri = await postgres().database();
    env[CATALOG_VARIABLE] = uri;
    const { folder, asset } = await job(`{ type: sql, uri: "\${${CATALOG_VARIABLE}}" }`);
    const home = path.join(temporalServer().home, asset);
    const options = { cwd: folder, env: { [CATALOG_VARIABLE]: uri, DATIVO_HOME: home } };

    const first = await dativo(['run', 'job.yaml', '--json'], options);
    expect([first.code, first.stderr]).toEqual([0, expect.any(String)]);
    const again = await dativo(['run', 'job.yaml', '--json'], options);
    expect(again.stdout).toContain('"unchanged"');

    const asked = await dativo(
      ['query', `select sum(id) as ids from ${asset}`, '--json', '--warehouse', 'lake'],
      options,
    );
    expect(JSON.parse(asked.stdout)).toMatchObject({ rows: [{ ids: '3' }] });
    const tables = await postgres().run(
      'SELECT table_name FROM iceberg_tables ORDER BY 1',
      new URL(uri).pathname.slice(1),
    );
    expect(tables.map((row) => row['table_name'])).toEqual([asset, `${asset}__quarantine`, 'runs']);
    const remembered = await readFile(path.join(home, 'lakes.json'), 'utf8');
    for (const text of [remembered, first.stdout, first.stderr, asked.stdout, asked.stderr]) {
      expect(text).not.toContain(POSTGRES_PASSWORD);
    }
  });

  test('says in one sentence that the database refuses the password', async () => {
    const uri = (await postgres().database()).replace(POSTGRES_PASSWORD, 'wrong-one');
    env[CATALOG_VARIABLE] = uri;
    const { folder } = await job(`{ type: sql, uri: "\${${CATALOG_VARIABLE}}" }`);
    const { code, stdout, stderr } = await dativo(['run', 'job.yaml'], {
      cwd: folder,
      env: { [CATALOG_VARIABLE]: uri },
    });
    expect(code).toBe(1);
    expect(`${stdout}${stderr}`).toContain('which holds the catalog');
    expect(`${stdout}${stderr}`).not.toContain('wrong-one');
  });
});
