import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Relation } from '../../../connectors/connector.ts';
import { describeQuery } from '../../../connectors/duckdb/describe.ts';
import { assembleSelect } from '../../../connectors/duckdb/select.ts';
import type { DuckDbSession } from '../../../connectors/duckdb/session.ts';
import { compileTransformations } from '../../../connectors/duckdb/transform.ts';
import type { TransformationInput } from '../../../contracts/job-transformations.ts';
import { transformationsSchema } from '../../../contracts/job-transformations.ts';
import type { Column } from '../../../contracts/schema.ts';
import { openSession } from '../../support/duckdb.ts';

async function relationOf(session: DuckDbSession, sql: string): Promise<Relation> {
  return { sql, columns: await describeQuery(session, sql), finish: async () => ({ count: 0, rows: [] }) };
}

/** Runs steps over the rows of a query, and tells everything that came of it. */
async function transformed(sql: string, steps: unknown, session?: DuckDbSession) {
  await using own = await openSession();
  const used = session ?? own;
  const relation = await relationOf(used, sql);
  const compiled = await compileTransformations(transformationsSchema.parse(steps), relation.columns, used);
  const schema = { columns: relation.columns, primaryKey: [] };
  const select = assembleSelect({
    relation,
    schema,
    transformations: compiled,
    target: compiled.columns,
    maxBadRows: 1000,
  });
  using gate = select.gate;
  gate.register(used);
  const rows = await gate.watch(() => used.rows(select.sql));
  expect(await describeQuery(used, select.sql)).toEqual(compiled.columns);
  return { rows, counts: gate.counts(), rejected: gate.rejected(), compiled, sql: select.sql };
}

async function refusal(
  sql: string,
  steps: readonly (TransformationInput | Record<string, unknown>)[],
): Promise<string> {
  try {
    await transformed(sql, steps);
  } catch (error) {
    expect(error).toMatchObject({ code: 'TRANSFORMATION_INVALID' });
    return error instanceof Error ? error.message : '';
  }
  throw new Error('the step was expected to be refused');
}

const names = (columns: readonly Column[]) => columns.map(({ name }) => name);

