import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { typeName } from '../../../contracts/schema.ts';
import { contextIn } from '../../support/csv.ts';
import { startCutProxy } from '../../support/cut-proxy.ts';
import { mariaDbTable } from '../../support/database-table.ts';
import { openSession, temporaryFolder } from '../../support/duckdb.ts';
import { MARIADB_PASSWORD, startMariaDb, useMariaDb } from '../../support/mariadb.ts';
import type { AddressChange } from '../../support/refusal.ts';
import { changedAddress, refusalOf } from '../../support/refusal.ts';
import { runSource } from '../../support/run-source.ts';

const mariaDb = useMariaDb();

/** What a run says, with the code; the password is in none of it. */
const refusal = (work: Promise<unknown>) => refusalOf(work, MARIADB_PASSWORD);

const ORDERS = `CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'a')`;

describe('a server that cannot be used', () => {
  const ADDRESSES: readonly (readonly [string, AddressChange, RegExp])[] = [
    ['a wrong password', { password: 'wrong-one' }, /^SOURCE_DENIED: .*refuses the user or the password/],
    ['no password', { password: '' }, /^SOURCE_DENIED: .*refuses the user or the password/],
    ['an unknown user', { username: 'nobody' }, /^SOURCE_DENIED: .*refuses the user or the password/],
    ['no such database', { pathname: '/elsewhere' }, /^SOURCE_NOT_FOUND: .*has no such database/],
    ['nobody at the port', { port: '1' }, /^SOURCE_UNREACHABLE: .*does not answer/],
    ['no such host', { host: 'nowhere.invalid' }, /^SOURCE_UNREACHABLE: .*does not answer/],
    ['an unknown parameter', { search: 'sslmode=disable' }, /^SOURCE_UNREADABLE: the parameter sslmode/],
    ['an unknown mode', { search: 'ssl-mode=PREFERRED' }, /^SOURCE_UNREADABLE: ssl-mode PREFERRED.*one of DISABLED/],
    ['a missing file', { search: 'ssl-mode=VERIFY_CA&ssl-ca=no.pem' }, /no\.pem, which cannot be read \(ENOENT\)/],
    ['no database', { pathname: '' }, /^SOURCE_UNREADABLE: .*no address of a database/],
  ];
  test.each(ADDRESSES)('%s is told in one sentence', async (_, parts, sentence) => {
    const table = await mariaDbTable(mariaDb(), ORDERS);
    expect(await refusal(runSource(table.source({}, changedAddress(table.url, parts))))).toMatch(sentence);
  });

  test('that goes away in the middle is asked again later', async () => {
    const table = await mariaDbTable(mariaDb(), ORDERS);
    await using proxy = await startCutProxy(mariaDb().port);
    const through = changedAddress(table.url, { port: String(proxy.port) });
    proxy.loseAnswerTo('SELECT `id`');
    expect(await refusal(runSource(table.source({}, through)))).toMatch(/^SOURCE_UNREACHABLE: /);
  });

  test.each(['QUERY', 'CONNECTION'])('that ends the %s is asked again later', async (what) => {
    const table = await mariaDbTable(mariaDb(), ORDERS);
    const failed = refusal(runSource(table.source({ query: 'SELECT 1 AS id, SLEEP(60) AS slept' })));
    const running = `SELECT id FROM information_schema.processlist WHERE db = '${table.database}' AND info LIKE '%SLEEP(60)%' AND id <> CONNECTION_ID()`;
    const [found] = await vi.waitUntil(async () => {
      const rows = await table.run(running);
      return rows.length > 0 && rows;
    });
    await table.run(`KILL ${what} ${String(found?.['id'])}`);
    expect(await failed).toMatch(/^SOURCE_UNREACHABLE: /);
  });

  test('with no connection left is asked again later', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      `${ORDERS}; CREATE USER few@'%' IDENTIFIED BY '${MARIADB_PASSWORD}' WITH MAX_USER_CONNECTIONS 1; GRANT SELECT ON *.* TO few@'%'`,
    );
    const as = changedAddress(table.url, { username: 'few' });
    const slow = runSource(table.source({ query: 'SELECT 1 AS id, SLEEP(2) AS slept' }, as));
    await vi.waitUntil(
      async () =>
        (await table.run(`SELECT 1 FROM information_schema.processlist WHERE user = 'few' AND info LIKE '%SLEEP(2)%'`))
          .length > 0,
    );
    expect(await refusal(runSource(table.source({}, as)))).toMatch(/^SOURCE_UNREACHABLE: .*no connection left/);
    await slow;
  });

  test('is left at once when the work is cancelled', async () => {
    const table = await mariaDbTable(mariaDb(), ORDERS);
    await using folder = await temporaryFolder();
    const stop = new AbortController();
    const source = table.source({ query: 'SELECT 1 AS id, SLEEP(60) AS slept' });
    const describing = source.describe('orders', contextIn(folder.path, 1, stop.signal));
    const { schema } = await describing;
    await using session = await openSession(stop.signal);
    const request = { object: 'orders', schema, checkpoint: undefined, options: { mode: 'incremental' } } as const;
    const { chunks } = await source.plan(request, contextIn(folder.path, 1, stop.signal));
    const [chunk] = chunks;
    if (chunk === undefined) throw new Error('no chunk');
    const reading = source.read('orders', schema, chunk, session, contextIn(folder.path, 1, stop.signal));
    const startedAt = performance.now();
    setTimeout(() => stop.abort(new Error('cancelled')), 200);
    await expect(reading).rejects.toThrow('cancelled');
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await vi.waitUntil(
      async () =>
        (
          await table.run(
            `SELECT 1 FROM information_schema.processlist WHERE db = '${table.database}' AND id <> CONNECTION_ID()`,
          )
        ).length === 0,
    );
  });

  test('whose password was changed gives its rows to the one that the job has now', async () => {
    const table = await mariaDbTable(mariaDb(), ORDERS);
    const { createSource } = await import('../../../connectors/registry.ts');
    const { sourceSchema } = await import('../../../contracts/job-source.ts');
    const source = createSource('mysql', {
      source: sourceSchema.parse({ connection: changedAddress(table.url, { password: 'the-old-one' }) }),
      asset: 'orders',
      rereadConnection: async () => table.url,
    });
    expect((await runSource(source)).rows).toHaveLength(1);
  });
});

