import { describe, expect, test } from 'vitest';
import { MAX_BOUNDARY_ROWS } from '../../../connectors/database/checkpoint.ts';
import { contextIn } from '../../support/csv.ts';
import { mariaDbTable } from '../../support/database-table.ts';
import { openSession, temporaryFolder } from '../../support/duckdb.ts';
import { useMariaDb } from '../../support/mariadb.ts';
import { idsOf, runSource } from '../../support/run-source.ts';

const mariaDb = useMariaDb();

const BY = (cursor: string, more: object = {}) => ({
  incremental: { strategy: 'updated_after', cursor_field: cursor, ...more },
});

describe('a run that goes on from the last one', () => {
  test('reads what is newer, and what came at the same moment since, and nothing twice', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE orders (id int PRIMARY KEY, at timestamp(6));
       INSERT INTO orders VALUES (1, '2024-01-01'), (5, '2024-01-02 00:00:00.000001')`,
    );
    const source = table.source(BY('at'));
    const first = await idsOf(source);
    expect(first.ids).toEqual([1, 5]);
    expect(await idsOf(source, first.checkpoint)).toMatchObject({ chunks: 0, checkpoint: first.checkpoint });

    // Committed later, with lower and higher keys than what was read at that very microsecond.
    await table.run(`INSERT INTO orders VALUES (4, '2024-01-02 00:00:00.000001'), (6, '2024-01-02 00:00:00.000001')`);
    const second = await idsOf(source, first.checkpoint);
    expect(second.ids).toEqual([4, 6]);
    await table.run(`INSERT INTO orders VALUES (7, '2024-01-02 00:00:00.000001'), (8, '2024-01-03')`);
    const third = await idsOf(source, second.checkpoint);
    expect(third.ids).toEqual([7, 8]);
    expect((await idsOf(source, third.checkpoint)).chunks).toBe(0);
  });

  test.each([
    ['decimal(38,10)', ['1e20', '100000000000000000000.0000000001', '100000000000000000000.0000000002']],
    ['varchar(20)', [`'a'`, `'ab'`, `'b'`]],
    ['char(20) character set utf8mb4', [`'a'`, `'ä\\\\'`, `'ž"'`]],
    ['bigint', ['1', '9007199254740993', '9223372036854775807']],
    ['bigint unsigned', ['9223372036854775808', '18446744073709551614', '18446744073709551615']],
    ['year', ['1999', '2000', '2024']],
    ['datetime(6)', [`'2024-01-01'`, `'2024-01-01 00:00:00.000001'`, `'2024-01-01 00:00:00.000002'`]],
    ['date', [`'2024-01-01'`, `'2024-01-02'`, `'2024-01-03'`]],
  ])('goes by a column of type %s', async (type, [low, middle, high]) => {
    const table = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE orders (id int PRIMARY KEY, \`the \`\`cursor\` ${type}); INSERT INTO orders VALUES (1, ${low}), (2, ${middle})`,
    );
    const source = table.source(BY('the `cursor'));
    const first = await idsOf(source);
    expect(first.ids).toEqual([1, 2]);
    expect((await idsOf(source, first.checkpoint)).chunks).toBe(0);
    await table.run(`INSERT INTO orders VALUES (3, ${high}), (4, ${middle}), (5, ${low})`);
    expect((await idsOf(source, first.checkpoint)).ids).toEqual([3, 4]);
  });

  test('remembers what its rows were, and not what came between the plan and the rows', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      'CREATE TABLE orders (id int PRIMARY KEY, version int); INSERT INTO orders VALUES (1, 1), (2, 2)',
    );
    const source = table.source(BY('version'));
    await using folder = await temporaryFolder();
    await using session = await openSession();
    const context = contextIn(folder.path);
    const { schema } = await source.describe('orders', context);
    const request = { object: 'orders', schema, checkpoint: undefined, options: { mode: 'incremental' } } as const;
    const plan = await source.plan(request, context);
    await table.run('INSERT INTO orders VALUES (3, 2), (4, 3)');
    const [chunk] = plan.chunks;
    if (chunk === undefined) throw new Error('no chunk');
    const relation = await source.read('orders', schema, chunk, session, context);
    await table.run('INSERT INTO orders VALUES (5, 3)');
    expect(await session.rows(`SELECT count(*)::INT AS n FROM (${relation.sql})`)).toEqual([{ n: 4 }]);
    await relation.finish(10, 4);
    const memory = await relation.remember?.(undefined);
    await relation.close?.();
    const checkpoint = source.checkpointAfter(plan.nextCheckpoint, undefined, [memory]);
    expect((await idsOf(source, checkpoint)).ids).toEqual([5]);
  });

  test('counts rows without a cursor, and leaves them out of every run alike', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      'CREATE TABLE orders (id int PRIMARY KEY, version int); INSERT INTO orders VALUES (1, 1), (2, NULL), (3, NULL)',
    );
    const source = table.source(BY('version'));
    const first = await idsOf(source);
    expect([first.ids, first.skipped, first.read]).toEqual([[1], { null_cursor: 2 }, 3]);
    await table.run('INSERT INTO orders VALUES (4, 2), (5, NULL)');
    const second = await idsOf(source, first.checkpoint);
    expect([second.ids, second.skipped]).toEqual([[4], { null_cursor: 3 }]);
  });

  test('reads again what is behind the highest cursor by no more than the lookback', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE orders (id int PRIMARY KEY, at datetime);
       INSERT INTO orders VALUES (1, '2024-01-01 00:00'), (2, '2024-01-01 01:00'), (3, '2024-01-01 02:30')`,
    );
    const source = table.source(BY('at', { lookback_hours: 1.5 }));
    const first = await idsOf(source);
    await table.run(`INSERT INTO orders VALUES (4, '2024-01-01 00:59:59'), (5, '2024-01-01 01:00')`);
    expect((await idsOf(source, first.checkpoint)).ids).toEqual([2, 3, 5]);
  });

  test('tells rows apart by their key where more have the highest cursor than are remembered', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE orders (region varchar(5), id int, day date, PRIMARY KEY (region, id));
       INSERT INTO orders SELECT 'b', seq, '2024-01-01' FROM seq_1_to_${MAX_BOUNDARY_ROWS + 1}`,
    );
    const source = table.source(BY('day'));
    const first = await idsOf(source);
    expect(first.ids).toHaveLength(MAX_BOUNDARY_ROWS + 1);
    expect((await idsOf(source, first.checkpoint)).chunks).toBe(0);
    await table.run(`INSERT INTO orders VALUES ('c', 1, '2024-01-01'), ('b', 20000, '2024-01-01')`);
    expect((await idsOf(source, first.checkpoint)).ids).toEqual([1, 20_000]);
  });

  test('refuses a view of many rows with one cursor and no key, since none could be told from another', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      `CREATE VIEW orders AS SELECT seq AS id, date '2024-01-01' AS day FROM seq_1_to_${MAX_BOUNDARY_ROWS + 1}`,
    );
    await expect(idsOf(table.source(BY('day')))).rejects.toThrow(/more than 10000 rows .* no primary key/);
  });

  test('goes by whole rows where a view has no key', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE kept (id int, version int, body blob, price decimal(5,2));
       INSERT INTO kept VALUES (1, 1, x'00ff', 1.1), (2, 1, NULL, NULL); CREATE VIEW orders AS SELECT * FROM kept`,
    );
    const source = table.source(BY('version'));
    const first = await idsOf(source);
    await table.run(`INSERT INTO kept VALUES (1, 1, x'00fe', 1.1), (3, 1, NULL, 1.2), (4, 1, NULL, 1.3)`);
    expect((await idsOf(source, first.checkpoint)).ids).toEqual([1, 3, 4]);
  });

  test('says so when no row is as high as the last one was', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      'CREATE TABLE orders (id int PRIMARY KEY, version int); INSERT INTO orders VALUES (1, 1), (2, 2)',
    );
    const source = table.source(BY('version'));
    const first = await idsOf(source);
    await table.run('UPDATE orders SET version = version - 1');
    const second = await idsOf(source, first.checkpoint);
    expect([second.chunks, second.checkpoint]).toEqual([0, first.checkpoint]);
    expect(second.notices).toEqual([expect.stringContaining('the cursor goes backwards')]);
  });

  test('reads everything for a full refresh, and goes on from there', async () => {
    const table = await mariaDbTable(
      mariaDb(),
      'CREATE TABLE orders (id int PRIMARY KEY, version int); INSERT INTO orders VALUES (1, 1), (2, 2)',
    );
    const source = table.source(BY('version'));
    const { checkpoint } = await idsOf(source);
    const full = await runSource(source, { options: { mode: 'full_refresh' }, checkpoint });
    expect([full.rows.length, full.checkpoint]).toEqual([2, checkpoint]);
  });
});

describe('a window', () => {
  const SETUP = `SET time_zone = '+00:00'; CREATE TABLE orders (id int PRIMARY KEY, at timestamp NULL, version int);
    INSERT INTO orders SELECT seq, '2024-01-01' + INTERVAL seq DAY, seq FROM seq_0_to_9`;

  test('has the rows from its start to before its end, and leaves the checkpoint as it is', async () => {
    const table = await mariaDbTable(mariaDb(), SETUP);
    const source = table.source(BY('at'));
    const { checkpoint } = await idsOf(source);
    const options = { mode: 'window', from: '2024-01-03', to: '2024-01-05T00:00:00Z' } as const;
    const run = await runSource(source, { options, checkpoint });
    expect([run.rows.map(({ id }) => id), run.checkpoint]).toEqual([[2, 3], checkpoint]);
    const zoned = { mode: 'window', from: '2024-01-03T02:00+02:00', to: '2024-01-04T23:00:00.5-01:00' } as const;
    expect((await runSource(source, { options: zoned, checkpoint })).rows.map(({ id }) => id)).toEqual([2, 3, 4]);
  });

  test('of numbers goes by numbers', async () => {
    const table = await mariaDbTable(mariaDb(), SETUP);
    const run = await runSource(table.source(BY('version')), { options: { mode: 'window', from: '2', to: '4' } });
    expect(run.rows.map(({ id }) => id)).toEqual([2, 3]);
  });

  test('that reaches beyond the checkpoint marks it', async () => {
    const table = await mariaDbTable(mariaDb(), SETUP);
    const source = table.source(BY('at'));
    const { checkpoint } = await idsOf(source);
    const run = await runSource(source, { options: { mode: 'window', from: '2024-01-10' }, checkpoint });
    expect(run.checkpoint).toEqual({ ...checkpoint, windowsAhead: true });
  });

  test.each([
    ['at', 'now'],
    ['at', 'soon'],
    ['at', '2024-13-01'],
    ['version', '1 OR 1'],
  ])('of %s refuses the bound %s without repeating it', async (cursor, from) => {
    const table = await mariaDbTable(mariaDb(), SETUP);
    const run = runSource(table.source(BY(cursor)), { options: { mode: 'window', from } });
    await expect(run).rejects.toThrow(
      new RegExp(`a bound for the cursor field "${cursor}" that the database cannot read`),
    );
  });
});

describe('a cursor that cannot be one', () => {
  test.each([
    ['versoin', /which test_\w+\.orders does not have.*did you mean "version"/],
    ['body', /whose type has no order/],
    // The server sorts it by its number, and compares it by its text.
    ['kind', /whose type has no order/],
  ])('%s is refused', async (cursor, sentence) => {
    const table = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE orders (id int PRIMARY KEY, version int, body json, kind enum('low', 'high'))`,
    );
    await expect(idsOf(table.source(BY(cursor)))).rejects.toThrow(sentence);
  });
});
