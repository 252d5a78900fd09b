import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { S3Storage } from '../../connectors/storage/s3.ts';
import { s3Client } from '../../connectors/storage/s3-client.ts';
import { dativo } from '../support/cli.ts';
import { someFail, startFaultyProxy } from '../support/faulty-proxy.ts';
import { jobFolder } from '../support/job-folder.ts';
import { Judge } from '../support/judge.ts';
import { ROW_MARKER } from '../support/marker.ts';
import { onlyObject, runJob } from '../support/run-job.ts';
import { useS3 } from '../support/s3.ts';
import { useClient } from '../support/temporal.ts';
import { useWorker } from '../support/worker.ts';

const s3 = useS3();
useWorker();
const client = useClient();

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
  // Only the environments of worker and commands hold the keys.
  process.env['STORE_KEY'] = s3().accessKeyId;
  process.env['STORE_SECRET'] = s3().secretAccessKey;
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

let jobs = 0;
/** A job with a bucket of its own; `lines` are given it and how it is reached. */
async function jobIn(
  lines: (bucket: string, storage: string) => string,
  files: Readonly<Record<string, string>> = {},
): Promise<{ asset: string; bucket: string; folder: string; file: string }> {
  const asset = `stored_${process.pid}_${++jobs}`;
  const bucket = await s3().bucket();
  const keys = 'access_key_id: "${STORE_KEY}", secret_access_key: "${STORE_SECRET}"';
  const storage = `storage: { endpoint: "${s3().endpoint}", region: ${s3().region}, ${keys} }`;
  const folder = await jobFolder({
    ...files,
    'job.yaml': `source_connector: csv\nasset: ${asset}\n${lines(bucket, storage)}\n`,
  });
  return { asset, bucket, folder, file: path.join(folder, 'job.yaml') };
}

const put = (Bucket: string, Key: string, Body: string) =>
  s3Client(s3().settings).send(new PutObjectCommand({ Bucket, Key, Body }));

/** What PyIceberg calls the settings of a lake whose embedded catalog is in the folder of the job. */
function pyiceberg(folder: string, bucket: string): Readonly<Record<string, string>> {
  return {
    type: 'sql',
    uri: `sqlite:///${path.join(folder, 'catalog.db')}`,
    warehouse: `s3://${bucket}/lake`,
    's3.endpoint': s3().endpoint,
    's3.region': s3().region,
    's3.access-key-id': s3().accessKeyId,
    's3.secret-access-key': s3().secretAccessKey,
  };
}

async function query(folder: string, sql: string): Promise<unknown> {
  const env = { DATIVO_HOME: path.join(folder, 'home') };
  const { code, stdout, stderr } = await dativo(['query', sql, '--job', 'job.yaml', '--json'], { cwd: folder, env });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout).rows;
}

describe('a run from an object store', () => {
  test('brings in what is there, later what is new, and quarantines rows under the name of their file', async () => {
    const { asset, bucket, folder, file } = await jobIn(
      (name, storage) => `source: { path: "s3://${name}/in/*.csv", ${storage} }
target: { namespace: shop, warehouse: lake }`,
    );
    await put(bucket, 'in/a.csv', `id,note\n1,${ROW_MARKER}\n2\n`);
    const { counts } = onlyObject(await runJob(client(), file));
    expect([counts.committed, counts.quarantined]).toEqual([1, 1]);
    await put(bucket, 'in/b.csv', 'id,note\n3,c\n');
    const second = onlyObject(await runJob(client(), file));
    expect([second.counts.read, second.unchangedUnits]).toEqual([1, 1]);
    expect(await query(folder, `SELECT id FROM shop.${asset} ORDER BY id`)).toEqual([{ id: '1' }, { id: '3' }]);
    expect(await query(folder, `SELECT source_file, line FROM shop.${asset}__quarantine`)).toEqual([
      { source_file: `s3://${bucket}/in/a.csv`, line: '3' },
    ]);
  });
});

