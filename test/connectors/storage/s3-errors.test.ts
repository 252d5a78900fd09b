import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { S3Storage } from '../../../connectors/storage/s3.ts';
import { s3Error } from '../../../connectors/storage/s3-errors.ts';
import type { DativoError } from '../../../contracts/errors.ts';
import { freePorts } from '../../../worker/dev-server/ports.ts';
import { temporaryFolder } from '../../support/duckdb.ts';
import { startS3, useS3 } from '../../support/s3.ts';

const s3 = useS3();

async function failureOf(work: Promise<unknown>): Promise<DativoError> {
  const error: unknown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return error as DativoError;
}

describe('an object store', () => {
  test('without the bucket is an error that names it', async () => {
    const storage = new S3Storage(s3().settings);
    const uri = 's3://no-such-bucket/x';
    for (const work of [() => storage.list(uri), () => storage.writeIfAbsent(uri, ''), () => storage.read(uri)]) {
      const { code, message } = await failureOf(work());
      expect(code).toBe('STORAGE_NOT_FOUND');
      expect(message).toMatch(/no-such-bucket.*there is no such bucket; expected .*; create it/);
    }
  });

  test.each([
    ['secret', { secretAccessKey: 'wrong-secret-5d1' }],
    ['key id', { accessKeyId: 'wrong-key' }],
  ])('that does not know the %s is an error without the keys in it', async (_, wrong) => {
    const { accessKeyId, secretAccessKey } = s3();
    const credentials = { accessKeyId, secretAccessKey, ...wrong };
    const storage = new S3Storage({ ...s3().settings, credentials });
    const { code, message } = await failureOf(storage.list(`s3://${await s3().bucket()}/x`));
    expect(code).toBe('STORAGE_KEYS_REFUSED');
    for (const text of [...Object.values(credentials), 'AWS4', 'Signature=']) expect(message).not.toContain(text);
  });

  test('that nobody may write to can be read, and says so when it is written to', async () => {
    await using folder = await temporaryFolder();
    await mkdir(path.join(folder.path, 'objects/readable'), { recursive: true });
    await writeFile(path.join(folder.path, 'objects/readable/file'), 'content');
    await using server = await startS3({ folder: folder.path, readOnly: true });
    const storage = new S3Storage(server.settings);
    expect((await storage.read('s3://readable/file'))?.toString()).toBe('content');
    const { code, message, kind } = await failureOf(storage.replace('s3://readable/other', 'x'));
    expect([code, kind]).toEqual(['STORAGE_DENIED', 'config']);
    expect(message).toMatch(/^AccessDenied \(403\) when writing s3:\/\/readable\/other: .*not allowed/);
  });

  test('that does not answer is tried again, and says where it was looked for', async () => {
    const [port = 0] = await freePorts(1);
    const storage = new S3Storage({ ...s3().settings, endpoint: `http://127.0.0.1:${port}` });
    const { code, kind, message } = await failureOf(storage.read('s3://bucket/file'));
    expect([code, kind]).toEqual(['STORAGE_UNREACHABLE', 'transient']);
    expect(message).toMatch(/^ECONNREFUSED when reading s3:\/\/bucket\/file; .*endpoint/);
  });

  test('whose clock differs from ours by hours is served with its own time', async () => {
    const bucket = await s3().bucket();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3 * 3_600_000 });
    try {
      const { accessKeyId, secretAccessKey } = s3();
      const credentials = { current: async () => ({ accessKeyId, secretAccessKey }), refused: () => {} };
      // A client of its own: the one that made the bucket has seen the store's time already.
      const storage = new S3Storage({ ...s3().settings, credentials });
      await storage.replace(`s3://${bucket}/file`, 'x');
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a failure of an object store', () => {
  const failure = (name: string, status: number) =>
    Object.assign(new Error(`a message with a secret`), { name, $metadata: { httpStatusCode: status } });

  test.each([
    ['RequestTimeTooSkewed', 403, 'STORAGE_CLOCK_SKEW'],
    ['ExpiredToken', 400, 'STORAGE_KEYS_REFUSED'],
    ['AccessDenied', 403, 'STORAGE_DENIED'],
    ['Unknown', 403, 'STORAGE_DENIED'],
    ['NoSuchBucket', 404, 'STORAGE_NOT_FOUND'],
    ['PermanentRedirect', 301, 'STORAGE_NOT_FOUND'],
    ['QuotaExceeded', 403, 'STORAGE_FULL'],
    ['SlowDown', 503, 'STORAGE_IO'],
    ['Something', 418, 'STORAGE_IO'],
  ])('%s (%i) is %s', (name, status, code) => {
    const error = s3Error(failure(name, status), 'writing', 's3://bucket/key') as DativoError;
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(/^\S+ \(\d+\) when writing s3:\/\/bucket\/key.*\.$/);
    expect(error.message).not.toContain('secret');
  });

  test('without keys or without a region says which settings give them', () => {
    const noKeys = Object.assign(new Error('x'), { name: 'CredentialsProviderError' });
    expect(s3Error(noKeys, 'reading', 's3://b/k')).toMatchObject({ code: 'STORAGE_KEYS_REFUSED' });
    expect(s3Error(new Error('Region is missing'), 'reading', 's3://b/k')).toMatchObject({ code: 'STORAGE_NOT_FOUND' });
  });
});

test('a scratch folder that cannot be written to is an error of that folder', async () => {
  const storage = new S3Storage(s3().settings);
  await using folder = await temporaryFolder();
  const scratchFolder = path.join(folder.path, 'not a folder');
  await writeFile(scratchFolder, '');
  const transfer = { scratchFolder, signal: new AbortController().signal };
  const { code, message } = await failureOf(storage.stage('s3://bucket/data', transfer));
  expect(code).toBe('STORAGE_DENIED');
  expect(message).toContain(scratchFolder);
});
