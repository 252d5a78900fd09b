import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { typeName } from '../../../contracts/schema.ts';
import { createAuthority } from '../../support/certificates.ts';
import { contextIn } from '../../support/csv.ts';
import { startCutProxy } from '../../support/cut-proxy.ts';
import { postgresTable } from '../../support/database-table.ts';
import { openSession, temporaryFolder } from '../../support/duckdb.ts';
import { POSTGRES_PASSWORD, usePostgres } from '../../support/postgres.ts';
import type { AddressChange } from '../../support/refusal.ts';
import { changedAddress, refusalOf } from '../../support/refusal.ts';
import { runSource } from '../../support/run-source.ts';

const postgres = usePostgres();

/** What a run says, with the code; the password is in none of it. */
const refusal = (work: Promise<unknown>) => refusalOf(work, POSTGRES_PASSWORD);

const ORDERS = `CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'a')`;

describe('a server that cannot be used', () => {
  const ADDRESSES: readonly (readonly [string, AddressChange, RegExp])[] = [
    ['a wrong password', { password: 'wrong-one' }, /^SOURCE_DENIED: .*refuses the user or the password/],
    ['no password', { password: '' }, /^SOURCE_DENIED: .*(refuses the user or the password|asks for a password)/],
    ['an unknown user', { username: 'nobody' }, /^SOURCE_DENIED: /],
    ['no such database', { pathname: '/elsewhere' }, /^SOURCE_NOT_FOUND: .*has no such database/],
    ['nobody at the port', { port: '1' }, /^SOURCE_UNREACHABLE: .*does not answer/],
    ['no such host', { host: 'nowhere.invalid' }, /^SOURCE_UNREACHABLE: .*does not answer/],
    ['no encryption', { search: 'sslmode=verify-full' }, /^SOURCE_DENIED: .*offers no encrypted connection/],
    ['an unknown parameter', { search: 'sslmod=disable' }, /^SOURCE_UNREADABLE: the parameter sslmod/],
    ['an unknown mode', { search: 'sslmode=prefer' }, /^SOURCE_UNREADABLE: sslmode prefer.*one of disable/],
    [
      'a missing file',
      { search: 'sslmode=verify-full&sslrootcert=no.pem' },
      /no\.pem, which cannot be read \(ENOENT\)/,
    ],
  ];
  test.each(ADDRESSES)('%s is told in one sentence', async (_, parts, sentence) => {
    const table = await postgresTable(postgres(), ORDERS);
    expect(await refusal(runSource(table.source({}, changedAddress(table.url, parts))))).toMatch(sentence);
  });

  test('that goes away in the middle is asked again later', async () => {
    const table = await postgresTable(postgres(), ORDERS);
    await using proxy = await startCutProxy(postgres().port);
    const through = changedAddress(table.url, { port: String(proxy.port) });
    proxy.loseAnswerTo('COPY (SELECT');
    expect(await refusal(runSource(table.source({}, through)))).toMatch(/^SOURCE_UNREACHABLE: /);
  });

  test('that ends the connection is asked again later', async () => {
    const table = await postgresTable(postgres(), ORDERS);
    const source = table.source({ query: 'SELECT 1 AS id, pg_sleep(60)::text AS slept' });
    const failed = refusal(runSource(source));
    await expect
      .poll(() =>
        table.run(
          `SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE query LIKE 'COPY%' AND datname = current_database()`,
        ),
      )
      .toEqual([{ ended: true }]);
    expect(await failed).toMatch(/^SOURCE_UNREACHABLE: .*closed the connection/);
  });
});

