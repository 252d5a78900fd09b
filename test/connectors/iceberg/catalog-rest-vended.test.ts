import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RoutingStorage } from '../../../connectors/storage/routing.ts';
import type { S3Credentials } from '../../../connectors/storage/s3-client.ts';
import { catalogSchema } from '../../../contracts/job-catalog.ts';
import type { CatalogFront, FrontAnswer, FrontRequest } from '../../support/catalog-front.ts';
import { startCatalogFront } from '../../support/catalog-front.ts';
import type { CatalogKind } from '../../support/catalogs.ts';
import { CatalogLake, s3Properties } from '../../support/catalogs.ts';
import { temporaryFolder } from '../../support/duckdb.ts';
import { useIcebergRest } from '../../support/iceberg-rest.ts';
import { Judge } from '../../support/judge.ts';
import { change } from '../../support/lake.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';
import { useS3 } from '../../support/s3.ts';
import { S3Accounts } from '../../support/s3-accounts.ts';

vi.setConfig({ testTimeout: 60_000 });
const s3 = useS3({ hasAccounts: true });
const server = useIcebergRest(s3);
let judge: Judge;
let accounts: S3Accounts;
beforeAll(async () => {
  judge = await Judge.start();
  accounts = await S3Accounts.of(s3());
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

/** Where a lender's answer has them: for each prefix, or in the table's configuration. */
type Place = 'storage-credentials' | 'config';

interface Lending extends AsyncDisposable {
  readonly lake: CatalogLake;
  readonly storage: RoutingStorage;
  /** Another one with the keys of the job itself, which open nothing but Dativo's own folder. */
  readonly unaided: RoutingStorage;
  /** URI of the folder of the lake's tables. */
  readonly tables: string;
  /** How often somebody was lent something. */
  readonly lent: () => number;
  /** The keys that were lent so far are worth nothing from now on, to nobody. */
  readonly expire: () => void;
}

let files = 0;

/** A lake whose catalog lends keys that open its tables. They are told to live for `livesMs`, or nothing is told. */
async function lendingLake({ place = 'storage-credentials' as Place, livesMs = 0 } = {}): Promise<Lending> {
  await using stack = new AsyncDisposableStack();
  files += 1;
  const name = (kind: string) => `${kind}-${files}`;
  const keys = [1, 2, 3].map((n) => accounts.create(`${name('lent')}-${n}`));
  const ownKeys = accounts.create(name('own'));
  const bucket = await s3().bucket();
  await accounts.allow(bucket, [
    { who: [ownKeys.accessKeyId], folder: 'wh/_dativo/', lists: false },
    { who: keys.map(({ accessKeyId }) => accessKeyId), folder: 'wh/shop', lists: true },
  ]);
  let lent = 0;
  const lend = (request: FrontRequest, answer: FrontAnswer): FrontAnswer => {
    const isAsked = request.headers['x-iceberg-access-delegation'] === 'vended-credentials';
    if (!isAsked || answer.status !== 200 || !/\/tables(\/[^/]+)?$/.test(request.path)) return answer;
    const body = answer.body as { config?: object; metadata?: { location: string } };
    const [current] = keys;
    if (body.metadata === undefined || current === undefined) return answer;
    lent += 1;
    return { ...answer, body: { ...body, ...lentBy(place, body.metadata.location, current, livesMs) } };
  };
  const front = stack.use(await startCatalogFront(server().uri, { change: lend }));
  const { endpoint, region } = s3();
  const ownStorage = () => new RoutingStorage({ endpoint, region, credentials: ownKeys });
  const storage = ownStorage();
  const warehouse = `s3://${bucket}/wh`;
  const lake = stack.use(await CatalogLake.create(behind(front, storage, warehouse), judge));
  const running = stack.move();
  return {
    lake,
    storage,
    unaided: ownStorage(),
    tables: `${warehouse}/${lake.namespace}`,
    lent: () => lent,
    expire: () => accounts.remove(keys.shift()?.accessKeyId ?? ''),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function behind(front: CatalogFront, storage: RoutingStorage, warehouse: string): CatalogKind {
  return async () => ({
    lake: { storage, warehouse },
    spec: catalogSchema.parse({ type: 'rest', uri: front.uri, vended_credentials: true }),
    pyiceberg: { type: 'rest', uri: server().uri, ...s3Properties(s3()) },
  });
}

function lentBy(place: Place, location: string, { accessKeyId, secretAccessKey }: S3Credentials, livesMs: number) {
  const config = {
    's3.access-key-id': accessKeyId,
    's3.secret-access-key': secretAccessKey,
    ...(livesMs === 0 ? {} : { 's3.session-token-expires-at-ms': String(Date.now() + livesMs) }),
  };
  return place === 'config' ? { config } : { 'storage-credentials': [{ prefix: location, config }] };
}

describe('a catalog that lends the keys to its tables', () => {
  test.each(['storage-credentials', 'config'] as const)(
    'in its %s opens them for whoever writes and reads, with keys of his own that do not',
    async (place) => {
      await using lending = await lendingLake({ place });
      const { lake, unaided, tables } = lending;
      await lake.write('numbers', NUMBERS, numbers(0, 3));
      await lake.write('numbers', NUMBERS, numbers(3, 5));
      await lake.write('numbers', NUMBERS, numbers(7, 8), { mode: 'replace' });
      expect(await lake.numbers('numbers')).toEqual([7]);
      const reader = await lake.reader();
      expect(await reader.snapshots(lake.name('numbers'))).toHaveLength(3);
      reader.close();

      await expect(unaided.list(`${tables}/numbers`)).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
    },
  );

  test('is asked for them before a table is there, and the run that creates it is swept like any other', async () => {
    await using lending = await lendingLake();
    const { lake } = lending;
    const dead = await lake.stage('numbers', NUMBERS, numbers(0, 3));
    expect((await lake.files('numbers')).filter((file) => file.startsWith('data/'))).toHaveLength(1);
    expect(await (await lake.reader()).tables(lake.namespace)).toEqual([]);
    expect(await lake.sink().sweep(dead.runId, [dead.plan])).toMatchObject({ files: 1 });
    expect(await lake.files('numbers')).toEqual([]);
  });

  test('lends each table its own', async () => {
    await using lending = await lendingLake();
    const { lake, storage, tables } = lending;
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    await expect(storage.read(`${tables}/numbers_old/metadata/1`)).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
  });
});

describe('keys that were lent and have come to their end', () => {
  test.each(['storage-credentials', 'config'] as const)(
    'without a word are asked for again when the store refuses them, and the run goes on (%s)',
    async (place) => {
      await using lending = await lendingLake({ place });
      const { lake, expire } = lending;
      await lake.write('numbers', NUMBERS, numbers(0, 1));
      const staged = await lake.stage('numbers', NUMBERS, numbers(1, 2));
      const young = await lake.stage('young', NUMBERS, numbers(1, 2), { runId: staged.runId });
      const sink = lake.sink({
        reached: (point) => {
          if (point === 'manifests-written') expire();
        },
      });
      await sink.commit(staged.runId, [change(staged)]);
      await lake.sink().commit(young.runId, [change(young)]);
      expect([await lake.numbers('numbers'), await lake.numbers('young')]).toEqual([[0, 1], [1]]);
      expect((await lake.judged.describe(lake.label('numbers'))).snapshots).toHaveLength(2);
    },
  );

  test('in the middle of a large upload are renewed, and the file is whole', async () => {
    await using lending = await lendingLake();
    await using folder = await temporaryFolder();
    const { lake, storage, tables, expire, lent } = lending;
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const before = lent();
    const scratchFolder = path.join(folder.path, 'scratch');
    await mkdir(scratchFolder);
    let parts = 0;
    const onProgress = () => {
      parts += 1;
      if (parts === 1) expire();
    };
    const signal = new AbortController().signal;
    const staging = await storage.stage(`${tables}/numbers/data/x`, { signal, scratchFolder, onProgress });
    const content = Buffer.alloc(80 * 1_048_576, 'some bytes, ');
    await writeFile(path.join(staging.path, 'large'), content);
    await staging.finish(['large']);
    expect(parts).toBeGreaterThan(1);
    expect(lent()).toBeGreaterThan(before);
    const back = await storage.read(`${tables}/numbers/data/x/large`);
    expect(back?.equals(content)).toBe(true);
  });

  test('as they said are renewed before that, and those of a table that was only planned too', async () => {
    await using lending = await lendingLake({ livesMs: 1000 });
    const { lake, storage, tables, expire, lent } = lending;
    const staged = await lake.stage('numbers', NUMBERS, numbers(0, 2));
    const before = lent();
    await sleep(1000);
    expire();
    expect(await storage.list(`${tables}/numbers/data`)).toHaveLength(1);
    expect(lent()).toBe(before + 1);
    await lake.lake.sink.commit(staged.runId, [change(staged)]);
    expect(await lake.numbers('numbers')).toEqual([0, 1]);
  });

  test('and are not renewed end the run in one sentence', async () => {
    await using lending = await lendingLake();
    const { lake, expire } = lending;
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    for (let n = 0; n < 3; n += 1) expire();
    await expect(lake.write('numbers', NUMBERS, numbers(1, 2))).rejects.toMatchObject({
      code: 'STORAGE_KEYS_REFUSED',
    });
  });
});

test('a catalog that lends nothing leaves everything to the keys of the job', async () => {
  await using front = await startCatalogFront(server().uri, {});
  const storage = new RoutingStorage(s3().settings);
  await using lake = await CatalogLake.create(behind(front, storage, `s3://${await s3().bucket()}/wh`), judge);
  await lake.write('numbers', NUMBERS, numbers(0, 3));
  expect(await lake.numbers('numbers')).toEqual([0, 1, 2]);
});
