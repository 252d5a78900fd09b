import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogOf } from '../../../connectors/iceberg/open-catalog.ts';
import type { IcebergSink } from '../../../connectors/iceberg/sink.ts';
import { S3Storage } from '../../../connectors/storage/s3.ts';
import { catalogSchema } from '../../../contracts/job-catalog.ts';
import { CatalogLake, nessie } from '../../support/catalogs.ts';
import { Judge } from '../../support/judge.ts';
import { change } from '../../support/lake.ts';
import { useNessie } from '../../support/nessie.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';
import { useS3 } from '../../support/s3.ts';
import { describeCatalog } from './catalog-laws.ts';

const s3 = useS3();
const server = useNessie(s3);

describeCatalog('Nessie', nessie(server, s3), { createsWithRows: false, keepsHistory: false });

describe('a reference of Nessie', () => {
  let judge: Judge;
  beforeAll(async () => {
    judge = await Judge.start();
  }, 300_000);
  afterAll(() => judge[Symbol.asyncDispose]());

  async function makeReference(name: string, type: 'BRANCH' | 'TAG'): Promise<void> {
    const main = (await (await fetch(`${server().api}/trees/main`)).json()) as { reference: object };
    const response = await fetch(`${server().api}/trees?name=${name}&type=${type}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(main.reference),
    });
    expect(response.status).toBe(200);
  }

  const providerOf = (settings: object) =>
    catalogOf(catalogSchema.parse({ type: 'nessie', uri: server().uri, ...settings }), {
      storage: new S3Storage(s3().settings),
      warehouse: server().warehouse,
    });

  async function commit(lake: CatalogLake, sink: IcebergSink, from: number): Promise<void> {
    const staged = await lake.stage('numbers', NUMBERS, numbers(from, from + 1));
    await sink.commit(staged.runId, [change(staged)]);
  }

  async function rowsAt(lake: CatalogLake, ref: string): Promise<number[]> {
    const judged = judge.ofCatalog({ ...lake.pyiceberg, uri: `${server().uri}/${ref}` });
    return (await judged.rows(lake.label('numbers'))).map((row) => Number(row['n'])).toSorted((a, b) => a - b);
  }

  test('is where a job reads and writes: a branch is apart from main, a tag stays as it is', async () => {
    await using lake = await CatalogLake.create(nessie(server, s3), judge);
    await commit(lake, lake.sink(), 0);
    await makeReference('experiment', 'BRANCH');
    await makeReference('release', 'TAG');
    await commit(lake, lake.sink({ provider: providerOf({ ref: 'experiment' }) }), 1);
    await commit(lake, lake.sink(), 2);

    expect(await rowsAt(lake, 'main')).toEqual([0, 2]);
    expect(await rowsAt(lake, 'experiment')).toEqual([0, 1]);
    expect(await rowsAt(lake, 'release')).toEqual([0]);
    const onTag = lake.sink({ provider: providerOf({ ref: 'release' }) });
    expect((await onTag.open(lake.namespace, 'numbers')).exists).toBe(true);
    await expect(commit(lake, onTag, 3)).rejects.toMatchObject({ code: 'CATALOG_REFUSED' });
    expect(await rowsAt(lake, 'release')).toEqual([0]);
  });

  test('or a warehouse that does not exist is named as what is wrong', async () => {
    for (const settings of [{ ref: 'nowhere' }, { warehouse: 'nowhere' }]) {
      const catalog = await providerOf(settings).open();
      await expect(catalog.namespaces()).rejects.toMatchObject({ code: 'CATALOG_NOT_FOUND' });
    }
  });
});