describe('an encrypted connection', () => {
  const authority = createAuthority('An authority of the test');
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let root = '';
  beforeAll(async () => {
    folder = await temporaryFolder();
    root = path.join(folder.path, 'root.pem');
    await writeFile(root, authority.cert);
    const { cert, key } = authority.issue('the server', ['127.0.0.1']);
    const lines = (pem: string) => `SELECT unnest(string_to_array('${pem.trim()}', E'\\n'))`;
    for (const [file, pem] of Object.entries({ 'server.crt': cert, 'server.key': key })) {
      await postgres().run(`COPY (${lines(pem)}) TO PROGRAM 'umask 077; cat > ${file}'`);
    }
    await postgres().run('ALTER SYSTEM SET ssl = on');
    await postgres().run('SELECT pg_reload_conf()');
    await vi.waitFor(async () => expect(await postgres().run('SHOW ssl')).toEqual([{ ssl: 'on' }]));
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  const at = (url: string, search: string) => changedAddress(url, { search });

  test('is made with an authority that is named, and with one that is not known not at all', async () => {
    const table = await postgresTable(postgres(), ORDERS);
    const verified = at(table.url, `sslmode=verify-full&sslrootcert=${encodeURIComponent(root)}`);
    expect((await runSource(table.source({}, verified))).rows).toHaveLength(1);
    expect(await refusal(runSource(table.source({}, at(table.url, 'sslmode=verify-full'))))).toMatch(
      /^SOURCE_DENIED: .*shows a certificate that cannot be trusted/,
    );
    expect((await runSource(table.source({}, at(table.url, 'sslmode=require')))).rows).toHaveLength(1);
  });

  test('is refused to a server of another name, unless the name is not asked for', async () => {
    const table = await postgresTable(postgres(), ORDERS);
    const elsewhere = (mode: string) =>
      changedAddress(table.url, {
        hostname: 'localhost',
        search: `sslmode=${mode}&sslrootcert=${encodeURIComponent(root)}`,
      });
    expect(await refusal(runSource(table.source({}, elsewhere('verify-full'))))).toMatch(
      /^SOURCE_DENIED: .*of another name/,
    );
    expect((await runSource(table.source({}, elsewhere('verify-ca')))).rows).toHaveLength(1);
  });

  test('is really used', async () => {
    const table = await postgresTable(postgres(), 'SELECT 1');
    const query = `SELECT ssl::text AS id FROM pg_stat_ssl WHERE pid = pg_backend_pid()`;
    expect((await runSource(table.source({ query }, at(table.url, 'sslmode=require')))).rows).toEqual([{ id: 'true' }]);
    expect((await runSource(table.source({ query }, at(table.url, 'sslmode=disable')))).rows).toEqual([
      { id: 'false' },
    ]);
  });
});

describe('an object that cannot be read', () => {
  test('a missing table is told with the nearest name', async () => {
    const table = await postgresTable(postgres(), 'CREATE TABLE ordres (id int)');
    expect(await refusal(runSource(table.source()))).toMatch(
      /^SOURCE_NOT_FOUND: .*no table public\.orders.*write ordres/,
    );
  });

  test('a table in another schema is found by its name, and by source.schema', async () => {
    const table = await postgresTable(
      postgres(),
      'CREATE SCHEMA sales; CREATE TABLE sales.orders (id int); INSERT INTO sales.orders VALUES (7)',
    );
    expect((await runSource(table.source(), { object: 'sales.orders' })).rows).toEqual([{ id: 7 }]);
    expect((await runSource(table.source({ schema: 'sales' }))).rows).toEqual([{ id: 7 }]);
  });

  test('a table that the user may not read is told with the right that is missing', async () => {
    const table = await postgresTable(
      postgres(),
      `${ORDERS}; CREATE ROLE reader_a LOGIN PASSWORD '${POSTGRES_PASSWORD}'`,
    );
    const as = changedAddress(table.url, { username: 'reader_a' });
    expect(await refusal(runSource(table.source({}, as)))).toMatch(/^SOURCE_DENIED: .*GRANT SELECT/);
  });

  test('rows that row-level security would hide are not left out in silence', async () => {
    const table = await postgresTable(
      postgres(),
      `${ORDERS}; CREATE ROLE reader_b LOGIN PASSWORD '${POSTGRES_PASSWORD}'; GRANT SELECT ON orders TO reader_b;
       ALTER TABLE orders ENABLE ROW LEVEL SECURITY; CREATE POLICY "few" ON orders USING (id > 1)`,
    );
    const as = changedAddress(table.url, { username: 'reader_b' });
    expect(await refusal(runSource(table.source({}, as)))).toMatch(/^SOURCE_DENIED: .*BYPASSRLS/);
  });

  test('a table that is dropped, or changed, between planning and reading stops the object', async () => {
    const table = await postgresTable(postgres(), ORDERS);
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
      /^SOURCE_CHANGED: public\.orders with other columns/,
    );
    await table.run('DROP TABLE orders');
    expect(await refusal(source.read('orders', schema, chunk, session, context))).toMatch(
      /^SOURCE_NOT_FOUND: .*no table public\.orders/,
    );
  });

  test('a table that somebody has locked is waited for as long as the job says', async () => {
    const table = await postgresTable(postgres(), ORDERS);
    const locking = table.run('BEGIN; LOCK orders; SELECT pg_sleep(3)');
    await expect
      .poll(() =>
        table.run(
          `SELECT count(*)::int AS n FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'orders'::regclass`,
        ),
      )
      .toEqual([{ n: 1 }]);
    expect(await refusal(runSource(table.source({ lock_timeout_seconds: 1 })))).toMatch(
      /^SOURCE_UNREACHABLE: .*locked by somebody else/,
    );
    await locking;
  });

  test('a query that takes too long, or is none, is told so', async () => {
    const table = await postgresTable(postgres(), ORDERS);
    const slow = table.source({ query: 'SELECT 1 AS id, pg_sleep(30)::text AS slept', statement_timeout_seconds: 1 });
    expect(await refusal(runSource(slow))).toMatch(/^SOURCE_UNREADABLE: .*took longer than it may/);
    for (const query of ['SELEC 1', 'DELETE FROM orders', 'SELECT 1 AS id; DROP TABLE orders']) {
      expect(await refusal(runSource(table.source({ query })))).toMatch(
        /^SOURCE_UNREADABLE: .*does not understand source\.query/,
      );
    }
    expect(await refusal(runSource(table.source({ query: 'SELECT 1 AS id, 2 AS "ID"' })))).toMatch(
      /^DUPLICATE_COLUMN: /,
    );
    expect(await table.run('SELECT count(*)::int AS n FROM orders')).toEqual([{ n: 1 }]);
  });

  test('a query can only read', async () => {
    const table = await postgresTable(
      postgres(),
      `${ORDERS}; CREATE FUNCTION spoil() RETURNS int LANGUAGE sql AS 'INSERT INTO orders VALUES (2) RETURNING id'`,
    );
    expect(await refusal(runSource(table.source({ query: 'SELECT spoil() AS id' })))).toMatch(/^SOURCE_UNREADABLE: /);
    expect(await table.run('SELECT count(*)::int AS n FROM orders')).toEqual([{ n: 1 }]);
  });
});

describe('a column of a type that the lake does not have', () => {
  const SETUP = `CREATE TABLE orders (id int, took interval, price numeric); INSERT INTO orders VALUES (1, '1 day', 1.10)`;

  test('is refused, left out, or kept as text, as the job says', async () => {
    const table = await postgresTable(postgres(), SETUP);
    expect(await refusal(runSource(table.source({ unsupported_types: 'refuse' })))).toMatch(
      /^TYPE_UNSUPPORTED: public\.orders .*took \(interval\), price \(numeric\)/,
    );
    expect((await runSource(table.source({ unsupported_types: 'skip' }))).rows).toEqual([{ id: 1 }]);
    expect((await runSource(table.source())).rows).toEqual([{ id: 1, took: 'P1D', price: '1.10' }]);
  });

  test('gets the type that the job gives it, exactly, and rows whose values do not fit are put aside', async () => {
    const table = await postgresTable(
      postgres(),
      `${SETUP}; INSERT INTO orders VALUES (2, NULL, 1.005), (3, NULL, 'NaN')`,
    );
    const source = table.source({ unsupported_types: 'skip', types: { price: 'decimal(10, 2)' } });
    const { rows, rejected, schema } = await runSource(source);
    expect(schema.columns.map(({ name, type }) => [name, typeName(type)])).toEqual([
      ['id', 'int'],
      ['price', 'decimal(10, 2)'],
    ]);
    expect(rows).toEqual([{ id: 1, price: '1.10' }]);
    expect(rejected.map(({ column, reason }) => [column, reason])).toEqual([
      ['price', 'CAST'],
      ['price', 'CAST'],
    ]);
  });
});