describe('an encrypted connection', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let ca = '';
  beforeAll(async () => {
    folder = await temporaryFolder();
    ca = path.join(folder.path, 'ca.pem');
    await writeFile(ca, mariaDb().authority?.cert ?? '');
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  const CIPHER = `SELECT variable_value AS id FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'`;

  test('is made with an authority that is named, and with one that is not known not at all', async () => {
    const table = await mariaDbTable(mariaDb(), ORDERS);
    const at = (search: string) => changedAddress(table.url, { search });
    const verified = at(`ssl-mode=VERIFY_IDENTITY&ssl-ca=${encodeURIComponent(ca)}`);
    expect((await runSource(table.source({}, verified))).rows).toHaveLength(1);
    expect(await refusal(runSource(table.source({}, at('ssl-mode=VERIFY_IDENTITY'))))).toMatch(
      /^SOURCE_DENIED: .*shows a certificate that cannot be trusted/,
    );
    expect((await runSource(table.source({}, at('ssl-mode=REQUIRED')))).rows).toHaveLength(1);
  });

  test('is refused to a server of another name, unless the name is not asked for', async () => {
    const table = await mariaDbTable(mariaDb(), ORDERS);
    const elsewhere = (mode: string) =>
      changedAddress(table.url, { hostname: 'localhost', search: `ssl-mode=${mode}&ssl-ca=${encodeURIComponent(ca)}` });
    expect(await refusal(runSource(table.source({}, elsewhere('VERIFY_IDENTITY'))))).toMatch(
      /^SOURCE_DENIED: .*of another name/,
    );
    expect((await runSource(table.source({}, elsewhere('VERIFY_CA')))).rows).toHaveLength(1);
  });

  test('is really used, and carries rows of any size', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE orders (id int PRIMARY KEY, note longtext); INSERT INTO orders SELECT seq, REPEAT('x', 5000) FROM seq_1_to_2000`,
    );
    const at = (search: string) => changedAddress(table.url, { search });
    const [encrypted] = (await runSource(table.source({ query: CIPHER }, at('ssl-mode=REQUIRED')))).rows;
    expect(encrypted?.['id']).toMatch(/^TLS_/);
    expect((await runSource(table.source({ query: CIPHER }, at('ssl-mode=DISABLED')))).rows).toEqual([{ id: '' }]);
    const { rows, pieces } = await runSource(table.source({ chunk_mb: 1 }, at('ssl-mode=REQUIRED')));
    expect(rows.filter(({ note }) => String(note).length === 5000)).toHaveLength(2000);
    expect(pieces).toBeGreaterThan(4);
  });

  test('is asked for in vain of a server without one', async () => {
    await using plain = await startMariaDb({ tls: false });
    const table = await mariaDbTable(plain, ORDERS);
    expect(
      await refusal(runSource(table.source({}, changedAddress(table.url, { search: 'ssl-mode=VERIFY_CA' })))),
    ).toMatch(/^SOURCE_DENIED: .*offers no encrypted connection/);
  }, 60_000);
});

describe('an object that cannot be read', () => {
  test('a missing table is told with the nearest name', async () => {
    const table = await mariaDbTable(mariaDb(), 'CREATE TABLE ordres (id int)');
    expect(await refusal(runSource(table.source()))).toMatch(
      /^SOURCE_NOT_FOUND: .*no table test_\w+\.orders.*write ordres/,
    );
  });

  test('a table that the user may not read is told with the right that is missing', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE others (id int, note text); ${ORDERS}; CREATE USER reader_a@'%' IDENTIFIED BY '${MARIADB_PASSWORD}'`,
    );
    await table.run(`GRANT SELECT ON ${table.database}.others TO reader_a@'%'`);
    const as = changedAddress(table.url, { username: 'reader_a' });
    expect(await refusal(runSource(table.source({}, as)))).toMatch(
      /^SOURCE_NOT_FOUND: .*GRANT SELECT|^SOURCE_NOT_FOUND: .*may read/,
    );
    await table.run(`GRANT SELECT (id) ON ${table.database}.orders TO reader_a@'%'`);
    expect(await refusal(runSource(table.source({}, as)))).toMatch(/^SOURCE_DENIED: .*GRANT SELECT/);
  });

  test('a view whose table is gone is told so', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      'CREATE TABLE kept (id int); CREATE VIEW orders AS SELECT * FROM kept; DROP TABLE kept',
    );
    expect(await refusal(runSource(table.source()))).toMatch(
      /^SOURCE_NOT_FOUND: .*a view that reads what is not there/,
    );
  });

  test('a table that is dropped, or changed, between planning and reading stops the object', async () => {
    const table = await mariaDbTable(mariaDb(), ORDERS);
    await using folder = await temporaryFolder();
    await using session = await openSession();
    const context = contextIn(folder.path);
    const source = table.source();
    const { schema } = await source.describe('orders', context);
    const { chunks } = await source.plan(
      { object: 'orders', schema, checkpoint: undefined, options: { mode: 'incremental' } },
      context,
    );
    const [chunk] = chunks;
    if (chunk === undefined) throw new Error('no chunk');
    await table.run('ALTER TABLE orders ADD extra text');
    expect(await refusal(source.read('orders', schema, chunk, session, context))).toMatch(
      /^SOURCE_CHANGED: test_\w+\.orders with other columns/,
    );
    await table.run('DROP TABLE orders');
    expect(await refusal(source.read('orders', schema, chunk, session, context))).toMatch(
      /^SOURCE_NOT_FOUND: .*no table test_\w+\.orders/,
    );
  });

  test('a table that somebody has locked is waited for as long as the job says', async () => {
    const table = await mariaDbTable(mariaDb(), ORDERS);
    const other = await mariaDb().connect(table.database);
    await other.query('LOCK TABLES orders WRITE');
    expect(await refusal(runSource(table.source({ lock_timeout_seconds: 1 })))).toMatch(
      /^SOURCE_UNREACHABLE: .*locked by somebody else/,
    );
    await other.end();
  });

  test('a query that takes too long, or is none, is told so', async () => {
    const table = await mariaDbTable(mariaDb(), ORDERS);
    const slow = table.source({ query: 'SELECT 1 AS id, SLEEP(30) AS slept', statement_timeout_seconds: 1 });
    expect(await refusal(runSource(slow))).toMatch(/^SOURCE_UNREADABLE: .*took longer than it may/);
    for (const query of ['SELEC 1', 'DELETE FROM orders', 'SELECT 1 AS id; DROP TABLE orders']) {
      expect(await refusal(runSource(table.source({ query })))).toMatch(
        /^SOURCE_UNREADABLE: .*does not understand source\.query/,
      );
    }
    expect(await refusal(runSource(table.source({ query: 'SELECT 1 AS id, 2 AS "ID"' })))).toMatch(
      /^DUPLICATE_COLUMN: /,
    );
    expect(await table.run('SELECT COUNT(*) AS n FROM orders')).toEqual([{ n: '1' }]);
  });

  test('a query can only read', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      `${ORDERS}; CREATE FUNCTION spoil() RETURNS int MODIFIES SQL DATA BEGIN INSERT INTO orders VALUES (2, 'b'); RETURN 1; END`,
    );
    expect(await refusal(runSource(table.source({ query: 'SELECT spoil() AS id' })))).toMatch(
      /^SOURCE_UNREADABLE: .*would have to write/,
    );
    expect(await table.run('SELECT COUNT(*) AS n FROM orders')).toEqual([{ n: '1' }]);
  });
});

