import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { S3Storage } from '../../../connectors/storage/s3.ts';
import { s3Client } from '../../../connectors/storage/s3-client.ts';
import { temporaryFolder } from '../../support/duckdb.ts';
import type { Call, Fault, FaultyProxy } from '../../support/faulty-proxy.ts';
import { someFail, startFaultyProxy } from '../../support/faulty-proxy.ts';
import { useS3 } from '../../support/s3.ts';

const s3 = useS3();
const MiB = 1_048_576;
const NEVER = new AbortController().signal;

/** A storage behind a proxy, with a bucket of its own. */
async function behindProxy(
  faultOf: (call: Call) => Fault | undefined,
  work: (storage: S3Storage, root: string, proxy: FaultyProxy) => Promise<void>,
): Promise<void> {
  const bucket = await s3().bucket();
  await using proxy = await startFaultyProxy(s3().endpoint, faultOf);
  const storage = new S3Storage({ ...s3().settings, endpoint: proxy.url, idleTimeoutMs: 2000 });
  await work(storage, `s3://${bucket}`, proxy);
}

const once = (fault: Fault, isMeant: (call: Call) => boolean) => {
  let done = false;
  return (call: Call) => {
    if (done || !isMeant(call)) return undefined;
    done = true;
    return fault;
  };
};

async function unfinishedUploads(root: string): Promise<number> {
  const Bucket = root.slice('s3://'.length);
  const { Uploads = [] } = await s3Client(s3().settings).send(new ListMultipartUploadsCommand({ Bucket }));
  return Uploads.length;
}

describe('a writer whose answer gets lost', () => {
  test.each(['answer lost', 'failed after'] as const)('(%s) knows that the file is its own', (fault) =>
    behindProxy(
      once(fault, ({ method }) => method === 'PUT'),
      async (storage, root, proxy) => {
        expect(await storage.writeIfAbsent(`${root}/file`, 'mine')).toBe(true);
        expect(proxy.faults).toEqual([fault]);
        expect((await storage.read(`${root}/file`))?.toString()).toBe('mine');
      },
    ),
  );

  test('does not take the same content of another writer for its own', () =>
    behindProxy(
      () => undefined,
      async (storage, root) => {
        const won = await Promise.all(Array.from({ length: 8 }, () => storage.writeIfAbsent(`${root}/file`, 'same')));
        expect(won.filter(Boolean)).toHaveLength(1);
      },
    ));

  test('finds its large file completed', () =>
    behindProxy(
      once('answer lost', ({ method, url }) => method === 'POST' && url.includes('uploadId=')),
      async (storage, root, proxy) => {
        await using folder = await temporaryFolder();
        const staging = await storage.stage(`${root}/data`, { scratchFolder: folder.path, signal: NEVER });
        const content = randomBytes(17 * MiB);
        await writeFile(path.join(staging.path, 'large'), content);
        await staging.finish(['large']);
        expect(proxy.faults).toEqual(['answer lost']);
        expect((await storage.read(`${root}/data/large`))?.equals(content)).toBe(true);
        expect(await unfinishedUploads(root)).toBe(0);
      },
    ));
});

describe('a reader', () => {
  test('goes on where the connection broke, and has the whole content', () => {
    let cuts = 0;
    // Three cuts of one answer: the rest is halved each time.
    const cutGets = ({ method }: Call) => (method === 'GET' && cuts++ < 3 ? 'cut within' : undefined);
    return behindProxy(cutGets, async (storage, root, proxy) => {
      const content = randomBytes(3 * MiB);
      await storage.replace(`${root}/file`, content);
      expect((await storage.read(`${root}/file`))?.equals(content)).toBe(true);
      expect(proxy.faults).toHaveLength(3);
    });
  });

  test('gives up on a connection that breaks again and again, and says so', () =>
    behindProxy(
      ({ method }) => (method === 'GET' ? 'cut at body' : undefined),
      async (storage, root) => {
        await storage.replace(`${root}/file`, 'content');
        const read = storage.read(`${root}/file`);
        await expect(read).rejects.toMatchObject({ code: 'STORAGE_IO', kind: 'transient' });
      },
    ));
});

describe('a store that fails one call in ten and stalls one in a hundred', () => {
  test(
    'loses nothing and doubles nothing',
    () =>
      behindProxy(someFail(), async (storage, root, proxy) => {
        await using folder = await temporaryFolder();
        const transfer = { scratchFolder: folder.path, signal: NEVER };
        const uris = Array.from({ length: 40 }, (_, i) => `${root}/file-${String(i).padStart(2, '0')}`);
        for (const uri of uris) expect(await storage.writeIfAbsent(uri, `content of ${uri}`)).toBe(true);
        for (const uri of uris) expect(await storage.writeIfAbsent(uri, 'another')).toBe(false);
        expect((await storage.list(root)).map(({ uri }) => uri)).toEqual(uris);
        const paths = await storage.localise(uris, transfer);
        expect(await Promise.all(paths.map((file) => readFile(file, 'utf8')))).toEqual(
          uris.map((u) => `content of ${u}`),
        );

        const large = randomBytes(17 * MiB);
        const staging = await storage.stage(`${root}/data`, transfer);
        await writeFile(path.join(staging.path, 'large'), large);
        await staging.finish(['large']);
        expect((await storage.read(`${root}/data/large`))?.equals(large)).toBe(true);

        await storage.remove([...uris, `${root}/data/large`]);
        expect(await storage.list(root)).toEqual([]);
        // An upload whose very beginning was not answered is begun again; nobody knows the first one's id.
        await storage.removeUnfinished(`${root}/data`);
        expect(await unfinishedUploads(root)).toBe(0);
        expect(new Set(proxy.faults).size).toBe(6);
      }),
    60_000,
  );
});

describe('an upload that is stopped', () => {
  test('leaves no file and no part of one', () =>
    behindProxy(
      once('stalled', ({ method, url }) => method === 'PUT' && url.includes('partNumber=2')),
      async (storage, root) => {
        await using folder = await temporaryFolder();
        const stop = new AbortController();
        const staging = await storage.stage(`${root}/data`, {
          scratchFolder: folder.path,
          signal: stop.signal,
          onProgress: () => stop.abort(new Error('cancelled')),
        });
        await writeFile(path.join(staging.path, 'large'), randomBytes(40 * MiB));
        await expect(staging.finish(['large'])).rejects.toThrow('cancelled');
        // The part that was under way is waited for before the upload is given up.
        await expect.poll(() => unfinishedUploads(root), { timeout: 15_000 }).toBe(0);
        expect(await storage.list(root)).toEqual([]);
      },
    ));

  test('or whose process died is removed with the folder that it was for', async () => {
    const Bucket = await s3().bucket();
    const storage = new S3Storage(s3().settings);
    const client = s3Client(s3().settings);
    for (const Key of ['t/data/run-1/a', 't/data/run-1/b', 't/data/run-2/a']) {
      await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    }
    await storage.removeUnfinished(`s3://${Bucket}/t/data/run-1`);
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(Uploads.map(({ Key }) => Key)).toEqual(['t/data/run-2/a']);
  });
});
