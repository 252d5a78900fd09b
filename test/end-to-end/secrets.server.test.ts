import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { dativo } from '../support/cli.ts';
import { jobFolder } from '../support/job-folder.ts';
import { ROW_MARKER } from '../support/marker.ts';
import { useMoto } from '../support/moto.ts';
import { usePostgres } from '../support/postgres.ts';
import { onlyObject, runJob } from '../support/run-job.ts';
import { useS3 } from '../support/s3.ts';
import { S3Accounts } from '../support/s3-accounts.ts';
import { temporalServer, useClient } from '../support/temporal.ts';
import { VaultStandIn } from '../support/vault.ts';
import { useWorker } from '../support/worker.ts';

vi.setConfig({ testTimeout: 120_000 });
const s3 = useS3({ hasAccounts: true });
const postgres = usePostgres();
const aws = useMoto();
// Every secret holds the marker that the suite's end searches histories and logs for.
const password = (n: number) => `password-${n}-${ROW_MARKER}`;

let vault: VaultStandIn;
let accounts: S3Accounts;
let manager: SecretsManagerClient;
beforeAll(async () => {
  vault = await VaultStandIn.start();
  accounts = await S3Accounts.of(s3());
  const settings = {
    VAULT_ADDR: vault.address,
    VAULT_TOKEN: 'root-token',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws().endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  manager = new SecretsManagerClient({ region: 'us-east-1' });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await vault[Symbol.asyncDispose]();
});
useWorker();
const client = useClient();

/** A lake in a bucket that Vault has the keys of, in a catalog that Secrets Manager has the password of. */
async function secretLake() {
  const asset = `secrets_${process.pid}`;
  const bucket = await s3().bucket();
  const giveKeys = async (name: string) => {
    const { accessKeyId, secretAccessKey } = accounts.create(name, `secret-of-${name}-${ROW_MARKER}`);
    await accounts.allow(bucket, [{ who: [name], folder: '', lists: true }]);
    vault.versioned.set('lake', [{ id: accessKeyId, secret: secretAccessKey }]);
  };
  await giveKeys('keys-1');
  const uri = new URL(await postgres().database());
  await postgres().run(`CREATE USER lake PASSWORD '${password(1)}' SUPERUSER`);
  await manager.send(
    new CreateSecretCommand({ Name: 'lake/catalog', SecretString: JSON.stringify({ pw: password(1) }) }),
  );
  const keys = 'access_key_id: "${vault:secret/lake#id}", secret_access_key: "${vault:secret/lake#secret}"';
  const storage = `{ endpoint: "${s3().endpoint}", region: ${s3().region}, ${keys} }`;
  const catalog = `{ type: sql, uri: "postgresql://lake:\${aws:lake/catalog#pw}@${uri.host}${uri.pathname}" }`;
  const folder = await jobFolder({
    'a.csv': 'id\n1\n2\n',
    'job.yaml': `source_connector: csv\nasset: ${asset}\nsource: { path: "*.csv" }
target: { namespace: shop, warehouse: "s3://${bucket}/lake", storage: ${storage}, catalog: ${catalog} }\n`,
  });
  return { asset, folder, file: path.join(folder, 'job.yaml'), giveKeys };
}

test('a job takes its secrets from their stores, and goes on without a word after each was replaced', async () => {
  const { asset, folder, file, giveKeys } = await secretLake();
  expect(onlyObject(await runJob(client(), file)).state).toBe('success');

  // What is kept of the old ones is less than a minute old, and refused by now.
  await giveKeys('keys-2');
  accounts.remove('keys-1');
  await writeFile(path.join(folder, 'b.csv'), 'id\n3\n');
  expect(onlyObject(await runJob(client(), file)).state).toBe('success');

  await manager.send(
    new PutSecretValueCommand({ SecretId: 'lake/catalog', SecretString: JSON.stringify({ pw: password(2) }) }),
  );
  await postgres().run(`ALTER USER lake PASSWORD '${password(2)}'`);
  await postgres().run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'lake'");
  await writeFile(path.join(folder, 'c.csv'), 'id\n4\n');
  expect(onlyObject(await runJob(client(), file)).state).toBe('success');

  const home = path.join(temporalServer().home, asset);
  const asked = await dativo(['query', `select sum(id) as ids from ${asset}`, '--json', '--job', 'job.yaml'], {
    cwd: folder,
    env: { DATIVO_HOME: home },
  });
  expect(JSON.parse(asked.stdout)).toMatchObject({ rows: [{ ids: '10' }] });

  vault.versioned.delete('lake');
  const refused = await dativo(['run', 'job.yaml', '--json'], { cwd: folder, env: { DATIVO_HOME: home } });
  expect(refused.code).not.toBe(0);
  const said = `${refused.stdout}${refused.stderr}`;
  expect(said).toContain('SECRET_NOT_FOUND');
  expect(said).toContain('vault:secret/lake#id');
  for (const text of [said, asked.stdout, asked.stderr]) expect(text).not.toContain(ROW_MARKER);
});

test('a job is valid where no store of secrets can be reached', async () => {
  const { folder } = await secretJob(
    'target: { catalog: { type: rest, uri: "http://c", token: "${vault:kv/c#token}" } }',
  );
  const env = { VAULT_ADDR: 'http://127.0.0.1:1', VAULT_TOKEN: 'x' };
  expect(await dativo(['validate', 'job.yaml'], { cwd: folder, env })).toMatchObject({ code: 0 });
});

test.each([
  ['asset: "${vault:kv/c#name}"', 'asset'],
  ['tenant_id: "${aws:tenant}"', 'tenant_id'],
  ['target: { warehouse: "s3://${vault:kv/c#bucket}/lake" }', 'target.warehouse'],
  ['source: { path: "${vault:kv/c#path}" }', 'source.path'],
])('a secret has no place in a name or a path: %s', async (line, place) => {
  const { folder } = await secretJob(line);
  const { code, stdout } = await dativo(['validate', 'job.yaml'], { cwd: folder });
  expect(code).toBe(2);
  expect(stdout).toContain(`${place} takes its value from a store of secrets`);
});

async function secretJob(line: string) {
  const source = line.startsWith('source:') ? '' : 'source: { path: a.csv }\n';
  return { folder: await jobFolder({ 'a.csv': 'id\n1\n', 'job.yaml': `source_connector: csv\n${source}${line}\n` }) };
}
