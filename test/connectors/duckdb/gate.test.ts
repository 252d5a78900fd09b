import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowGate } from '../../../connectors/duckdb/gate.ts';
import { openSession } from '../../support/duckdb.ts';

describe('the row gate', () => {
  it('counts every row once by its outcome, whatever the outcomes and the threads', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 30_000 }), fc.integer({ min: 1, max: 50 }), async (rows, step) => {
        await using session = await openSession();
        using gate = new RowGate({ limit: rows });
        const [first, second] = [gate.rule('first'), gate.rule('second')];
        const check = gate.check('ODD', 'i');
        gate.register(session);
        const code = `CASE WHEN i % ${step} = 0 THEN ${first} WHEN i % 7 = 3 THEN ${second} WHEN i % 101 = 5 THEN ${check} ELSE 0 END`;
        const where = gate.sql({ code, raw: 'i::VARCHAR' });
        const kept = await gate.watch(() => session.rows(`SELECT i FROM range(${rows}) t(i) WHERE ${where}`));
        const expected = { first: 0, second: 0, violated: 0, kept: 0 };
        for (let i = 0; i < rows; i++) {
          if (i % step === 0) expected.first++;
          else if (i % 7 === 3) expected.second++;
          else if (i % 101 === 5) expected.violated++;
          else expected.kept++;
        }
        const { first: a, second: b } = expected;
        expect(gate.counts()).toEqual({
          read: rows,
          kept: expected.kept,
          violated: expected.violated,
          skipped: { first: a, second: b },
        });
        expect(kept).toHaveLength(expected.kept);
        expect(gate.rejected()).toHaveLength(expected.violated);
      }),
      { numRuns: 8 },
    );
  });

  it('is called for constant arguments, and for null ones', async () => {
    await using session = await openSession();
    using gate = new RowGate({ limit: 0 });
    gate.register(session);
    const rows = await session.rows(`SELECT count(*)::INT AS n FROM range(5000) t(i) WHERE ${gate.sql({ code: '0' })}`);
    expect(rows).toEqual([{ n: 5000 }]);
    expect(gate.counts().read).toBe(5000);
  });

  it('keeps a violating row with its reason, column, file and text', async () => {
    await using session = await openSession();
    using gate = new RowGate({ limit: 10 });
    const check = gate.check('REQUIRED', 'email');
    gate.register(session);
    const where = gate.sql({
      code: `CASE WHEN i = 2 THEN ${check} ELSE 0 END`,
      raw: "'a.csv' || chr(0) || 'row ' || i",
    });
    await session.rows(`SELECT i FROM range(4) t(i) WHERE ${where}`);
    expect(gate.rejected()).toEqual([
      { sourceFile: 'a.csv', line: null, column: 'email', reason: 'REQUIRED', raw: 'row 2' },
    ]);
  });

  it('stops the query when more rows violate than the limit allows, without a value in the error', async () => {
    await using session = await openSession();
    using gate = new RowGate({ limit: 10 });
    const check = gate.check('CAST', 'amount');
    gate.register(session);
    const where = gate.sql({ code: `CASE WHEN i >= 100 THEN ${check} ELSE 0 END`, raw: "'secret ' || i" });
    const work = gate.watch(() => session.rows(`SELECT i FROM range(1000000) t(i) WHERE ${where}`));
    await expect(work).rejects.toMatchObject({ code: 'TOO_MANY_BAD_ROWS' });
    await expect(work).rejects.not.toThrow(/secret/);
    expect(gate.rejected()).toHaveLength(10);
    expect(await session.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('stops the query when the violating rows are too large to keep', async () => {
    await using session = await openSession();
    using gate = new RowGate({ limit: 1000, maxRawBytes: 10_000 });
    const check = gate.check('CAST', null);
    gate.register(session);
    const where = gate.sql({ code: `${check}`, raw: "repeat('x', 1000)" });
    await expect(gate.watch(() => session.rows(`SELECT i FROM range(100) t(i) WHERE ${where}`))).rejects.toMatchObject({
      code: 'TOO_MANY_BAD_ROWS',
    });
  });

  it('knows the highest cursor of the rows that stay, and no other', async () => {
    await using session = await openSession();
    using gate = new RowGate({ limit: 0 });
    const rule = gate.rule('small');
    gate.register(session);
    const where = gate.sql({
      code: `CASE WHEN i > 7000 THEN ${rule} ELSE 0 END`,
      cursor: 'CASE WHEN i % 2 = 0 THEN i - 9000 END',
    });
    await session.rows(`SELECT i FROM range(10000) t(i) WHERE ${where}`);
    expect(gate.highestCursor()).toBe(-2000n);
  });

  it('tells how many rows it has seen while the query runs', async () => {
    await using session = await openSession();
    const seen: number[] = [];
    using gate = new RowGate({ limit: 0, onProgress: (rows) => seen.push(rows) });
    gate.register(session);
    await session.rows(`SELECT count(*) FROM range(100000) t(i) WHERE ${gate.sql({ code: '0' })}`);
    expect(seen.length).toBeGreaterThan(10);
    expect(seen.at(-1)).toBe(100_000);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it('counts a row once when it passes an earlier gate before the last one', async () => {
    await using session = await openSession();
    using gate = new RowGate({ limit: 0 });
    const [odd, large] = [gate.rule('odd'), gate.rule('large')];
    gate.register(session);
    const first = gate.passSql({ code: `CASE WHEN i % 2 = 1 THEN ${odd} ELSE 0 END` });
    const last = gate.sql({ code: `CASE WHEN i >= 500 THEN ${large} ELSE 0 END` });
    const rows = await session.rows(
      `SELECT i, n FROM (SELECT i, count(*) OVER () AS n FROM range(1000) t(i) WHERE ${first}) WHERE ${last}`,
    );
    expect(rows).toHaveLength(250);
    expect(rows[0]?.['n']).toBe('500');
    expect(gate.counts()).toEqual({ read: 1000, kept: 250, violated: 0, skipped: { odd: 500, large: 250 } });
  });
});
