import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Checkpoint, RejectedRow, Relation, Source, SourceChunk } from '../../connectors/connector.ts';
import type { GateCounts } from '../../connectors/duckdb/gate.ts';
import { assembleSelect } from '../../connectors/duckdb/select.ts';
import { compileTransformations } from '../../connectors/duckdb/transform.ts';
import { createSource, SOURCES } from '../../connectors/registry.ts';
import { sourceSchema } from '../../contracts/job-source.ts';
import type { StreamSchema } from '../../contracts/schema.ts';
import { contextIn, writeFiles } from '../support/csv.ts';
import { mariaDbTable } from '../support/database-table.ts';
import { openSession, temporaryFolder } from '../support/duckdb.ts';
import { useMariaDb } from '../support/mariadb.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const mariaDb = useMariaDb();

/** A source system that holds one object, `orders`, in two units of which each has good rows and malformed ones. */
interface Fixture {
  readonly source: Source;
  readonly goodRows: number;
  readonly badRows: number;
  /** Adds one more unit with one good row. */
  grow(): Promise<void>;
}

/** How each connector of the registry gets its fixture; a connector without one fails the suite. */
const FIXTURES: Readonly<Record<string, (folder: string) => Promise<Fixture>>> = {
  csv: async (folder) => {
    const rows = (from: number) =>
      Array.from({ length: 5000 }, (_, i) => `${from + i},name ${from + i},${i}.25\n`).join('');
    await writeFiles(folder, {
      '1.csv': `id,name,amount\n${rows(0)}1,short\n`,
      '2.csv': `id,name,amount\n${rows(5000)}x,"bad" quote,1\none,bad,1\n`,
    });
    const source = sourceSchema.parse({ path: path.join(folder, '*.csv'), types: { id: 'long' } });
    return {
      source: createSource('csv', { source, asset: 'orders' }),
      goodRows: 10_000,
      badRows: 3,
      grow: () => writeFiles(folder, { '3.csv': 'id,name,amount\n10000,new,1\n' }),
    };
  },
  mysql: async () => {
    const { run, source } = await mariaDbTable(
      mariaDb(),
      `CREATE TABLE orders (id bigint PRIMARY KEY, name varchar(200), amount varchar(20)) DEFAULT CHARSET utf8mb4;
       INSERT INTO orders SELECT seq, CONCAT('name ', seq), seq / 4 FROM seq_0_to_9999;
       INSERT INTO orders SELECT -seq, 'not a number', 'none' FROM seq_1_to_3`,
    );
    const incremental = { strategy: 'updated_after', cursor_field: 'id' };
    return {
      source: source({ chunk_mb: 1, incremental, types: { amount: 'decimal(12, 4)' } }),
      goodRows: 10_000,
      badRows: 3,
      grow: async () => void (await run(`INSERT INTO orders VALUES (10000, 'new', 1)`)),
    };
  },
  postgres: async () => {
    const url = await postgres().database();
    const run = (sql: string) => postgres().run(sql, new URL(url).pathname.slice(1));
    await run(`CREATE TABLE orders (id bigint PRIMARY KEY, name text, amount numeric(12, 2));
      INSERT INTO orders SELECT i, repeat('name ' || i, 20), i / 4.0 FROM generate_series(0, 9999) i;
      INSERT INTO orders SELECT -i, 'not a number', 'NaN' FROM generate_series(1, 3) i; ANALYZE orders`);
    const incremental = { strategy: 'updated_after', cursor_field: 'id' };
    const source = sourceSchema.parse({ connection: url, chunk_mb: 1, incremental });
    return {
      source: createSource('postgres', { source, asset: 'orders' }),
      goodRows: 10_000,
      badRows: 3,
      grow: async () => void (await run(`INSERT INTO orders VALUES (10000, 'new', 1)`)),
    };
  },
};

async function planOf(source: Source, schema: StreamSchema, folder: string, checkpoint?: Checkpoint) {
  return source.plan({ object: 'orders', schema, checkpoint, options: { mode: 'incremental' } }, contextIn(folder));
}

async function readChunk(source: Source, schema: StreamSchema, chunk: SourceChunk, scratch: string, attempt = 1) {
  await mkdir(scratch, { recursive: true });
  const context = contextIn(scratch, attempt);
  await using session = await openSession();
  const first = await source.read('orders', schema, chunk, session, context);
  const transformations = await compileTransformations([], schema.columns, session);
  const read = {
    rows: [] as Record<string, unknown>[],
    seen: [] as GateCounts[],
    putAside: 0,
    rejected: [] as RejectedRow[],
  };
  for (let relation: Relation | undefined = first; relation; relation = await relation.more?.()) {
    const select = assembleSelect({ relation, schema, transformations, target: schema.columns, maxBadRows: 100 });
    using gate = select.gate;
    gate.register(session);
    read.rows.push(...(await gate.watch(() => session.rows(select.sql))));
    const { count, rows: rejected } = await relation.finish(100, gate.counts().read);
    read.seen.push(gate.counts());
    read.putAside += count + gate.counts().violated;
    read.rejected.push(...rejected, ...gate.rejected());
  }
  const memory = await first.remember?.(undefined);
  await first.close?.();
  return { ...read, memories: memory === undefined ? [] : [memory] };
}

