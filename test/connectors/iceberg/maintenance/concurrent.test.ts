import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeParquet } from '../../../../connectors/duckdb/parquet-file.ts';
import { IcebergSink } from '../../../../connectors/iceberg/sink.ts';
import type { SinkChange } from '../../../../connectors/sink.ts';
import { DativoError } from '../../../../contracts/errors.ts';
import type { StreamSchema } from '../../../../contracts/schema.ts';
import { openSession } from '../../../support/duckdb.ts';
import { Judge } from '../../../support/judge.ts';
import { TestLake } from '../../../support/lake.ts';
import { maintainAll, maintained } from '../../../support/maintenance.ts';

const EVENTS: StreamSchema = {
  columns: [
    { name: 'id', type: 'long', required: true },
    { name: 'version', type: 'long', required: true },
  ],
  primaryKey: ['id'],
};
/** Upserts share these keys; the highest version of each has to be there in the end, whoever was last. */
const SHARED_KEYS = 8;
const RULE = { key: ['id'], latestBy: 'version' };

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

/** The runs that go on, as Temporal would tell a maintenance. */
type Running = Set<string>;

interface Batch {
  readonly upserts: boolean;
  readonly keys: readonly number[];
  readonly version: number;
  readonly pauseMs: number;
}

/** Stages a batch and commits it, from the start again whenever the table has changed under it. */
async function write(lake: TestLake, running: Running, { upserts, keys, version }: Batch): Promise<void> {
  const select = `SELECT unnest([${keys.join(', ')}])::BIGINT AS id, ${version}::BIGINT AS version`;
  for (;;) {
    const runId = randomUUID();
    running.add(runId);
    const sink = new IcebergSink({ storage: lake.storage, warehouse: lake.warehouse });
    await using session = await openSession();
    try {
      const table = await sink.open('shop', 'events');
      const plan = table.prepare(EVENTS, { evolve: false });
      const options = { storage: lake.storage, fileSizeBytes: 1e8 };
      const files = await writeParquet(session, select, plan.fileSchema, table.dataFolder(runId, 'c00000', 1), options);
      let change: SinkChange = { plan, mode: 'append', files };
      if (upserts) {
        const folder = table.dataFolder(runId, 'merge1', 1);
        const merged = await sink.merge(session, {
          plan,
          rule: RULE,
          files,
          replace: false,
          folder,
          fileSizeBytes: 1e8,
        });
        const base = { ...plan.base, snapshotId: merged.baseSnapshotId };
        change = { plan: { ...plan, base }, mode: 'merge', files: merged.files, removed: merged.removed };
      }
      await sink.commit(runId, [change]);
      await sink.sweep(runId, [plan]);
      return;
    } catch (error) {
      unlessTableChanged(error);
      await sink.sweep(runId, [{ namespace: 'shop', table: 'events' }]);
    } finally {
      sink.close();
      running.delete(runId);
    }
  }
}

function unlessTableChanged(error: unknown): void {
  if (!(error instanceof DativoError) || error.code !== 'TABLE_CHANGED') throw error;
}

/** Maintains the table again and again, with everything expiring at once, until the writers are done. */
async function maintain(lake: TestLake, running: Running, done: AbortSignal): Promise<number> {
  let rounds = 0;
  while (!done.aborted) {
    const runId = randomUUID();
    running.add(runId);
    await using table = await maintained(lake, 'events', { runId });
    const settings = { targetFileBytes: 50_000, orphansOlderThanMs: 2_000, runningRuns: () => [...running] };
    // The other one has rewritten the files before this one came to it: they are left to the next round.
    await maintainAll(table, settings).catch(unlessTableChanged);
    running.delete(runId);
    rounds += 1;
    await sleep(10);
  }
  return rounds;
}

/** Like `Promise.all`, but nothing is under way any more when it fails. */
async function allOf<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

describe('two maintenances beside writers that append and upsert', () => {
  const batch = fc.record({
    upserts: fc.boolean(),
    keys: fc.uniqueArray(fc.nat(SHARED_KEYS - 1), { minLength: 1 }),
    pauseMs: fc.nat(30),
  });
  const writers = fc.array(fc.array(batch, { minLength: 3, maxLength: 6 }), { minLength: 2, maxLength: 4 });

  test('lose nothing, double nothing, and leave every reference whole and no file besides', async () => {
    await fc.assert(
      fc.asyncProperty(writers, async (batches) => {
        await using lake = await TestLake.create();
        await lake.write('events', EVENTS, 'SELECT -1::BIGINT AS id, 0::BIGINT AS version');
        const running: Running = new Set();
        const expected = new Map([[-1, 0]]);
        let appended = SHARED_KEYS;
        let version = 0;
        const work = batches.map((own) =>
          own.map((given): Batch => {
            version += 1;
            // What is appended has keys of its own: an append does not look for those that are there.
            const keys = given.upserts ? given.keys : given.keys.map(() => appended++);
            for (const key of keys) expected.set(key, Math.max(version, expected.get(key) ?? 0));
            return { ...given, keys, version };
          }),
        );
        const done = new AbortController();
        const maintenances = [1, 2].map(() => maintain(lake, running, done.signal));
        const writing = work.map(async (own) => {
          for (const one of own) {
            await write(lake, running, one);
            await sleep(one.pauseMs);
          }
        });
        await Promise.allSettled(writing);
        done.abort();
        const rounds = await allOf(maintenances);
        await allOf(writing);
        expect(Math.min(...rounds)).toBeGreaterThan(0);
        await using table = await maintained(lake, 'events');
        await maintainAll(table, { targetFileBytes: 50_000 });

        const judged = judge.of(lake.folder);
        const found = (await judged.rows('shop.events')).map((row) => [Number(row['id']), Number(row['version'])]);
        const order = (a: readonly number[], b: readonly number[]) => (a[0] ?? 0) - (b[0] ?? 0);
        expect(found.toSorted(order)).toEqual([...expected].toSorted(order));
        const { references } = await judged.history('shop.events');
        const files = await lake.storage.list(`${lake.warehouse}/shop/events`);
        expect(files.map(({ uri }) => uri).toSorted()).toEqual(references);
      }),
      { numRuns: 4, endOnFailure: true },
    );
  }, 600_000);
});
