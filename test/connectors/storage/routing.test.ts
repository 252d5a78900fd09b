import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { localUri } from '../../../connectors/storage/local.ts';
import { RoutingStorage, s3Settings, warehouseUri } from '../../../connectors/storage/routing.ts';
import { temporaryFolder } from '../../support/duckdb.ts';
import { useS3 } from '../../support/s3.ts';

const s3 = useS3();

describe('a storage that routes', () => {
  test('serves each file from where it is, also those of one request', async () => {
    await using folder = await temporaryFolder();
    const { endpoint, region, accessKeyId, secretAccessKey } = s3();
    const keys = { access_key_id: accessKeyId, secret_access_key: secretAccessKey };
    const storage = new RoutingStorage(s3Settings({ endpoint, region, ...keys }));
    const [here, there] = [`${localUri(folder.path)}/lake`, `s3://${await s3().bucket()}/lake`];
    const uris = [`${there}/1`, `${here}/2`, `${there}/3`, `${here}/4`];
    for (const uri of uris) await storage.replace(uri, uri);
    for (const uri of uris) expect((await storage.read(uri))?.toString()).toBe(uri);
    expect((await storage.list(there)).map(({ uri }) => uri)).toEqual([`${there}/1`, `${there}/3`]);
    const scratchFolder = path.join(folder.path, 'scratch');
    await mkdir(scratchFolder);
    const paths = await storage.localise(uris, { scratchFolder, signal: new AbortController().signal });
    expect(paths.map((file) => file.startsWith(scratchFolder))).toEqual([true, false, true, false]);
    await storage.remove(uris);
    expect([...(await storage.list(here)), ...(await storage.list(there))]).toEqual([]);
  });

  test('knows no other kind of place', async () => {
    const storage = new RoutingStorage();
    for (const uri of ['gs://bucket/key', 'abfss://container@account/key', 'hdfs://host/path']) {
      const read = storage.read(uri);
      await expect(read).rejects.toMatchObject({ code: 'NOT_AVAILABLE_YET' });
      await expect(read).rejects.toThrow(`a file of the lake at ${uri}`);
    }
  });
});

test('a warehouse is a URI without a slash at its end', () => {
  expect(warehouseUri('/data/lake/')).toBe('file:///data/lake');
  expect(warehouseUri('s3://bucket')).toBe('s3://bucket');
  expect(warehouseUri('s3a://bucket/some/lake/')).toBe('s3://bucket/some/lake');
  expect(() => warehouseUri('gs://bucket')).toThrow(expect.objectContaining({ code: 'NOT_AVAILABLE_YET' }));
});
