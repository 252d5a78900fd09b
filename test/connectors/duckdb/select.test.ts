import { describe, expect, it } from 'vitest';
import type { Relation } from '../../../connectors/connector.ts';
import { describeQuery } from '../../../connectors/duckdb/describe.ts';
import type { SelectRequest } from '../../../connectors/duckdb/select.ts';
import { assembleSelect } from '../../../connectors/duckdb/select.ts';
import { compileTransformations } from '../../../connectors/duckdb/transform.ts';
import type { Column } from '../../../contracts/schema.ts';
import { openSession } from '../../support/duckdb.ts';

async function selected(
  sql: string,
  target: readonly Column[] | undefined,
  options: { relation?: Partial<Relation>; schema?: readonly Column[]; request?: Partial<SelectRequest> } = {},
) {
  await using session = await openSession();
  const described = await describeQuery(session, sql);
  const columns = options.relation?.columns ?? described;
  const relation = { sql, columns, finish: async () => ({ count: 0, rows: [] }), ...options.relation };
  const schema = { columns: options.schema ?? columns, primaryKey: [] };
  const transformations = await compileTransformations([], schema.columns, session);
  const select = assembleSelect({
    relation,
    schema,
    transformations,
    target: target ?? schema.columns,
    maxBadRows: 100,
    ...options.request,
  });
  using gate = select.gate;
  gate.register(session);
  const rows = await gate.watch(() => session.rows(select.sql));
  const types = await describeQuery(session, select.sql);
  return {
    rows,
    types,
    counts: gate.counts(),
    rejected: gate.rejected(),
    sql: select.sql,
    cursor: select.highestCursor(),
  };
}

const column = (name: string, type: Column['type'], required = false): Column => ({ name, type, required });

