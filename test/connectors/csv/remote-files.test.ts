import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { httpAddress } from '../../../connectors/csv/http-address.ts';
import { HttpFiles } from '../../../connectors/csv/place-http.ts';
import { CsvSource } from '../../../connectors/csv/source.ts';
import { s3Client } from '../../../connectors/storage/s3-client.ts';
import { writeScratchFile } from '../../../connectors/storage/scratch-file.ts';
import { sourceSchema } from '../../../contracts/job-source.ts';
import { contextIn, runCsv } from '../../support/csv.ts';
import { openSession, temporaryFolder } from '../../support/duckdb.ts';
import { startFaultyProxy } from '../../support/faulty-proxy.ts';
import type { FileServer } from '../../support/file-server.ts';
import { startFileServer } from '../../support/file-server.ts';
import { useS3 } from '../../support/s3.ts';

const s3 = useS3();

const rows = (from: number, count: number) =>
  `id,name\n${Array.from({ length: count }, (_, i) => `${from + i},name ${from + i}\n`).join('')}`;
const ids = ({ rows: read }: { readonly rows: readonly Readonly<Record<string, unknown>>[] }) =>
  read.map((row) => Number(row['id'])).toSorted((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

interface Bucket {
  readonly uri: string;
  readonly source: (paths: string | readonly string[], more?: object) => CsvSource;
  readonly put: (key: string, content: string | Uint8Array) => Promise<unknown>;
  readonly remove: (key: string) => Promise<unknown>;
}

async function bucket(): Promise<Bucket> {
  const Bucket = await s3().bucket();
  const client = s3Client(s3().settings);
  const { endpoint, region, accessKeyId, secretAccessKey } = s3();
  const storage = { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey };
  return {
    uri: `s3://${Bucket}`,
    source: (paths, more) =>
      new CsvSource({ source: sourceSchema.parse({ path: paths, storage, ...more }), asset: 'orders' }),
    put: (Key, Body) => client.send(new PutObjectCommand({ Bucket, Key, Body })),
    remove: (Key) => client.send(new DeleteObjectCommand({ Bucket, Key })),
  };
}

describe('CSV files in an object store', () => {
  test('are found by name and by pattern, and read whole, compressed or not', async () => {
    await using folder = await temporaryFolder();
    const { uri, source, put } = await bucket();
    await put('in/2024/a.csv', rows(0, 1000));
    await put('in/2024/deep/b.csv.gz', gzipSync(rows(1000, 1000)));
    await put('in/2025/c.csv', zstdCompressSync(rows(2000, 1000)));
    await put('in/2025/notes.txt', 'id,name\n1,not meant\n');
    await put('other/d [1].csv', rows(3000, 10));
    const read = await runCsv(source([`${uri}/in/**/*.csv*`, `${uri}/other/d [1].csv`]), folder.path);
    expect(ids(read)).toEqual(upTo(3010));
    expect(ids(await runCsv(source(`${uri}/in/*/*.csv`), folder.path))).toHaveLength(2000);
  });

  test('are read again only when they are new or have another content', async () => {
    await using folder = await temporaryFolder();
    const { uri, source, put, remove } = await bucket();
    await put('a.csv', rows(0, 2));
    await put('b.csv', rows(2, 2));
    const first = await runCsv(source(`${uri}/*.csv`), folder.path);
    // Of the same size, and within the same second.
    await put('b.csv', rows(4, 2));
    await put('c.csv', rows(6, 2));
    await remove('a.csv');
    const second = await runCsv(source(`${uri}/*.csv`), folder.path, { checkpoint: first.checkpoint });
    expect([ids(first), ids(second), second.unchanged]).toEqual([[0, 1, 2, 3], [4, 5, 6, 7], 0]);
    const third = await runCsv(source(`${uri}/*.csv`), folder.path, { checkpoint: second.checkpoint });
    expect([third.chunks, third.unchanged]).toEqual([0, 2]);
  });

  test('put malformed rows aside under their own names, with line and text', async () => {
    await using folder = await temporaryFolder();
    const { uri, source, put } = await bucket();
    await put('a.csv', 'id,name\n1,x\ntwo,y\n3\n');
    await put('b.csv', 'id,name\n4,"a "broken" quote"\n5,z\n');
    const { rejected } = await runCsv(source(`${uri}/*.csv`, { types: { id: 'long' } }), folder.path);
    expect(rejected.map(({ sourceFile, line, raw }) => [sourceFile.slice(uri.length + 1), line, raw])).toEqual([
      ['b.csv', 2, '4,"a "broken" quote"'],
      ['a.csv', 3, 'two,y'],
      ['a.csv', 4, '3'],
    ]);
  });

  test('that change or go after the run was planned stop it', async () => {
    await using folder = await temporaryFolder();
    const { uri, source, put, remove } = await bucket();
    await put('a.csv', rows(0, 2));
    const csv = source(`${uri}/a.csv`);
    const context = contextIn(folder.path);
    const { schema } = await csv.describe('orders', context);
    const plan = await csv.plan(
      { object: 'orders', schema, checkpoint: undefined, options: { mode: 'incremental' } },
      context,
    );
    const [chunk] = plan.chunks;
    await using session = await openSession();
    const read = () => csv.read('orders', schema, chunk ?? { position: {}, estimatedBytes: 0 }, session, context);
    await put('a.csv', rows(5, 2));
    await expect(read()).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    await remove('a.csv');
    await expect(read()).rejects.toThrow(`${uri}/a.csv, which disappeared after the run was planned`);
  });

  test('that are damaged or missing are named as the job names them', async () => {
    await using folder = await temporaryFolder();
    const { uri, source, put } = await bucket();
    await put('cut.csv.gz', gzipSync(rows(0, 100_000)).subarray(0, 100_000));
    await expect(runCsv(source(`${uri}/cut.csv.gz`), folder.path)).rejects.toThrow(
      `${uri}/cut.csv.gz, whose compressed data is damaged or cut short`,
    );
    await expect(runCsv(source(`${uri}/none*.csv`), folder.path)).rejects.toThrow(`no file at ${uri}/none*.csv`);
    await expect(runCsv(source('s3://no-such-bucket/*.csv'), folder.path)).rejects.toMatchObject({
      code: 'STORAGE_NOT_FOUND',
    });
  });
});

async function withServer(work: (server: FileServer, folder: string) => Promise<void>): Promise<void> {
  await using server = await startFileServer();
  await using folder = await temporaryFolder();
  await work(server, folder.path);
}

const sourceOf = (...paths: string[]) =>
  new CsvSource({ source: sourceSchema.parse({ path: paths }), asset: 'orders' });

describe('CSV files on a web server', () => {
  test.each([
    ['tells an ETag and serves parts', { etag: '"v1"', ranges: true }],
    ['tells a time', { modified: new Date(1_700_000_000_000) }],
    ['tells neither', {}],
    ['compresses on the way', { etag: '"v1"', gzipped: true }],
    ['does not tell the length', { modified: new Date(1_700_000_000_000), chunked: true }],
  ])('are read once where the server %s', (_, how) =>
    withServer(async ({ url, files }, folder) => {
      files.set('/a.csv', { content: rows(0, 5000), ...how });
      files.set('/b.csv.gz', { content: gzipSync(rows(5000, 5000)), ...how });
      const source = () => sourceOf(`${url}/a.csv`, `${url}/b.csv.gz`);
      const first = await runCsv(source(), folder);
      expect(ids(first)).toEqual(upTo(10_000));
      const again = await runCsv(source(), folder, { checkpoint: first.checkpoint });
      expect([again.chunks, again.unchanged]).toEqual([0, 2]);
      const changedHow = { ...how, ...('etag' in how ? { etag: '"v2"' } : {}) };
      const later = 'modified' in how ? { modified: new Date(1_700_000_060_000) } : {};
      files.set('/a.csv', { content: rows(3, 5000), ...changedHow, ...later });
      const third = await runCsv(source(), folder, { checkpoint: first.checkpoint });
      expect([third.rows.length, third.unchanged]).toEqual([5000, 1]);
    }),
  );

  test('are read with user and password, which are shown nowhere', () =>
    withServer(async ({ url, files }, folder) => {
      files.set('/a.csv', { content: 'id,name\nx,1\n2,b\n', etag: '"1"', login: 'me:pass word' });
      const location = url.replace('http://', 'http://me:pass%20word@');
      const source = new CsvSource({
        source: sourceSchema.parse({ path: `${location}/a.csv?token=s3cret&page=1`, types: { id: 'long' } }),
        asset: 'orders',
      });
      const run = await runCsv(source, folder);
      expect(run.rejected).toMatchObject([{ sourceFile: `${url}/a.csv?page=1`, line: 2 }]);
      expect(JSON.stringify(run)).not.toMatch(/pass|s3cret/);
      const denied = runCsv(sourceOf(`${url.replace('//', '//me:wrong@')}/a.csv?token=s3cret`), folder);
      await expect(denied).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
      await expect(denied).rejects.toThrow(/HTTP status 401 for http:\/\/[^@?]+\/a\.csv; /);
    }));

  test('with nothing behind their address, or no server, are errors that name them', () =>
    withServer(async ({ url }, folder) => {
      await expect(runCsv(sourceOf(`${url}/none.csv?sig=x`), folder)).rejects.toThrow(`no file at ${url}/none.csv;`);
      const nowhere = runCsv(sourceOf('http://127.0.0.1:9/a.csv'), folder);
      await expect(nowhere).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE', kind: 'transient' });
    }));

  test('may be empty', () =>
    withServer(async ({ url, files }, folder) => {
      files.set('/empty.csv', { content: '', etag: '"1"', ranges: true });
      files.set('/a.csv', { content: rows(0, 3), etag: '"1"', ranges: true });
      expect(ids(await runCsv(sourceOf(`${url}/empty.csv`, `${url}/a.csv`), folder))).toEqual([0, 1, 2]);
    }));
});

describe('a download from a web server', () => {
  const content = rows(0, 400_000);
  const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

  async function download(faults: readonly ('cut within' | 'stalled' | 'refused' | undefined)[], ranges: boolean) {
    await using server = await startFileServer();
    await using folder = await temporaryFolder();
    let call = 0;
    await using proxy = await startFaultyProxy(server.url, () => faults[call++]);
    server.files.set('/a.csv', { content, etag: '"1"', ranges });
    const url = `${proxy.url}/a.csv`;
    const files = new HttpFiles(() => [url], { silenceMs: 300 });
    const target = path.join(folder.path, 'copy');
    const transfer = { scratchFolder: folder.path, signal: new AbortController().signal };
    await files.fetch({ path: url, bytes: content.length, mtimeMs: 0, digest: '"1"' }, target, transfer);
    expect(sha256(await readFile(target))).toBe(sha256(content));
    return proxy.faults;
  }

  test('goes on where the connection broke, if the server serves parts', async () => {
    expect(await download(['cut within', 'refused', 'cut within', 'stalled', 'cut within'], true)).toHaveLength(5);
  });

  test('begins again, and keeps nothing twice, if it does not', async () => {
    expect(await download(['cut within', 'cut within'], false)).toHaveLength(2);
  });

  test('of a file that has changed stops', async () => {
    await using server = await startFileServer();
    await using folder = await temporaryFolder();
    const url = `${server.url}/a.csv`;
    const files = new HttpFiles(() => [url]);
    const transfer = { scratchFolder: folder.path, signal: new AbortController().signal };
    const signal = transfer.signal;
    for (const how of [{ etag: '"1"' }, {}]) {
      server.files.set('/a.csv', { content: 'id\n1\n', ...how });
      const [file] = await files.find(url, signal);
      server.files.set('/a.csv', { content: 'id\n2\n', ...(how.etag ? { etag: '"2"' } : {}) });
      const fetched = files.fetch(file ?? { path: '', bytes: 0, mtimeMs: 0 }, path.join(folder.path, 'x'), transfer);
      await expect(fetched).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    }
  });
});

test('a disk without room for a copy is an error of the scratch folder', async () => {
  const pieces = async function* () {
    yield Buffer.alloc(1000);
  };
  const transfer = { scratchFolder: '/small', signal: new AbortController().signal };
  const full = writeScratchFile('/dev/full', pieces(), transfer);
  await expect(full).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  await expect(full).rejects.toThrow('ENOSPC when writing temporary files in /small');
});

test.each([
  ['https://u:p@host/a.csv?x=1#part', 'https://host/a.csv?x=1'],
  [
    'https://b.s3.amazonaws.com/a.csv?X-Amz-Signature=1&X-Amz-Date=2&versionId=3',
    'https://b.s3.amazonaws.com/a.csv?versionId=3',
  ],
  ['https://a.blob.core.windows.net/c/a.csv?sv=1&sp=r&sig=abc%3D', 'https://a.blob.core.windows.net/c/a.csv'],
  ['https://host/a.csv?api_key=1&format=csv&access_token=2', 'https://host/a.csv?format=csv'],
])('the name of %s holds nothing secret', (location, name) => {
  expect(httpAddress(location).name).toBe(name);
});