describe('a column of a type that the lake does not have', () => {
  const SETUP = `CREATE TABLE orders (id int, took time, price decimal(40, 2)); INSERT INTO orders VALUES (1, '26:00:00', 1.10)`;

  test('is refused, left out, or kept as text, as the job says', async () => {
    const table = await mariaDbTable(mariaDb(), SETUP);
    expect(await refusal(runSource(table.source({ unsupported_types: 'refuse' })))).toMatch(
      /^TYPE_UNSUPPORTED: test_\w+\.orders .*took \(time\), price \(decimal\(40, 2\)\)/,
    );
    expect((await runSource(table.source({ unsupported_types: 'skip' }))).rows).toEqual([{ id: 1 }]);
    expect((await runSource(table.source())).rows).toEqual([{ id: 1, took: '26:00:00', price: '1.10' }]);
  });

  test('gets the type that the job gives it, exactly, and rows whose values do not fit are put aside', async () => {
    const table = await mariaDbTable(mariaDb(), `${SETUP}; INSERT INTO orders VALUES (2, NULL, 1e30), (3, NULL, 2)`);
    const source = table.source({ unsupported_types: 'skip', types: { price: 'decimal(10, 2)' } });
    const { rows, rejected, schema } = await runSource(source);
    expect(schema.columns.map(({ name, type }) => [name, typeName(type)])).toEqual([
      ['id', 'int'],
      ['price', 'decimal(10, 2)'],
    ]);
    expect(rows).toEqual([
      { id: 1, price: '1.10' },
      { id: 3, price: '2.00' },
    ]);
    expect(rejected.map(({ column, reason }) => [column, reason])).toEqual([['price', 'CAST']]);
  });
});