describe('the select of a chunk', () => {
  it('adds nothing but the gate where the rows are what the table holds', async () => {
    const { sql, counts } = await selected('SELECT 1::BIGINT AS a, NULL::VARCHAR AS b', undefined);
    expect(sql).not.toMatch(/CASE|CAST|__dativo/);
    expect(counts).toEqual({ read: 1, kept: 1, violated: 0, skipped: {} });
  });

  it('gives the columns of the table, in its order and types, with null for a column that is missing', async () => {
    const target = [column('z', 'string'), column('b', 'double'), column('a', 'long')];
    const { rows, types } = await selected('SELECT 1::INTEGER AS a, 2.5::FLOAT AS b, 3 AS extra', target);
    expect(rows).toEqual([{ z: null, b: 2.5, a: '1' }]);
    expect(types).toEqual(target);
  });

  it('puts a row aside whose required column is null, with the row as it was read', async () => {
    const sql = `SELECT * FROM (VALUES (1, 'x'), (2, NULL), (NULL, NULL)) t(id, name)`;
    const target = [column('id', 'int', true), column('name', 'string', true)];
    const { rows, rejected } = await selected(sql, target, { relation: { sourceFile: "'f.csv'" } });
    expect(rows).toEqual([{ id: 1, name: 'x' }]);
    expect(rejected).toEqual([
      { sourceFile: 'f.csv', line: null, column: 'name', reason: 'REQUIRED', raw: '{"id":2,"name":null}' },
      { sourceFile: 'f.csv', line: null, column: 'id', reason: 'REQUIRED', raw: '{"id":null,"name":null}' },
    ]);
  });

  it('puts a row aside that no longer fits the type of the table, and rounds nothing', async () => {
    const sql = 'SELECT * FROM (VALUES (1.0::DOUBLE), (1.5), (1e30), (NULL)) t(n)';
    const { rows, rejected } = await selected(sql, [column('n', 'long')]);
    expect(rows).toEqual([{ n: '1' }, { n: null }]);
    expect(rejected.map(({ reason, column: name }) => `${reason} ${name}`)).toEqual(['CAST n', 'CAST n']);
  });

  it('puts a row aside whose date or time no reader can show', async () => {
    const dates = ['0001-01-01', '9999-12-31', '10000-01-01', 'infinity', '-infinity', '0044-03-15 (BC)'];
    for (const type of ['DATE', 'TIMESTAMP', 'TIMESTAMPTZ']) {
      const sql = dates.map((text) => `SELECT '${text}'::${type} AS d`).join(' UNION ALL ');
      const { rows, rejected } = await selected(`SELECT * FROM (${sql})`, undefined);
      expect(rows).toHaveLength(2);
      expect(rejected.map(({ reason }) => reason)).toEqual(Array(4).fill('OUT_OF_RANGE'));
    }
  });

  it('puts a row aside whose time is the end of its day', async () => {
    const sql = `SELECT * FROM (VALUES (TIME '23:59:59.999999'), (TIME '24:00:00'), (NULL)) t(c)`;
    const { rows, rejected } = await selected(sql, undefined);
    expect(rows).toEqual([{ c: '23:59:59.999999' }, { c: null }]);
    expect(rejected.map(({ reason }) => reason)).toEqual(['OUT_OF_RANGE']);
  });

  it('reads nested values and bytes from text, and puts aside what is not valid', async () => {
    const schema = [
      column('tags', { type: 'map', key: 'string', value: 'string', valueRequired: false }),
      column('point', { type: 'struct', fields: [column('x', 'int'), column('y', 'double')] }),
      column('list', { type: 'list', element: 'date', elementRequired: false }),
      column('bytes', 'binary'),
      column('two', 'fixed[2]'),
    ];
    const sql = `SELECT * FROM (VALUES
      ('{"a":"b"}', '{"x":1,"y":2.5}', '["2020-02-29"]', '\\x00ff', 'AAE='),
      (NULL, NULL, NULL, NULL, NULL),
      ('{"a":', NULL, NULL, NULL, NULL),
      (NULL, '{"x":"one"}', NULL, NULL, NULL),
      (NULL, NULL, '["2020-02-30"]', NULL, NULL),
      (NULL, NULL, NULL, '@@', NULL),
      (NULL, NULL, NULL, NULL, 'AAEC')) t(tags, point, list, bytes, two)`;
    const { rows, rejected } = await selected(sql, undefined, { schema });
    expect(rows).toEqual([
      {
        tags: [{ key: 'a', value: 'b' }],
        point: { x: 1, y: 2.5 },
        list: ['2020-02-29'],
        bytes: '\\x00\\xFF',
        two: '\\x00\\x01',
      },
      { tags: null, point: null, list: null, bytes: null, two: null },
    ]);
    expect(rejected.map((row) => row.column)).toEqual(['tags', 'point', 'list', 'bytes', 'two']);
  });

  it('fills a struct that the table has extended, and keeps a row aside whose field does not fit', async () => {
    const target = [column('s', { type: 'struct', fields: [column('a', 'long'), column('b', 'string')] })];
    const { rows } = await selected(`SELECT {'a': 1} AS s`, target);
    expect(rows).toEqual([{ s: { a: '1', b: null } }]);
    const bad = await selected(`SELECT {'a': 'x'} AS s`, target);
    expect(bad.rejected).toMatchObject([{ reason: 'CAST', column: 's' }]);
  });

  it('counts what a rule of the source leaves out before anything else, and does not judge it', async () => {
    const sql = `SELECT * FROM (VALUES (1, 'a'), (2, NULL), (NULL, NULL), (5, 'b')) t(id, name)`;
    const target = [column('id', 'int', true), column('name', 'string', true)];
    const { rows, counts } = await selected(sql, target, {
      relation: { skip: [{ rule: 'incremental', keep: 'id > 2' }] },
    });
    expect(rows).toEqual([{ id: 5, name: 'b' }]);
    expect(counts).toEqual({ read: 4, kept: 1, violated: 0, skipped: { incremental: 3 } });
  });

  it.each([
    ['INTEGER', '41', '7', '41'],
    ['BIGINT', '9007199254740993', '7', '9007199254740993'],
    ['DATE', '0001-01-01', '1969-12-31', '1969-12-31'],
    ['TIMESTAMP', '1969-12-31 23:59:59.999999', '1900-01-01', '1969-12-31T23:59:59.999999'],
    ['TIMESTAMPTZ', '2024-02-29 12:00:00.000001+02', '2024-02-29 09:59:59Z', '2024-02-29T10:00:00.000001Z'],
  ])('knows the highest cursor of type %s', async (type, first, second, highest) => {
    const sql = `SELECT * FROM (VALUES ('${first}'::${type}), ('${second}'::${type}), (NULL)) t(c)`;
    const { cursor } = await selected(sql, undefined, { relation: { cursorField: 'c' } });
    expect(cursor).toBe(highest);
  });
});
