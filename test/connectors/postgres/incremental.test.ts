import { describe, expect, test } from 'vitest';
import { MAX_BOUNDARY_ROWS } from '../../../connectors/database/checkpoint.ts';
import { postgresTable } from '../../support/database-table.ts';
import { usePostgres } from '../../support/postgres.ts';
import { idsOf, runSource } from '../../support/run-source.ts';

const postgres = usePostgres();

const BY = (cursor: string, more: object = {}) => ({
  incremental: { strategy: 'updated_after', cursor_field: cursor, ...more },
});

describe('a run that goes on from the last one', () => {
  test('reads what is newer, and what came at the same moment since, and nothing twice', async () => {
    const table = await postgresTable(
      postgres(),
      `CREATE TABLE orders (id int PRIMARY KEY, at timestamptz);
       INSERT INTO orders VALUES (1, '2024-01-01 00:00+00'), (5, '2024-01-02 00:00:00.000001+00')`,
    );
    const source = table.source(BY('at'));
    const first = await idsOf(source);
    expect(first.ids).toEqual([1, 5]);
    expect(await idsOf(source, first.checkpoint)).toMatchObject({ chunks: 0, checkpoint: first.checkpoint });

    // Committed later, with lower and higher keys than what was read at that very microsecond.
    await table.run(
      `INSERT INTO orders VALUES (4, '2024-01-02 00:00:00.000001+00'), (6, '2024-01-02 00:00:00.000001+00')`,
    );
    const second = await idsOf(source, first.checkpoint);
    expect(second.ids).toEqual([4, 6]);
    await table.run(`INSERT INTO orders VALUES (7, '2024-01-02 00:00:00.000001+00'), (8, '2024-01-03 00:00+00')`);
    const third = await idsOf(source, second.checkpoint);
    expect(third.ids).toEqual([7, 8]);
    expect((await idsOf(source, third.checkpoint)).chunks).toBe(0);
  });

  test.each([
    ['numeric', ['1e30', '1e30 + 0.000000001', '1e30 + 0.000000002']],
    ['text', [`'a'`, `'ab'`, `'b'`]],
    [
      'uuid',
      [
        `'00000000-0000-0000-0000-000000000001'`,
        `'00000000-0000-0000-0000-000000000002'`,
        `'f0000000-0000-0000-0000-000000000000'`,
      ],
    ],
    ['float8', ['0.1', '0.1 + 0.2', '0.30000000000000009']],
    ['bigint', ['1', '9007199254740993', '9223372036854775807']],
    ['timestamp', [`'2024-01-01'`, `'2024-01-01 00:00:00.000001'`, `'2024-01-01 00:00:00.000002'`]],
    ['date', [`'2024-01-01'`, `'2024-01-02'`, `'2024-01-03'`]],
    ['interval', [`'1 hour'`, `'61 minutes'`, `'1 day'`]],
    ['kind', [`'low'`, `'high'`, `'highest'`]],
  ])('goes by a column of type %s', async (type, [low, middle, high]) => {
    const table = await postgresTable(
      postgres(),
      `CREATE TYPE kind AS ENUM ('low', 'high', 'highest');
       CREATE TABLE orders (id int PRIMARY KEY, "the cursor" ${type}); INSERT INTO orders VALUES (1, ${low}), (2, ${middle})`,
    );
    const source = table.source(BY('the cursor'));
    const first = await idsOf(source);
    expect(first.ids).toEqual([1, 2]);
    expect((await idsOf(source, first.checkpoint)).chunks).toBe(0);
    await table.run(`INSERT INTO orders VALUES (3, ${high}), (4, ${middle}), (5, ${low})`);
    expect((await idsOf(source, first.checkpoint)).ids).toEqual([3, 4]);
  });

  test('counts rows without a cursor, and leaves them out of every run alike', async () => {
    const table = await postgresTable(
      postgres(),
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
    const table = await postgresTable(
      postgres(),
      `CREATE TABLE orders (id int PRIMARY KEY, at timestamp);
       INSERT INTO orders VALUES (1, '2024-01-01 00:00'), (2, '2024-01-01 01:00'), (3, '2024-01-01 02:30')`,
    );
    const source = table.source(BY('at', { lookback_hours: 1.5 }));
    const first = await idsOf(source);
    await table.run(`INSERT INTO orders VALUES (4, '2024-01-01 00:59:59'), (5, '2024-01-01 01:00')`);
    expect((await idsOf(source, first.checkpoint)).ids).toEqual([2, 3, 5]);
  });

  test('tells rows apart by their key where more have the highest cursor than are remembered', async () => {
    const table = await postgresTable(
      postgres(),
      `CREATE TABLE orders (region text, id int, day date, PRIMARY KEY (region, id));
       INSERT INTO orders SELECT 'b', i, '2024-01-01' FROM generate_series(1, ${MAX_BOUNDARY_ROWS + 1}) i`,
    );
    const source = table.source(BY('day'));
    const first = await idsOf(source);
    expect(first.ids).toHaveLength(MAX_BOUNDARY_ROWS + 1);
    expect((await idsOf(source, first.checkpoint)).chunks).toBe(0);
    await table.run(`INSERT INTO orders VALUES ('c', 1, '2024-01-01'), ('b', 20000, '2024-01-01')`);
    expect((await idsOf(source, first.checkpoint)).ids).toEqual([1, 20_000]);
  });

  test('refuses a view of many rows with one cursor and no key, since none could be told from another', async () => {
    const table = await postgresTable(
      postgres(),
      `CREATE VIEW orders AS SELECT i AS id, date '2024-01-01' AS day FROM generate_series(1, ${MAX_BOUNDARY_ROWS + 1}) i`,
    );
    await expect(idsOf(table.source(BY('day')))).rejects.toThrow(/more than 10000 rows .* no primary key/);
  });

  test('goes by whole rows where a view has no key', async () => {
    const table = await postgresTable(
      postgres(),
      `CREATE TABLE kept (id int, version int); INSERT INTO kept VALUES (1, 1), (2, 1);
       CREATE VIEW orders AS SELECT * FROM kept`,
    );
    const source = table.source(BY('version'));
    const first = await idsOf(source);
    await table.run('INSERT INTO kept VALUES (3, 1)');
    expect((await idsOf(source, first.checkpoint)).ids).toEqual([3]);
  });

  test('says so when no row is as high as the last one was', async () => {
    const table = await postgresTable(
      postgres(),
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
    const table = await postgresTable(
      postgres(),
      'CREATE TABLE orders (id int PRIMARY KEY, version int); INSERT INTO orders VALUES (1, 1), (2, 2)',
    );
    const source = table.source(BY('version'));
    const { checkpoint } = await idsOf(source);
    const full = await runSource(source, { options: { mode: 'full_refresh' }, checkpoint });
    expect([full.rows.length, full.checkpoint]).toEqual([2, checkpoint]);
  });
});

describe('a window', () => {
  const SETUP = `CREATE TABLE orders (id int PRIMARY KEY, at timestamptz);
    INSERT INTO orders SELECT i, timestamptz '2024-01-01 00:00+00' + i * interval '1 day' FROM generate_series(0, 9) i`;

  test('has the rows from its start to before its end, and leaves the checkpoint as it is', async () => {
    const table = await postgresTable(postgres(), SETUP);
    const source = table.source(BY('at'));
    const { checkpoint } = await idsOf(source);
    const options = { mode: 'window', from: '2024-01-03', to: '2024-01-05T00:00:00Z' } as const;
    const run = await runSource(source, { options, checkpoint });
    expect([run.rows.map(({ id }) => id), run.checkpoint]).toEqual([[2, 3], checkpoint]);
  });

  test('that reaches beyond the checkpoint marks it', async () => {
    const table = await postgresTable(postgres(), SETUP);
    const source = table.source(BY('at'));
    const { checkpoint } = await idsOf(source);
    const run = await runSource(source, { options: { mode: 'window', from: '2024-01-10' }, checkpoint });
    expect(run.checkpoint).toEqual({ ...checkpoint, windowsAhead: true });
  });

  test.each(['now', 'soon', '2024-13-01'])('refuses the bound %s without repeating it', async (from) => {
    const table = await postgresTable(postgres(), SETUP);
    const run = runSource(table.source(BY('at')), { options: { mode: 'window', from } });
    await expect(run).rejects.toThrow(/a bound for the cursor field "at"/);
  });
});

describe('a cursor that cannot be one', () => {
  test.each([
    ['versoin', /which public\.orders does not have.*did you mean "version"/],
    ['body', /whose type has no order/],
  ])('%s is refused', async (cursor, sentence) => {
    const table = await postgresTable(postgres(), 'CREATE TABLE orders (id int PRIMARY KEY, version int, body json)');
    await expect(idsOf(table.source(BY(cursor)))).rejects.toThrow(sentence);
  });
});
