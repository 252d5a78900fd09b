import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { validateJob } from '../../config/validate.ts';
import { dativo } from '../support/cli.ts';
import { mariaDbTable } from '../support/database-table.ts';
import { MARIADB_PASSWORD, useMariaDb } from '../support/mariadb.ts';
import { useWorker } from '../support/worker.ts';

const mariaDb = useMariaDb();
let url = '';
let cwd = '';
beforeEach(async () => {
  // Of another database at the same server, which no job was asked for.
  await mariaDbTable(mariaDb(), 'CREATE TABLE elsewhere (id int PRIMARY KEY)');
  const table = await mariaDbTable(
    mariaDb(),
    `CREATE TABLE customers (id int PRIMARY KEY, name varchar(20), updated_at timestamp(6) NOT NULL);
     CREATE TABLE orders (id bigint unsigned, line int, amount decimal(12,2), took time, updated_at datetime NOT NULL, PRIMARY KEY (id, line));
     CREATE VIEW recent AS SELECT * FROM customers;
     INSERT INTO customers VALUES (1, 'one', '2026-01-01'); INSERT INTO orders VALUES (1, 1, 2.50, '26:00:00', '2026-01-01')`,
  );
  url = table.url;
  // The worker is in this process.
  process.env['INIT_MYSQL'] = url;
  cwd = await mkdtemp(path.join(os.tmpdir(), 'dativo-init-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));
useWorker();

const run = (...args: string[]) => dativo(args, { cwd, env: { INIT_MYSQL: url } });

test('init writes a job and a contract from a database, which run as they are', async () => {
  const init = await run('init', 'mysql', 'INIT_MYSQL', '--asset', 'shop');
  expect(init.stdout).toContain('Wrote shop.yaml and contracts/shop.odcs.yaml');
  const texts = await Promise.all(
    ['shop.yaml', 'contracts/shop.odcs.yaml'].map((file) => readFile(path.join(cwd, file), 'utf8')),
  );
  expect(texts.join('')).not.toContain(MARIADB_PASSWORD);
  const { job } = await validateJob(path.join(cwd, 'shop.yaml'), { env: { INIT_MYSQL: url } });
  expect(job?.objects).toEqual(['customers', 'orders']);
  expect(job?.stored.contracts?.['orders']).toMatchObject({ primaryKey: ['id', 'line'] });

  const first = JSON.parse((await run('run', 'shop.yaml', '--json')).stdout);
  expect(first.runs[0].objects.map((o: { counts: { committed: number } }) => o.counts.committed)).toEqual([1, 1]);
  const again = JSON.parse((await run('run', 'shop.yaml', '--json')).stdout);
  expect(again.runs[0].state).toBe('unchanged');
});

test('discover lists what is in the database, with what a job can make of it', async () => {
  await run('init', 'mysql', 'INIT_MYSQL', '--objects', 'customers');
  const { stdout } = await run('discover', 'customers.yaml', '--json');
  const named = Object.fromEntries(JSON.parse(stdout).objects.map((object: { name: string }) => [object.name, object]));
  expect(named).toMatchObject({
    customers: { kind: 'table', primaryKey: ['id'] },
    orders: { columns: expect.arrayContaining([{ name: 'took', sourceType: 'time', type: 'string' }]) },
    recent: { kind: 'view' },
  });
  expect(Object.keys(named).some((name) => name.endsWith('.elsewhere'))).toBe(true);
  expect((await run('discover', 'customers.yaml', '--columns')).stdout).toMatch(
    /id\s+bigint\(20\) unsigned\s+→ decimal\(20, 0\)/,
  );
});

test('a schema is refused, since there is none', async () => {
  const { code, stderr } = await run('init', 'mysql', 'INIT_MYSQL', '--schema', 'sales');
  expect([code, stderr]).toEqual([2, expect.stringContaining('--schema for mysql')]);
});