describe('a run into an object store', () => {
  const intoStore = (bucket: string, storage: string) => `source: { path: data/*.csv, types: { id: long } }
target:
  namespace: shop
  warehouse: s3://${bucket}/lake
  ${storage}
  catalog: { uri: catalog.db }`;

  test('is read alike by PyIceberg and by our own commands, and leaves nothing of its work behind', async () => {
    const { asset, bucket, folder, file } = await jobIn(intoStore, {
      'data/a.csv': `id,note\n1,${ROW_MARKER}\n2,b\nthree,c\n`,
    });
    const first = onlyObject(await runJob(client(), file));
    expect([first.counts.committed, first.counts.quarantined, first.files]).toEqual([2, 1, 1]);
    expect((await runJob(client(), file)).state).toBe('unchanged');
    await writeFile(path.join(folder, 'data/b.csv'), 'id,note\n4,d\n');
    expect(onlyObject(await runJob(client(), file)).counts.committed).toBe(1);

    const judged = judge.ofCatalog(pyiceberg(folder, bucket));
    const rows = (await judged.rows(`shop.${asset}`)).toSorted((a, b) => Number(a['id']) - Number(b['id']));
    expect(rows.map((row) => row['id'])).toEqual(['1', '2', '4']);
    expect(rows).toMatchObject([{ note: ROW_MARKER }, { note: 'b' }, { note: 'd' }]);
    expect(await judged.count(`shop.${asset}__quarantine`)).toBe(1);
    expect(await judged.count('_dativo.runs')).toBe(3);
    expect(await query(folder, `SELECT id, note FROM shop.${asset} ORDER BY id`)).toEqual(rows);

    const stored = await new S3Storage(s3().settings).list(`s3://${bucket}`);
    const referred = (await judged.describe(`shop.${asset}`)).files.map((one) => one.path).toSorted();
    const data = stored.map(({ uri }) => uri).filter((uri) => uri.includes(`/${asset}/data/`));
    expect(data.toSorted()).toEqual(referred);
    expect(stored.filter(({ uri }) => uri.includes('/_dativo/work/'))).toEqual([]);
  });

  test('remembers its lake by the job, and writes no key down on this machine', async () => {
    const { asset, folder, file } = await jobIn(intoStore, { 'data/a.csv': 'id\n1\n' });
    const env = { DATIVO_HOME: path.join(folder, 'home') };
    const run = await dativo(['run', file], { cwd: folder, env });
    expect([run.code, run.stderr]).toEqual([0, expect.any(String)]);
    const { stdout } = await dativo(['query', `SELECT id FROM ${asset}`, '--json'], { cwd: folder, env });
    expect(JSON.parse(stdout).rows).toEqual([{ id: '1' }]);
    for (const name of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!name.isFile()) continue;
      const content = await readFile(path.join(name.parentPath, name.name));
      expect(content.includes(s3().secretAccessKey), name.name).toBe(false);
    }
  });

  test('may be one of plain Parquet files, whose run records are elsewhere', async () => {
    const { asset, bucket, folder, file } = await jobIn(
      (name, storage) => `target_connector: parquet\n${intoStore(name, storage)}`,
      { 'data/a.csv': 'id,note\n1,a\n2,b\n' },
    );
    expect(onlyObject(await runJob(client(), file)).counts.committed).toBe(2);
    expect((await runJob(client(), file)).state).toBe('unchanged');
    const stored = await new S3Storage(s3().settings).list(`s3://${bucket}/lake/shop/${asset}/data`);
    expect(stored.map(({ uri }) => path.posix.extname(uri))).toEqual(['.parquet']);
    expect(await query(folder, 'SELECT count(*) AS runs FROM _dativo.runs')).toEqual([{ runs: '2' }]);
  });
});

