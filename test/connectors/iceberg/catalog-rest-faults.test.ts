import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { catalogSchema } from '../../../contracts/job-catalog.ts';
import { startCatalogFront } from '../../support/catalog-front.ts';
import type { CatalogKind } from '../../support/catalogs.ts';
import { CatalogLake, localLake, rest } from '../../support/catalogs.ts';
import type { Call, Fault } from '../../support/faulty-proxy.ts';
import { startFaultyProxy } from '../../support/faulty-proxy.ts';
import { useIcebergRest } from '../../support/iceberg-rest.ts';
import { Judge } from '../../support/judge.ts';
import { change } from '../../support/lake.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';

vi.setConfig({ testTimeout: 60_000 });
const server = useIcebergRest();
let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

/** A lake whose writes go through an address of their own, and PyIceberg's questions straight to the server. */
function through(uri: string, settings: object = {}): CatalogKind {
  return async (folder) => ({
    lake: localLake(folder),
    spec: catalogSchema.parse({ type: 'rest', uri, timeout_seconds: 2, ...settings }),
    pyiceberg: { type: 'rest', uri: server().uri },
  });
}

const FAULTS: readonly Fault[] = ['refused', 'cut before', 'answer lost', 'failed after', 'cut within', 'stalled'];

describe('a commit through a catalog that fails', () => {
  const isCommit = ({ method, url }: Call) =>
    method === 'POST' && (/\/tables\/\w+$/.test(url) || url.endsWith('/transactions/commit'));

  /** Fails the nth commit that is sent, and no other call. */
  async function withFault(fault: Fault, nth: number, work: (lake: CatalogLake) => Promise<void>): Promise<void> {
    let commits = 0;
    let armed = false;
    await using proxy = await startFaultyProxy(server().uri, (call) => {
      if (!armed || !isCommit(call)) return undefined;
      commits += 1;
      return commits === nth ? fault : undefined;
    });
    await using lake = await CatalogLake.create(through(proxy.url), judge);
    await lake.write('old', NUMBERS, numbers(0, 1));
    await lake.write('beside', NUMBERS, numbers(0, 1));
    armed = true;
    await work(lake);
    expect(proxy.faults).toEqual([fault]);
  }

  test.each(FAULTS)('in the way "%s" stands exactly once', (fault) =>
    withFault(fault, 1, async (lake) => {
      const staged = await lake.stage('old', NUMBERS, numbers(1, 3));
      const [receipt] = await lake.lake.sink.commit(staged.runId, [change(staged)]);
      expect(receipt).toMatchObject({ rows: 2, alreadyCommitted: false });
      expect(await lake.numbers('old')).toEqual([0, 1, 2]);
      expect((await lake.judged.describe(lake.label('old'))).snapshots).toHaveLength(2);
      await lake.lake.sink.sweep(staged.runId, [staged.plan]);
      expect((await lake.files('old')).filter((file) => file.startsWith('data/'))).toHaveLength(2);
      expect(await lake.numbers('old')).toEqual([0, 1, 2]);
    }),
  );

  test.each(FAULTS)('in the way "%s" while it makes two tables visible, stands in both exactly once', (fault) =>
    withFault(fault, 1, async (lake) => {
      const staged = await lake.stage('old', NUMBERS, numbers(1, 3));
      const beside = await lake.stage('beside', NUMBERS, numbers(1, 2), { runId: staged.runId });
      const receipts = await lake.lake.sink.commit(staged.runId, [change(staged), change(beside)]);
      expect(receipts.map(({ rows }) => rows)).toEqual([2, 1]);
      expect(await lake.numbers('old')).toEqual([0, 1, 2]);
      expect(await lake.numbers('beside')).toEqual([0, 1]);
      for (const table of ['old', 'beside']) {
        expect((await lake.judged.describe(lake.label(table))).snapshots).toHaveLength(2);
      }
    }),
  );

  test.each(FAULTS)('in the way "%s" while it creates a table, stands exactly once', (fault) =>
    withFault(fault, 1, async (lake) => {
      const staged = await lake.stage('young', NUMBERS, numbers(1, 3));
      await lake.lake.sink.commit(staged.runId, [change(staged)]);
      expect(await lake.numbers('young')).toEqual([1, 2]);
      expect((await lake.judged.describe(lake.label('young'))).snapshots).toHaveLength(1);
    }),
  );
});

