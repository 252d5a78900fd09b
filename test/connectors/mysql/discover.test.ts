import { expect, test } from 'vitest';
import { contextIn } from '../../support/csv.ts';
import { mariaDbTable } from '../../support/database-table.ts';
import { temporaryFolder } from '../../support/duckdb.ts';
import { MARIADB_PASSWORD, useMariaDb } from '../../support/mariadb.ts';

const mariaDb = useMariaDb();

test('what is in a database is told with its keys, its types, and what keeps it from being read', async () => {
  const { source, database, run, url } = await mariaDbTable(
    mariaDb(),
    `CREATE TABLE orders (shop int, id bigint unsigned, name varchar(20), took time, PRIMARY KEY (shop, id));
     INSERT INTO orders SELECT 1, seq, 'a', NULL FROM seq_1_to_500; ANALYZE TABLE orders;
     CREATE VIEW recent AS SELECT id FROM orders; CREATE TABLE \`no name for a lake\` (id int);
     CREATE TABLE gone (id int); CREATE VIEW broken AS SELECT * FROM gone; DROP TABLE gone;
     CREATE TABLE closed (id int); CREATE USER looks@'%' IDENTIFIED BY '${MARIADB_PASSWORD}'`,
  );
  for (const table of ['orders', 'recent', '`no name for a lake`', 'broken']) {
    await run(`GRANT SELECT ON ${database}.${table} TO looks@'%'`);
  }
  await run(`GRANT INSERT ON ${database}.closed TO looks@'%'`);
  await using folder = await temporaryFolder();
  const as = Object.assign(new URL(url), { username: 'looks' }).href;
  const found = await source({}, as).discover?.(contextIn(folder.path));
  const named = Object.fromEntries((found ?? []).map((object) => [object.name, object]));
  expect(Object.keys(named)).toEqual(['broken', 'closed', 'no name for a lake', 'orders', 'recent']);
  expect(named['orders']).toMatchObject({
    kind: 'table',
    rows: 500,
    primaryKey: ['shop', 'id'],
    columns: [
      { name: 'shop', sourceType: 'int(11)', type: 'int' },
      { name: 'id', sourceType: 'bigint(20) unsigned', type: 'decimal(20, 0)' },
      { name: 'name', sourceType: 'varchar(20)', type: 'string' },
      { name: 'took', sourceType: 'time', type: 'string' },
    ],
  });
  expect(named['orders']?.hindrance).toBeUndefined();
  expect(named['recent']).toMatchObject({ kind: 'view', primaryKey: [], columns: [{ name: 'id' }] });
  expect(named['no name for a lake']?.hindrance).toContain('source.query');
  expect(named['broken']?.hindrance).toContain('create the view again');
  expect(named['closed']?.hindrance).toContain('GRANT SELECT');
});