test('a run through a store that fails one call in ten brings every row once and leaves nothing of it behind', async () => {
  await using proxy = await startFaultyProxy(s3().endpoint, someFail({ stallOneIn: Infinity }));
  const { asset, bucket, folder, file } = await jobIn((name, direct) => {
    const storage = direct.replace(s3().endpoint, proxy.url);
    return `source: { path: "s3://${name}/in/*.csv", ${storage} }
target: { namespace: shop, warehouse: "s3://${name}/lake", ${storage}, catalog: { uri: catalog.db } }`;
  });
  const rows = (from: number) => Array.from({ length: 1000 }, (_, i) => `${from + i},x\n`).join('');
  for (let i = 0; i < 8; i += 1) await put(bucket, `in/${i}.csv`, `id,note\n${rows(i * 1000)}bad\n`);
  const { counts, files } = onlyObject(await runJob(client(), file));
  expect([counts.committed, counts.quarantined]).toEqual([8000, 8]);
  expect(proxy.faults.length).toBeGreaterThan(5);

  const judged = judge.ofCatalog(pyiceberg(folder, bucket));
  expect(new Set((await judged.rows(`shop.${asset}`)).map((row) => row['id'])).size).toBe(8000);
  expect(await judged.count(`shop.${asset}`)).toBe(8000);
  const stored = await new S3Storage(s3().settings).list(`s3://${bucket}/lake/shop`, (name) =>
    name.endsWith('.parquet'),
  );
  const quarantined = (await judged.describe(`shop.${asset}__quarantine`)).files;
  expect(stored).toHaveLength(files + quarantined.length);
});

test('the job of the guide runs as it is', async () => {
  const guide = await readFile(path.resolve(import.meta.dirname, '../../docs/guides/object-storage.md'), 'utf8');
  const [, job = ''] = /```yaml\n([\s\S]*?)```/.exec(guide) ?? [];
  const folder = await jobFolder({ 'orders.yaml': job });
  const BUCKET = await s3().bucket();
  await put(BUCKET, 'incoming/a.csv', 'id,amount\n1,2.5\n2,3.5\n');
  const { endpoint: S3_ENDPOINT, accessKeyId: S3_KEY, secretAccessKey: S3_SECRET } = s3();
  // The worker that takes the work is this process's.
  const variables = { BUCKET, S3_ENDPOINT, S3_KEY, S3_SECRET };
  Object.assign(process.env, variables);
  try {
    const env = { DATIVO_HOME: path.join(folder, 'home') };
    const run = await dativo(['run', 'orders.yaml'], { cwd: folder, env });
    expect(run.code, run.stderr).toBe(0);
    const asked = await dativo(['query', 'select count(*) as n from shop.orders', '--json'], { cwd: folder, env });
    expect(JSON.parse(asked.stdout).rows).toEqual([{ n: '2' }]);
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
});

describe('a job with an object store that cannot be used', () => {
  test.each([
    ['a missing bucket', { bucket: 'no-such-bucket' }, 'STORAGE_NOT_FOUND', /there is no such bucket/],
    ['wrong keys', { secret: 'wrong' }, 'STORAGE_KEYS_REFUSED', /access keys are not valid/],
    [
      'an endpoint where nothing answers',
      { endpoint: 'http://127.0.0.1:9' },
      'STORAGE_UNREACHABLE',
      /storage\.endpoint/,
    ],
  ])('(%s) says so in one sentence', async (_, wrong: Record<string, string>, code, says) => {
    const { folder } = await jobIn(
      (bucket, storage) =>
        `source: { path: a.csv }\ntarget:\n  warehouse: s3://${wrong['bucket'] ?? bucket}/lake\n  catalog: { uri: c.db }\n  ${storage.replace(s3().endpoint, wrong['endpoint'] ?? s3().endpoint)}`,
      { 'a.csv': 'id\n1\n' },
    );
    const env = {
      DATIVO_HOME: path.join(folder, 'home'),
      ...(wrong['secret'] ? { STORE_SECRET: wrong['secret'] } : {}),
    };
    const { code: exit, stdout, stderr } = await dativo(['run', 'job.yaml'], { cwd: folder, env });
    expect(exit).not.toBe(0);
    expect(`${stdout}${stderr}`).toContain(code);
    expect(`${stdout}${stderr}`).toMatch(says);
    expect(`${stdout}${stderr}`).not.toContain(s3().secretAccessKey);
  });
});
