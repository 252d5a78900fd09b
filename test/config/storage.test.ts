import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStoredJob } from '../../config/open-job.ts';
import { openStorageReference, storageReference } from '../../config/storage-reference.ts';
import type { StoredJob } from '../../config/stored-job.ts';
import { validateJob } from '../../config/validate.ts';
import { jobFile, jobFolder } from '../support/job-folder.ts';

const CSV = 'source_connector: csv\nasset: orders\nsource: { path: a.csv }\n';

async function problemsOf(target: string): Promise<string[]> {
  const { problems } = await validateJob(await jobFile(`${CSV}target:\n  ${target}\n`), {
    env: { SECRET: 'marker-0815', ID: 'id' },
  });
  expect(JSON.stringify(problems)).not.toContain('marker-0815');
  return problems.map(({ message }) => message.split(';')[0] ?? '');
}

function storedJob(storage: Record<string, string | boolean>, folder = '/jobs'): StoredJob {
  const job = { target: { warehouse: 's3://lake', storage } };
  return { format: 1, name: 'job.yaml', folder, tenant: 'default', asset: 'orders', objects: ['orders'], job };
}

const SETTINGS = {
  endpoint: 'http://127.0.0.1:9000',
  path_style: '${STYLE}',
  access_key_id: '${ID}',
  secret_access_key: '${file:secret}',
};

describe('the storage of a job', () => {
  test.each([
    ['secret_access_key: marker-0815, access_key_id: x', 'target.storage.secret_access_key is written out'],
    [
      'secret_access_key: "${SECRET:-marker-0815}", access_key_id: x',
      'target.storage.secret_access_key is written out',
    ],
    [
      'session_token: x, access_key_id: x, secret_access_key: "${SECRET}"',
      'target.storage.session_token is written out',
    ],
    ['access_key_id: x', 'target.storage has no "secret_access_key"'],
    ['secret_access_key: "${SECRET}"', 'target.storage has no "access_key_id"'],
    ['session_token: "${SECRET}"', 'target.storage has no "access_key_id"'],
    ['endpoint: minio:9000', 'target.storage.endpoint is the text "minio:9000"'],
    ['access_key: x', 'target.storage has the unknown key "access_key"'],
  ])('is refused with { %s }', async (storage, received) => {
    const [problem] = await problemsOf(`warehouse: s3://lake\n  catalog: { uri: c.db }\n  storage: { ${storage} }`);
    expect(problem).toContain(received);
  });

  test('may be left out, or give only what differs, or keys by variables', async () => {
    for (const storage of [
      '{}',
      '{ endpoint: "https://s3.example.com", region: eu-west-1, path_style: false }',
      '{ access_key_id: "${ID}", secret_access_key: "${SECRET}", session_token: "${SECRET}" }',
    ]) {
      expect(await problemsOf(`warehouse: s3://lake\n  catalog: { uri: c.db }\n  storage: ${storage}`)).toEqual([]);
    }
  });

  test.each(['', 'catalog: { uri: s3://lake/catalog.db }', 'catalog: { type: sqlite }'])(
    'does not hold the embedded catalog: %j',
    async (catalog) => {
      expect(await problemsOf(`warehouse: s3://lake\n  ${catalog}`)).toEqual([
        'the embedded catalog cannot be in an object store',
      ]);
    },
  );

  test('means nothing to a warehouse on this machine', async () => {
    expect(await problemsOf('storage: { region: x }')).toEqual([
      'target.storage has no meaning for a target.warehouse that is not in an object store',
    ]);
  });
});

describe('what a workflow is told about a storage', () => {
  test('holds no secret, and is enough to reach it where the job runs', async () => {
    const folder = await jobFolder({ secret: 'marker-0815\n' });
    const reference = storageReference(storedJob(SETTINGS, folder));
    expect(reference).toEqual({ settings: SETTINGS, folder });
    await writeFile(path.join(folder, 'secret'), 'rotated\n');
    expect(openStorageReference(reference, { env: { STYLE: 'true', ID: 'me' } })).toEqual({
      endpoint: 'http://127.0.0.1:9000',
      path_style: true,
      access_key_id: 'me',
      secret_access_key: 'rotated',
    });
    expect(openStoredJob(storedJob(SETTINGS, folder), { env: { STYLE: 'true', ID: 'me' } }).target().storage).toEqual(
      openStorageReference(reference, { env: { STYLE: 'true', ID: 'me' } }),
    );
  });

  test('is nothing for a job without settings', () => {
    const job = { target: { warehouse: 's3://lake' } };
    expect(storageReference({ ...storedJob({}), job })).toBeUndefined();
    expect(openStorageReference(undefined, { env: {} })).toBeUndefined();
  });

  test('that lacks a variable, or has one that does not fit, says which', () => {
    const reference = storageReference(storedJob({ path_style: '${STYLE}' }));
    expect(() => openStorageReference(reference, { env: {} })).toThrow(
      expect.objectContaining({ code: 'VARIABLE_UNSET', message: expect.stringContaining('STYLE') }),
    );
    expect(() => openStorageReference(reference, { env: { STYLE: 'marker' } })).toThrow(
      expect.objectContaining({ code: 'JOB_FILE_INVALID', message: expect.not.stringContaining('marker') }),
    );
  });
});
