import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { validateJob } from '../../config/validate.ts';
import { dativo } from '../support/cli.ts';
import { POSTGRES_PASSWORD, usePostgres } from '../support/postgres.ts';
import { useWorker } from '../support/worker.ts';

const postgres = usePostgres();
let url = '';
let cwd = '';
beforeEach(async () => {
  url = await postgres().database();
  // The worker is in this process.
  process.env['INIT_DATABASE'] = url;
  cwd = await mkdtemp(path.join(os.tmpdir(), 'dativo-init-'));
  await postgres().run(
    `CREATE SCHEMA sales;
     CREATE TABLE customers (id int PRIMARY KEY, name varchar(20), updated_at timestamptz);
     CREATE TABLE sales.orders (id bigint, line int, amount numeric(12, 2), took interval, updated_at timestamptz, PRIMARY KEY (id, line));
     CREATE VIEW recent AS SELECT * FROM customers; CREATE TABLE "no name for a lake" (id int);
     CREATE TABLE measures (day date) PARTITION BY RANGE (day);
     CREATE TABLE measures_2026 PARTITION OF measures FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
     INSERT INTO customers VALUES (1, 'one', '2026-01-01'); INSERT INTO sales.orders VALUES (1, 1, 2.50, '1 day', '2026-01-01'); ANALYZE`,
    new URL(url).pathname.slice(1),
  );
});
afterEach(() => rm(cwd, { recursive: true, force: true }));
useWorker();

const run = (...args: string[]) => dativo(args, { cwd, env: { INIT_DATABASE: url } });

test('init writes a job and a contract from a database, which run as they are', async () => {
  const init = await run('init', 'postgres', 'INIT_DATABASE', '--objects', 'customers,sales.orders', '--asset', 'shop');
  expect(init.stdout).toContain('Wrote shop.yaml and contracts/shop.odcs.yaml');
  const texts = await Promise.all(
    ['shop.yaml', 'contracts/shop.odcs.yaml'].map((file) => readFile(path.join(cwd, file), 'utf8')),
  );
  expect(texts.join('')).not.toContain(POSTGRES_PASSWORD);
  const { job } = await validateJob(path.join(cwd, 'shop.yaml'), { env: { INIT_DATABASE: url } });
  expect(job?.stored.contracts?.['sales.orders']).toMatchObject({ primaryKey: ['id', 'line'] });

  const first = JSON.parse((await run('run', 'shop.yaml', '--json')).stdout);
  expect(first.runs[0].objects.map((o: { counts: { committed: number } }) => o.counts.committed)).toEqual([1, 1]);
  const again = JSON.parse((await run('run', 'shop.yaml', '--json')).stdout);
  expect(again.runs[0].state).toBe('unchanged');
});

test('init takes every table of a database, and replaces what cannot be followed', async () => {
  const { stdout } = await run('init', 'postgres', 'INIT_DATABASE', '--out', 'all.yaml', '--asset', 'all');
  expect(stdout).toContain('every run reads everything and replaces the tables');
  const { job, problems } = await validateJob(path.join(cwd, 'all.yaml'), { env: { INIT_DATABASE: url } });
  expect([problems, job?.objects]).toEqual([[], ['customers', 'measures', 'sales.orders']]);
});

test.each([
  [['init', 'postgres', 'postgresql://owner:secret-word@localhost/shop'], 'the name of a variable that holds it'],
  [['init', 'postgres', 'UNSET_DATABASE'], 'the variable UNSET_DATABASE, which is not set'],
  [['init', 'postgres', 'INIT_DATABASE', '--objects', 'custmers'], 'write customers in its place'],
])('%j is refused in one sentence', async (args, sentence) => {
  const { code, stderr } = await run(...args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(sentence)]);
  expect(stderr).not.toContain('secret-word');
});

test('discover lists what is in the database, with what a job can make of it', async () => {
  await run('init', 'postgres', 'INIT_DATABASE', '--objects', 'customers');
  const { stdout } = await run('discover', 'customers.yaml', '--json');
  const { objects } = JSON.parse(stdout);
  const named = Object.fromEntries(objects.map((object: { name: string }) => [object.name, object]));
  expect(Object.keys(named)).toEqual(['customers', 'measures', 'no name for a lake', 'recent', 'sales.orders']);
  expect(named['sales.orders']).toMatchObject({
    kind: 'table',
    rows: 1,
    primaryKey: ['id', 'line'],
    columns: [
      { name: 'id', sourceType: 'bigint', type: 'long' },
      { name: 'line', sourceType: 'integer', type: 'int' },
      { name: 'amount', sourceType: 'numeric', type: 'decimal(12, 2)' },
      { name: 'took', sourceType: 'interval', type: 'string' },
      { name: 'updated_at', sourceType: 'timestamp with time zone', type: 'timestamptz' },
    ],
  });
  expect([named['recent'].kind, named['measures'].kind]).toEqual(['view', 'partitioned table']);
  expect(named['no name for a lake'].hindrance).toContain('bring it in with source.query');
  const shown = (await run('discover', 'customers.yaml', '--columns')).stdout;
  expect(shown).toMatch(/sales\.orders +table +1 +8\.2 kB +5 columns +id, line/);
  expect(shown).toMatch(/took +interval +→ string/);
});

test('discover is refused for files', async () => {
  const { code, stderr } = await run('discover', path.resolve(import.meta.dirname, '../../examples/nycflights.yaml'));
  expect([code, stderr]).toEqual([2, expect.stringContaining('whose source cannot tell what is in it')]);
});