const json = <T>(value: T): T => JSON.parse(JSON.stringify(value));
const identity = (row: unknown) => JSON.stringify(row);

describe.each(Object.keys(SOURCES))('the %s source', (name) => {
  async function withFixture(work: (fixture: Fixture, scratch: string) => Promise<void>): Promise<void> {
    await using folder = await temporaryFolder();
    const create = FIXTURES[name];
    if (!create) throw new Error(`add a fixture for ${name}`);
    await work(await create(path.join(folder.path, 'source')), path.join(folder.path, 'scratch'));
  }

  it('can be checked, and tells its objects and their columns', () =>
    withFixture(async ({ source }, scratch) => {
      await source.check(contextIn(scratch));
      expect(await source.objects()).toEqual(['orders']);
      const { schema } = await source.describe('orders', contextIn(scratch));
      expect(schema.columns.map((column) => column.name)).toEqual(['id', 'name', 'amount']);
    }));

  it('plans the same work from the same state, as plain JSON', () =>
    withFixture(async ({ source }, scratch) => {
      const { schema } = await source.describe('orders', contextIn(scratch));
      const plan = await planOf(source, schema, scratch);
      expect(json(plan)).toEqual(plan);
      expect(await planOf(source, schema, scratch)).toEqual(plan);
    }));

  it('reads what was planned: every row once, malformed ones put aside and counted', () =>
    withFixture(async ({ source, goodRows, badRows }, scratch) => {
      const { schema } = await source.describe('orders', contextIn(scratch));
      const plan = await planOf(source, schema, scratch);
      const read = [];
      for (const chunk of json(plan.chunks)) read.push(await readChunk(source, schema, chunk, scratch));
      const rows = read.flatMap((chunk) => chunk.rows);
      expect(rows).toHaveLength(goodRows);
      expect(new Set(rows.map(identity)).size).toBe(goodRows);
      const putAside = read.reduce((sum, chunk) => sum + chunk.putAside, 0);
      expect(putAside).toBe(badRows);
      const kept = read.flatMap((chunk) => chunk.rejected);
      expect(kept).toHaveLength(badRows);
      expect(kept.every((row) => row.sourceFile !== '' && row.reason !== '' && row.raw !== '')).toBe(true);
    }));

  it('gives a retry the same rows', () =>
    withFixture(async ({ source }, scratch) => {
      const { schema } = await source.describe('orders', contextIn(scratch));
      const [chunk] = (await planOf(source, schema, scratch)).chunks;
      if (!chunk) throw new Error('no chunk');
      const first = await readChunk(source, schema, chunk, scratch);
      const second = await readChunk(source, schema, chunk, scratch, 2);
      expect(second.rows.map(identity).sort()).toEqual(first.rows.map(identity).sort());
      expect(second.seen).toEqual(first.seen);
    }));

  it('stops within a moment when it is cancelled', () =>
    withFixture(async ({ source }, scratch) => {
      await mkdir(scratch, { recursive: true });
      const { schema } = await source.describe('orders', contextIn(scratch));
      const [chunk] = (await planOf(source, schema, scratch)).chunks;
      if (!chunk) throw new Error('no chunk');
      const stop = new AbortController();
      await using session = await openSession(stop.signal);
      const relation = await source.read('orders', schema, chunk, session, contextIn(scratch, 1, stop.signal));
      const endless = session.rows(
        `SELECT count(*) FROM (${relation.sql}) a, range(1000000) b, range(1000000) c WHERE hash(a.id, b, c) = 1`,
      );
      const started = performance.now();
      setTimeout(() => stop.abort(new Error('cancelled')), 100);
      await expect(endless).rejects.toThrow('cancelled');
      expect(performance.now() - started).toBeLessThan(2000);
      await relation.close?.();
      await expect(source.read('orders', schema, chunk, session, contextIn(scratch, 1, stop.signal))).rejects.toThrow(
        'cancelled',
      );
    }));

  it('remembers through its checkpoint, as plain JSON, what has been read', () =>
    withFixture(async ({ source, grow }, scratch) => {
      const { schema } = await source.describe('orders', contextIn(scratch));
      const first = await planOf(source, schema, scratch);
      const memories = [];
      for (const chunk of first.chunks) memories.push(...(await readChunk(source, schema, chunk, scratch)).memories);
      const checkpoint = json(source.checkpointAfter(first.nextCheckpoint, undefined, memories));
      const second = await planOf(source, schema, scratch, checkpoint);
      expect(second.chunks).toEqual([]);
      expect(second.unchangedUnits).toBeGreaterThan(0);
      await grow();
      const third = await planOf(source, schema, scratch, checkpoint);
      const [chunk] = third.chunks;
      if (!chunk) throw new Error('no chunk');
      expect((await readChunk(source, schema, chunk, scratch)).rows).toHaveLength(1);
    }));
});

describe('the registry', () => {
  it('tells an unknown connector and the known ones', () => {
    const settings = { source: sourceSchema.parse({}), asset: 'orders' };
    expect(() => createSource('cvs', settings)).toThrow(/source_connector cvs; expected one of csv/);
  });
});