describe('transformations', () => {
  it('add a column, or replace the one of that name in its place', async () => {
    const { rows, compiled } = await transformed('SELECT 1 AS a, 2 AS b', [
      { name: 'c', type: 'sql', expression: 'a + b' },
      { name: 'double_a', type: 'sql', column: 'a', expression: 'a * 2 -- twice' },
    ]);
    expect(rows).toEqual([{ a: 2, b: 2, c: 3 }]);
    expect(names(compiled.columns)).toEqual(['a', 'b', 'c']);
  });

  it('see the columns that the step before left, and no others', async () => {
    const message = await refusal('SELECT 1 AS a, 2 AS b', [
      { type: 'rename', columns: { a: 'first' } },
      { type: 'filter', name: 'positive', expression: 'a > 0' },
    ]);
    expect(message).toContain('transformation "positive" (filter)');
    expect(message).toContain('"first", "b"');
  });

  it('select, drop and rename in any order keep each value with its name', async () => {
    const { rows } = await transformed('SELECT 1 AS a, 2 AS b, 3 AS c, 4 AS d', [
      { type: 'drop', columns: ['b'] },
      { type: 'rename', columns: { a: 'c', c: 'a' } },
      { type: 'select', columns: ['d', 'a'] },
    ]);
    expect(rows).toEqual([{ d: 4, a: 3 }]);
  });

  it('count the rows that each filter leaves out under its own name', async () => {
    const { rows, counts } = await transformed('SELECT i::INT AS i FROM range(100) t(i)', [
      { type: 'filter', name: 'even', expression: 'i % 2 = 0' },
      { type: 'sql', name: 'tenth', expression: 'i / 10.0' },
      { type: 'filter', name: 'small', expression: 'tenth < 5' },
      { type: 'filter', name: 'null_is_no', expression: 'CASE WHEN i > 40 THEN NULL ELSE true END' },
    ]);
    expect(rows).toHaveLength(21);
    expect(counts).toEqual({ read: 100, kept: 21, violated: 0, skipped: { even: 50, small: 25, null_is_no: 4 } });
  });

  it('let a window function see the rows of the run without those that a filter before it left out', async () => {
    const { rows, counts, compiled } = await transformed('SELECT i::INT AS i FROM range(10) t(i)', [
      { type: 'filter', name: 'low', expression: 'i < 6' },
      { type: 'sql', name: 'total', expression: 'sum(i) OVER ()' },
      { type: 'filter', name: 'high', expression: 'i >= 4' },
      { type: 'sql', name: 'rest', expression: 'count(*) OVER ()' },
      { type: 'filter', name: 'one', expression: 'row_number() OVER (ORDER BY i) = 1' },
    ]);
    expect(rows).toEqual([{ i: 4, total: '15', rest: '2' }]);
    expect(counts.skipped).toEqual({ low: 4, high: 4, one: 1 });
    expect(counts.read).toBe(10);
    expect(compiled.needsWholeRun).toBe(true);
  });

  it('put a row aside when an expression cannot be computed for it, and go on', async () => {
    const { rows, rejected, counts } = await transformed(
      `SELECT * FROM (VALUES (1, '10'), (2, 'ten'), (3, NULL)) t(id, text)`,
      [{ type: 'sql', name: 'number', expression: 'CAST(text AS INTEGER) + 1' }],
    );
    expect(rows).toEqual([
      { id: 1, text: '10', number: 11 },
      { id: 3, text: null, number: null },
    ]);
    expect(counts).toMatchObject({ read: 3, kept: 2, violated: 1 });
    expect(rejected).toMatchObject([{ reason: 'EXPRESSION', column: 'number', raw: '{"id":2,"text":"ten"}' }]);
  });

  it('do not put a row aside that a filter before has left out', async () => {
    const { rows, counts } = await transformed(`SELECT * FROM (VALUES ('10'), ('ten')) t(text)`, [
      { type: 'filter', name: 'digits', expression: `regexp_full_match(text, '[0-9]+')` },
      { type: 'sql', name: 'number', expression: 'text::INTEGER' },
    ]);
    expect(rows).toEqual([{ text: '10', number: 10 }]);
    expect(counts).toEqual({ read: 2, kept: 1, violated: 0, skipped: { digits: 1 } });
  });

  it('cast exactly, and put a row aside whose value does not fit', async () => {
    const { rows, rejected } = await transformed(
      `SELECT * FROM (VALUES ('1', 1.0::DOUBLE), ('x', 2.0), ('3', 2.5), (NULL, NULL)) t(a, b)`,
      [{ type: 'cast', columns: { a: 'int', b: 'long' } }],
    );
    expect(rows).toEqual([
      { a: 1, b: '1' },
      { a: null, b: null },
    ]);
    expect(rejected.map(({ reason, column }) => [reason, column])).toEqual([
      ['CAST', 'a'],
      ['CAST', 'b'],
    ]);
  });

  it('refuse a cast between types of which none can become the other', async () => {
    expect(await refusal('SELECT true AS a', [{ type: 'cast', columns: { a: 'date' } }])).toContain(
      'from boolean to date',
    );
  });

  it('mask all but the ends, and never show a value that is too short to hide', async () => {
    const { rows } = await transformed(
      `SELECT * FROM (VALUES ('4111111111111111'), ('1234'), ('é€😀xyz'), (NULL)) t(card)`,
      [{ type: 'mask', columns: ['card'], keep_first: 2, keep_last: 2 }],
    );
    expect(rows.map((row) => row['card'])).toEqual(['41************11', '****', 'é€**yz', null]);
  });

  it.each([
    // RFC 4231, test cases 2, 1 with the key as text, and 6 with a key longer than a block.
    ['Jefe', 'what do ya want for nothing?', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    ['\u000b'.repeat(20), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  ])('hash as RFC 4231 says: key %j', async (key, data, expected) => {
    const { rows } = await transformed(`SELECT '${data}' AS v, NULL::VARCHAR AS n`, [
      { type: 'hash', columns: ['v', 'n'], key },
    ]);
    expect(rows).toEqual([{ v: expected, n: null }]);
  });

  it('hash any text with any key as HMAC-SHA-256 does, and never show the key in SQL', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1, maxLength: 100, unit: 'binary' }).filter((key) => key.isWellFormed()),
        fc.string({ unit: 'grapheme', maxLength: 80 }).filter((text) => !text.includes('\0')),
        async (key, text) => {
          const literalText = `'${text.replaceAll("'", "''")}'`;
          const { rows, sql } = await transformed(`SELECT ${literalText} AS v`, [
            { type: 'hash', columns: ['v'], key },
          ]);
          expect(rows).toEqual([{ v: createHmac('sha256', key).update(text).digest('hex') }]);
          if (key.length > 8) expect(sql).not.toContain(key);
        },
      ),
      { numRuns: 15 },
    );
  }, 60_000);

  it('tell where every column of the result comes from', async () => {
    const { compiled } = await transformed(`SELECT 1 AS a, 2 AS b, 'x' AS c, 4 AS d`, [
      { name: 'ab', type: 'sql', expression: 'list_sum(list_transform([a, b], x -> x + 1))' },
      { type: 'rename', name: 'as_total', columns: { ab: 'total' } },
      { type: 'hash', name: 'hide_c', columns: ['c'], key: 'k' },
      { type: 'filter', name: 'some', expression: 'total > d' },
      { name: 'one', type: 'sql', expression: '1' },
      { type: 'select', columns: ['total', 'c', 'one', 'b'] },
    ]);
    expect(compiled.lineage).toEqual([
      { column: 'total', inputs: ['a', 'b'], steps: ['ab', 'as_total'] },
      { column: 'c', inputs: ['c'], steps: ['hide_c'] },
      { column: 'one', inputs: [], steps: ['one'] },
      { column: 'b', inputs: ['b'], steps: [] },
    ]);
    expect(compiled.filters).toEqual([{ rule: 'some', inputs: ['a', 'b', 'd'] }]);
  });

  it.each([
    ['a subquery', '(SELECT max(a) FROM range(3))', 'subquery'],
    ['a file', "(SELECT content FROM read_text('/etc/hostname'))", 'subquery'],
    ['a FROM clause', 'a FROM range(3)', 'query'],
    ['two statements', '1; SELECT 2', 'statement'],
    ['a statement that changes something', '1; DROP TABLE x', 'valid SQL'],
    ['two values', 'a, a', 'query'],
    ['an aggregate', 'sum(a)', 'aggregate sum()'],
    ['a star', '*', '*'],
    ['columns by pattern', "COLUMNS('a')", 'COLUMNS'],
    ['a parameter', '$1', 'parameter'],
    ['a session variable', "getvariable('dativo_hash_1_inner')", 'getvariable()'],
    ['a setting', "current_setting('home_directory')", 'current_setting()'],
    ['several rows', 'unnest([1, 2])', 'unnest()'],
    ['an alias', 'a AS b', 'AS'],
    ['text that is no SQL', 'a +', 'valid SQL'],
    ['a closed bracket', 'a) FROM (SELECT 1', 'valid SQL'],
    ['an open comment', 'a /*', 'valid SQL'],
    ['a DISTINCT', 'DISTINCT a', 'query'],
  ])('refuse an expression with %s', async (_, expression, reason) => {
    expect(await refusal('SELECT 1 AS a', [{ name: 'step', type: 'sql', expression }])).toContain(reason);
  });

  it('name the nearest column when a step names an unknown one', async () => {
    const sql = 'SELECT 1 AS amount, 2 AS other';
    expect(await refusal(sql, [{ type: 'drop', columns: ['amout'] }])).toContain('did you mean "amount"?');
    const step = { name: 'x', type: 'sql', expression: 'amuont + 1' };
    const message = await refusal(sql, [step]);
    expect(message).toContain('transformation "x" (sql): the unknown column "amuont"');
    expect(message).toContain('did you mean "amount"?');
  });

  it('refuse two columns whose names differ only in the case of letters', async () => {
    expect(await refusal('SELECT 1 AS a, 2 AS b', [{ name: 'A', type: 'sql', expression: 'b' }])).toContain(
      '"A" beside "a"',
    );
    expect(await refusal('SELECT 1 AS a, 2 AS b', [{ type: 'rename', columns: { a: 'B' } }])).toContain('two columns');
  });

  it('take a volatile expression as it is', async () => {
    const { rows } = await transformed('SELECT 1 AS a', [{ name: 'id', type: 'sql', expression: 'uuid()' }]);
    expect(rows[0]?.['id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('reach into structs, lists and maps', async () => {
    const { rows, compiled } = await transformed(`SELECT {'x': 1} AS s, MAP {'Team': 'ml'} AS tags`, [
      { name: 'team', type: 'sql', expression: `coalesce(tags['Team'], 'none')` },
      { name: 'missing', type: 'sql', expression: `coalesce(tags['No'], 'none')` },
      { name: 'x', type: 'sql', expression: 's.x' },
    ]);
    expect(rows).toMatchObject([{ team: 'ml', missing: 'none', x: 1 }]);
    expect(compiled.lineage.at(-1)).toEqual({ column: 'x', inputs: ['s'], steps: ['x'] });
  });
});
