import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { Relation, Source } from '../../../connectors/connector.ts';
import { contextIn } from '../../support/csv.ts';
import { mariaDbTable } from '../../support/database-table.ts';
import { openSession, temporaryFolder } from '../../support/duckdb.ts';
import { useMariaDb } from '../../support/mariadb.ts';
import { runSource } from '../../support/run-source.ts';

const mariaDb = useMariaDb();

/** The first relation of an object, with what came before it. */
async function firstOf(source: Source, folder: string, wholeRun = false) {
  const context = contextIn(folder);
  const session = await openSession();
  const { schema } = await source.describe('orders', context);
  const request = {
    object: 'orders',
    schema,
    checkpoint: undefined,
    options: { mode: 'incremental' },
    wholeRun,
  } as const;
  const { chunks } = await source.plan(request, context);
  const [chunk] = chunks;
  if (chunk === undefined) throw new Error('no chunk');
  return { session, first: await source.read('orders', schema, chunk, session, context) };
}

const WIDE = `CREATE TABLE orders (id int PRIMARY KEY, note varchar(500));
  INSERT INTO orders SELECT seq, REPEAT(CHAR(97 + seq % 26), 400) FROM seq_1_to_20000`;

describe('the rows of a table', () => {
  /** Keys by which rows come a batch at a time, with rows that are easily lost or read twice at the end of one. */
  const KEYS: readonly (readonly [string, string, string])[] = [
    ['numbers', 'id bigint unsigned PRIMARY KEY', '18446744073709551615 - seq'],
    ['negative decimals', 'id decimal(30,10) PRIMARY KEY', '-seq / 7'],
    ['times', 'id datetime(6) PRIMARY KEY', `'2024-01-01' + INTERVAL seq * 7 MICROSECOND`],
    [
      'texts without case',
      'id varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY',
      `CONCAT(IF(seq % 2, 'Ä', 'a'), seq, '\\\\''"')`,
    ],
    ['latin texts', 'id char(20) CHARACTER SET latin1 PRIMARY KEY', `CONCAT('ß', seq)`],
    ['bytes', 'id varbinary(20) PRIMARY KEY', `CONCAT(x'00ff27', seq)`],
    ['uuids', 'id char(36) PRIMARY KEY', `UUID()`],
    ['a unique key', 'id int NOT NULL UNIQUE', 'seq'],
    ['a key of a part', 'id varchar(20), PRIMARY KEY (id(15))', 'seq'],
    ['no key', 'id int', 'seq % 7'],
    ['a nullable unique key', 'id int UNIQUE', 'IF(seq % 2, NULL, seq)'],
  ];
  test.each(KEYS)('are read once each, by a key of %s', async (_, column, value) => {
    const { source, run } = await mariaDbTable(
      mariaDb(),
      `SET NAMES utf8mb4; CREATE TABLE orders (${column}, n int); INSERT INTO orders SELECT ${value}, seq FROM seq_1_to_1000`,
    );
    const { rows } = await runSource(source({ batch_rows: 100 }));
    expect(rows.map(({ n }) => Number(n)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (__, i) => i + 1),
    );
    expect(await run('SELECT COUNT(*) AS n FROM orders')).toEqual([{ n: '1000' }]);
  });

  test('are read once each by a key of several columns, whatever their order', async () => {
    const { source } = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE orders (b varchar(3), n int, a int, PRIMARY KEY (a, b, n));
       INSERT INTO orders SELECT ELT(1 + seq % 3, 'x', 'y', ''), seq, seq % 5 FROM seq_1_to_1000`,
    );
    const { rows } = await runSource(source({ batch_rows: 7 }));
    expect(rows.map(({ n }) => Number(n)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i + 1),
    );
  });

  test('come by statements that go into the key and not past it', async () => {
    const { source, run } = await mariaDbTable(mariaDb(), WIDE);
    await run(`SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON; TRUNCATE mysql.general_log`);
    const { rows } = await runSource(source());
    await run('SET GLOBAL general_log = OFF');
    expect(rows).toHaveLength(20_000);
    const asked = await run(
      `SELECT CAST(argument AS CHAR) AS q FROM mysql.general_log WHERE command_type = 'Execute' AND argument LIKE '%FROM%orders%'`,
    );
    expect(asked).toHaveLength(3);
    const [last] = await run(`EXPLAIN ${String(asked.at(-1)?.['q'])}`);
    expect(last).toMatchObject({ type: 'range', key: 'PRIMARY' });
  });

  test('are those of one moment, whatever happens while they are read', async () => {
    const { source, run } = await mariaDbTable(mariaDb(), WIDE);
    await using folder = await temporaryFolder();
    const { session, first } = await firstOf(source({ chunk_mb: 1, batch_rows: 1000 }), folder.path);
    await using _ = session;
    await run(`UPDATE orders SET note = 'moved'; DELETE FROM orders WHERE id % 2 = 0;
      INSERT INTO orders SELECT seq, 'late' FROM seq_20001_to_21000`);
    const seen = { rows: 0, moved: 0, pieces: 0 };
    for (let relation: Relation | undefined = first; relation; relation = await relation.more?.()) {
      const [row] = await session.rows(
        `SELECT count(*)::INT AS n, count(*) FILTER (note IN ('moved', 'late'))::INT AS moved FROM (${relation.sql})`,
      );
      await relation.finish(0, Number(row?.['n']));
      seen.rows += Number(row?.['n']);
      seen.moved += Number(row?.['moved']);
      seen.pieces += 1;
    }
    await first.close?.();
    expect(seen).toMatchObject({ rows: 20_000, moved: 0 });
    expect(seen.pieces).toBeGreaterThan(4);
  });

  test('take no more room on the disk than a few pieces, and none when they are given up', async () => {
    const { source, run, database } = await mariaDbTable(mariaDb(), WIDE);
    await using folder = await temporaryFolder();
    const { session, first } = await firstOf(source({ chunk_mb: 1 }), folder.path);
    await using _ = session;
    let most = 0;
    let pieces = 0;
    for (let relation: Relation | undefined = first; relation; relation = await relation.more?.()) {
      const [row] = await session.rows(`SELECT count(*)::INT AS n FROM (${relation.sql})`);
      await relation.finish(0, Number(row?.['n']));
      const files = (await readdir(folder.path)).filter((file) => file.startsWith('landing-'));
      most = Math.max(most, files.length);
      pieces += 1;
      if (pieces === 4) break;
    }
    await first.close?.();
    expect(pieces).toBe(4);
    expect(most).toBeLessThanOrEqual(3);
    await vi.waitFor(async () => {
      expect(
        await run(`SELECT id FROM information_schema.processlist WHERE db = '${database}' AND info IS NULL`),
      ).toEqual([]);
    });
  });

  test('are no longer waited for when they are given up, nor is the server left at work', async () => {
    const { source, run, database } = await mariaDbTable(mariaDb(), 'SELECT 1');
    const query = `SELECT seq AS id, IF(seq > 15000, SLEEP(20), REPEAT('x', 500)) AS note FROM seq_1_to_15100`;
    await using folder = await temporaryFolder();
    const { session, first } = await firstOf(source({ query, chunk_mb: 1 }), folder.path);
    await using _ = session;
    let relation: Relation | undefined = first;
    // Until the reading waits for the server, and not for us.
    for (let pieces = 1; pieces < 7; pieces += 1) relation = await relation?.more?.();
    expect(relation).toBeDefined();
    const startedAt = performance.now();
    await first.close?.();
    expect(performance.now() - startedAt).toBeLessThan(2000);
    await vi.waitFor(async () => {
      expect(
        await run(
          `SELECT info FROM information_schema.processlist WHERE db = '${database}' AND info LIKE '%SLEEP(20)%' AND id <> CONNECTION_ID()`,
        ),
      ).toEqual([]);
    });
  });

  test('need a disk with a folder, and say so where there is none', async () => {
    const { source } = await mariaDbTable(
      mariaDb(),
      'CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)',
    );
    await using folder = await temporaryFolder();
    const gone = path.join(folder.path, 'gone');
    await expect(firstOf(source(), gone)).rejects.toThrow(/^ENOENT when landing rows in /);
  });

  test('come in one piece where a step looks at all of them', async () => {
    const { source } = await mariaDbTable(mariaDb(), WIDE);
    const whole = await runSource(source({ chunk_mb: 1 }), { wholeRun: true });
    expect([whole.rows.length, whole.pieces]).toEqual([20_000, 1]);
    expect((await runSource(source({ chunk_mb: 1 }))).pieces).toBeGreaterThan(4);
  });

  test('of an empty table are none, in its columns', async () => {
    const { source } = await mariaDbTable(mariaDb(), 'CREATE TABLE orders (id int PRIMARY KEY, note text)');
    const { rows, read, schema } = await runSource(source());
    expect([rows, read, schema.columns.map(({ name }) => name), schema.primaryKey]).toEqual([
      [],
      0,
      ['id', 'note'],
      ['id'],
    ]);
  });

  test('may be larger than a packet of the protocol', async () => {
    const { source, run } = await mariaDbTable(
      mariaDb(),
      'SET GLOBAL max_allowed_packet = 67108864; CREATE TABLE orders (id int PRIMARY KEY, note longblob, more longtext)',
    );
    await run(
      `INSERT INTO orders VALUES (1, REPEAT(x'0001', 9000000), 'after'), (2, NULL, REPEAT('y', 16777215)), (3, 'c', 'd')`,
    );
    await using folder = await temporaryFolder();
    const { session, first } = await firstOf(source({ chunk_mb: 1 }), folder.path);
    await using _ = session;
    const found: unknown[] = [];
    for (let relation: Relation | undefined = first; relation; relation = await relation.more?.()) {
      const rows = await session.rows(
        `SELECT id, octet_length(note)::INT AS note, length(more)::INT AS more FROM (${relation.sql})`,
      );
      found.push(...rows);
      await relation.finish(0, rows.length);
    }
    await first.close?.();
    expect(found).toEqual([
      { id: 1, note: 18_000_000, more: 5 },
      { id: 2, note: null, more: 16_777_215 },
      { id: 3, note: 1, more: 1 },
    ]);
  });

  test('of a table that keeps no versions are read by one statement', async () => {
    const { source } = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE orders (id int PRIMARY KEY) ENGINE = MyISAM; INSERT INTO orders SELECT seq FROM seq_1_to_500`,
    );
    expect((await runSource(source({ batch_rows: 100 }))).rows).toHaveLength(500);
  });

  test('of a view, a partitioned table and a query are read like those of any other', async () => {
    const { source, database } = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE sold (id int, year int, PRIMARY KEY (id, year)) PARTITION BY HASH (year) PARTITIONS 4;
       INSERT INTO sold SELECT seq, 2000 + seq % 5 FROM seq_1_to_500; CREATE VIEW orders AS SELECT id, year + 1 AS next FROM sold`,
    );
    expect((await runSource(source())).rows).toHaveLength(500);
    expect((await runSource(source({ batch_rows: 10 }), { object: 'sold' })).rows).toHaveLength(500);
    expect((await runSource(source(), { object: `${database}.sold` })).rows).toHaveLength(500);
    const query = `SELECT id, CASE WHEN year > 2002 THEN 'new' END AS age, 1.10 AS price, NULL AS nothing FROM sold WHERE id < 3 ORDER BY id;`;
    expect((await runSource(source({ query }))).rows).toEqual([
      { id: 1, age: null, price: '1.10', nothing: null },
      { id: 2, age: null, price: '1.10', nothing: null },
    ]);
  });
});

test('a folder of scratch files is all that reading leaves', async () => {
  const { source } = await mariaDbTable(
    mariaDb(),
    'CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)',
  );
  await using folder = await temporaryFolder();
  const { session, first } = await firstOf(source(), folder.path);
  await using _ = session;
  await first.finish(0, 1);
  expect(await first.more?.()).toBeUndefined();
  await first.close?.();
  expect((await readdir(path.join(folder.path))).filter((file) => file.startsWith('landing-'))).toEqual([]);
});
