import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogOf } from '../../../connectors/iceberg/open-catalog.ts';
import { catalogSchema } from '../../../contracts/job-catalog.ts';
import { CatalogLake, localLake, postgres, sqlite } from '../../support/catalogs.ts';
import { startCutProxy } from '../../support/cut-proxy.ts';
import { temporaryFolder } from '../../support/duckdb.ts';
import { Judge } from '../../support/judge.ts';
import { change } from '../../support/lake.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';
import { POSTGRES_PASSWORD, usePostgres } from '../../support/postgres.ts';
import { describeCatalog } from './catalog-laws.ts';

const server = usePostgres();
const inPostgres = postgres(() => server().database());

describeCatalog('a SQLite catalog', sqlite, { createsWithRows: true, keepsHistory: true });
describeCatalog('a Postgres catalog', inPostgres, { createsWithRows: true, keepsHistory: true });

describe('a commit through a Postgres catalog', () => {
  let judge: Judge;
  beforeAll(async () => {
    judge = await Judge.start();
  }, 300_000);
  afterAll(() => judge[Symbol.asyncDispose]());

  test('whose last answer is lost is found to have landed, and stands once', async () => {
    await using proxy = await startCutProxy(server().port);
    const throughProxy = postgres(async () => (await server().database()).replace(/:\d+\//, `:${proxy.port}/`));
    await using lake = await CatalogLake.create(throughProxy, judge);
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const staged = await lake.stage('numbers', NUMBERS, numbers(1, 2));
    proxy.loseAnswerTo('COMMIT');
    const [receipt] = await lake.lake.sink.commit(staged.runId, [change(staged)]);
    expect(receipt).toMatchObject({ rows: 1, alreadyCommitted: false });
    expect(await lake.numbers('numbers')).toEqual([0, 1]);
    expect((await lake.judged.describe(lake.label('numbers'))).snapshots).toHaveLength(2);
  });

  test('whose connection the server ends before the last step leaves nothing behind', async () => {
    await using lake = await CatalogLake.create(inPostgres, judge);
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    const before = await lake.files('numbers');
    const staged = await lake.stage('numbers', NUMBERS, numbers(1, 2));
    const endOfSession = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                          WHERE application_name = 'dativo' AND state = 'idle in transaction'`;
    const sink = lake.sink({
      reached: async (point) => {
        if (point === 'catalog-moving') await server().run(endOfSession);
      },
    });
    await expect(sink.commit(staged.runId, [change(staged)])).rejects.toMatchObject({ code: 'CATALOG_UNAVAILABLE' });
    const data = staged.files.map(({ uri }) => uri.slice(uri.indexOf('/data/') + 1));
    expect(await lake.files('numbers')).toEqual([...before, ...data].toSorted());
    expect(await lake.numbers('numbers')).toEqual([0]);
  });

  test('goes on when the server was started again in between', async () => {
    await using lake = await CatalogLake.create(inPostgres, judge);
    await lake.write('numbers', NUMBERS, numbers(0, 1));
    await server().stop();
    await server().start();
    const reader = await lake.reader();
    expect(await reader.snapshots(lake.name('numbers'))).toHaveLength(1);
    reader.close();
  });
});

describe('a Postgres catalog', () => {
  const refusal = async (uri: string) => {
    await using folder = await temporaryFolder();
    const provider = catalogOf(catalogSchema.parse({ type: 'sql', uri }), localLake(folder.path));
    const error = await provider.open().catch((thrown: unknown) => thrown);
    expect(String(error)).not.toContain(POSTGRES_PASSWORD);
    return error;
  };

  test('that cannot be used says why in one sentence, and never its password', async () => {
    const uri = await server().database();
    const { pathname } = new URL(uri);
    expect(await refusal(uri.replace(`:${POSTGRES_PASSWORD}@`, ':wrong@'))).toMatchObject({ code: 'CATALOG_DENIED' });
    expect(await refusal(uri.replace(pathname, '/nowhere'))).toMatchObject({ code: 'CATALOG_NOT_FOUND' });
    expect(await refusal(uri.replace(`:${server().port}/`, ':1/'))).toMatchObject({ code: 'CATALOG_UNAVAILABLE' });
    expect(await refusal('postgresql://localhost')).toMatchObject({ code: 'CATALOG_NOT_FOUND' });
    expect(await refusal(`${uri}?sslmode=verify-full`)).toMatchObject({ code: 'CATALOG_UNAVAILABLE' });
  });

  test('is not made of tables that mean something else, nor by a user without rights', async () => {
    const uri = await server().database();
    const name = new URL(uri).pathname.slice(1);
    await server().run('CREATE TABLE iceberg_tables (id int)', name);
    expect(await refusal(uri)).toMatchObject({ code: 'TABLE_NOT_OURS' });

    const other = await server().database();
    await server().run(`CREATE USER reader_${name} PASSWORD '${POSTGRES_PASSWORD}'`);
    expect(await refusal(other.replace('//owner:', `//reader_${name}:`))).toMatchObject({ code: 'CATALOG_DENIED' });
  });

  test('may be one of several in its database', async () => {
    await using folder = await temporaryFolder();
    const uri = await server().database();
    const open = (name: string) =>
      catalogOf(catalogSchema.parse({ type: 'sql', uri, name }), localLake(folder.path)).open();
    await server().run(
      `INSERT INTO iceberg_tables VALUES ('one', 'shop', 'orders', 'file:///nowhere', NULL, 'TABLE')`,
      (await open('one').then(() => new URL(uri).pathname)).slice(1),
    );
    expect(await (await open('one')).tables('shop')).toEqual(['orders']);
    expect(await (await open('two')).tables('shop')).toEqual([]);
  });
});