describe('a commit to two tables through a catalog that commits one table at a time', () => {
  /** Says nothing of transactions, and refuses the commit to one table as long as it is told to. */
  async function withoutTransactions(
    work: (lake: CatalogLake, refuse: (table: string | undefined) => void) => Promise<void>,
  ): Promise<void> {
    let refused: string | undefined;
    await using front = await startCatalogFront(server().uri, {
      answer: ({ method, path }) => {
        if (method !== 'POST' || refused === undefined || !path.endsWith(`/tables/${refused}`)) return undefined;
        return { status: 400, body: { error: { message: 'no', type: 'BadRequestException', code: 400 } } };
      },
      change: ({ path }, answer) => {
        if (!path.endsWith('/v1/config')) return answer;
        const config = answer.body as { endpoints: string[] };
        const endpoints = config.endpoints.filter((endpoint) => !endpoint.includes('/transactions/'));
        return { ...answer, body: { ...config, endpoints } };
      },
    });
    await using lake = await CatalogLake.create(through(front.uri), judge);
    await lake.write('target', NUMBERS, numbers(0, 1));
    await lake.write('quarantine', NUMBERS, numbers(0, 1));
    await work(lake, (table) => {
      refused = table;
    });
    expect(front.requests.some(({ path }) => path.includes('transactions'))).toBe(false);
  }

  const stageBoth = async (lake: CatalogLake, runId?: string) => {
    const target = await lake.stage('target', NUMBERS, numbers(1, 2), runId === undefined ? {} : { runId });
    const quarantine = await lake.stage('quarantine', NUMBERS, numbers(1, 2), { runId: target.runId });
    return { runId: target.runId, changes: [change(target), change(quarantine)] };
  };

  test('makes the quarantine visible first, and goes on there when it is repeated', () =>
    withoutTransactions(async (lake, refuse) => {
      const { runId, changes } = await stageBoth(lake);
      refuse('target');
      await expect(lake.lake.sink.commit(runId, changes)).rejects.toMatchObject({ code: 'CATALOG_REFUSED' });
      expect([await lake.numbers('target'), await lake.numbers('quarantine')]).toEqual([[0], [0, 1]]);
      refuse(undefined);
      const receipts = await lake.lake.sink.commit(runId, changes);
      expect(receipts.map(({ alreadyCommitted }) => alreadyCommitted)).toEqual([false, true]);
      expect([await lake.numbers('target'), await lake.numbers('quarantine')]).toEqual([
        [0, 1],
        [0, 1],
      ]);
    }));

  test('makes nothing visible when the quarantine is refused', () =>
    withoutTransactions(async (lake, refuse) => {
      const { runId, changes } = await stageBoth(lake);
      refuse('quarantine');
      await expect(lake.lake.sink.commit(runId, changes)).rejects.toMatchObject({ code: 'CATALOG_REFUSED' });
      expect([await lake.numbers('target'), await lake.numbers('quarantine')]).toEqual([[0], [0]]);
    }));
});

describe('a run that is taken for dead while its commit is on its way', () => {
  test('is fenced by an empty snapshot that names it, and only then', async () => {
    await using lake = await CatalogLake.create(
      rest(() => server().uri),
      judge,
    );
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const idle = await lake.stage('numbers', NUMBERS, numbers(1, 2));
    expect((await lake.sink().sweep(idle.runId, [idle.plan])).files).toBe(1);
    const summaries = async () =>
      (await lake.judged.describe(lake.label('numbers'))).snapshots.map((one) => one.summary);
    expect(await summaries()).toHaveLength(1);

    const staged = await lake.stage('numbers', NUMBERS, numbers(1, 2));
    const zombie = lake.sink({
      reached: async (point) => {
        if (point === 'catalog-moving') await lake.sink().sweep(staged.runId, [staged.plan]);
      },
    });
    await expect(zombie.commit(staged.runId, [change(staged)])).rejects.toMatchObject({ code: 'TABLE_CHANGED' });
    expect((await summaries()).map((summary) => summary['dativo.fence-of'])).toEqual([undefined, staged.runId]);
    expect(await lake.numbers('numbers')).toEqual([0]);
    await lake.write('numbers', NUMBERS, numbers(1, 2));
    expect(await lake.numbers('numbers')).toEqual([0, 1]);
  });
});

describe('a catalog that was stopped and started again', () => {
  test('is asked again, and nothing is lost or doubled', async () => {
    await using lake = await CatalogLake.create(
      rest(() => server().uri),
      judge,
    );
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const staged = await lake.stage('numbers', NUMBERS, numbers(1, 2));
    await server().kill();
    await expect(lake.lake.sink.commit(staged.runId, [change(staged)])).rejects.toMatchObject({
      code: 'CATALOG_UNAVAILABLE',
    });
    await server().start();
    await lake.lake.sink.commit(staged.runId, [change(staged)]);
    expect(await lake.numbers('numbers')).toEqual([0, 1]);
  }, 120_000);
});
