import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSecretReference } from '../../../config/secret-reference.ts';
import { valueOf } from '../../../connectors/secrets/value-of.ts';
import { VaultSecrets } from '../../../connectors/secrets/vault.ts';
import { createAuthority } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/duckdb.ts';
import { VaultStandIn } from '../../support/vault.ts';

const SECRET = 'hunter-2-never-shown';
let vault: VaultStandIn;

beforeAll(async () => {
  vault = await VaultStandIn.start();
  vault.versioned.set('data/db', [{ password: 'of a folder named data' }]);
  vault.versioned.set('prod/db', [{ password: 'old' }, { password: SECRET, port: 5432, on: true, more: {} }, null]);
  vault.versioned.set('db', [{ password: 'first' }, { password: SECRET }]);
  vault.plain.set('db', { password: 'plain' });
});
afterAll(() => vault[Symbol.asyncDispose]());

async function read(text: string, env: NodeJS.ProcessEnv = {}, of = vault): Promise<string> {
  const reference = parseSecretReference(text);
  if (reference === undefined) throw new Error(`malformed: ${text}`);
  const secrets = new VaultSecrets({ VAULT_ADDR: `${of.address}/`, VAULT_TOKEN: 'root-token', ...env });
  return valueOf(reference, await secrets.read(reference));
}

test.each([
  ['vault:secret/data/db#password', SECRET, 'by the path of the API'],
  ['vault:secret/db#password', SECRET, 'by the path of `vault kv get`'],
  ['vault:/secret/db#password', SECRET, 'with a slash before it'],
  ['vault:secret/data/db?version=1#password', 'first', 'an earlier version'],
  ['vault:secret/data/data/db#password', 'of a folder named data', 'in a folder named data'],
  ['vault:secret/prod/db?version=2#port', '5432', 'a number'],
  ['vault:secret/prod/db?version=2#on', 'true', 'a truth value'],
  ['vault:kv/db#password', 'plain', 'of version 1 of the engine'],
])('%s is %s: %s', async (text, value) => {
  expect(await read(text)).toBe(value);
});

test.each([
  ['vault:secret/data/none#password', 'SECRET_NOT_FOUND'],
  ['vault:secret/data/db?version=9#password', 'SECRET_NOT_FOUND'],
  ['vault:secret/data/prod/db#password', 'SECRET_NOT_FOUND'],
  ['vault:secret/data/db#passwort', 'SECRET_NOT_FOUND'],
  ['vault:secret/data/prod/db?version=2#more', 'SECRET_NOT_FOUND'],
  ['vault:kv/db?version=1#password', 'SECRET_NOT_FOUND'],
  ['vault:elsewhere/db#password', 'SECRET_DENIED'],
])('%s is refused with %s, in a sentence with its name and no value', async (text, code) => {
  const error = await read(text).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code });
  expect(String(error)).toContain(text);
  for (const value of [SECRET, 'first', 'old', 'plain', 'root-token']) expect(String(error)).not.toContain(value);
});

test('the token is the one that `vault login` has left, read again after a refusal', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, '.vault-token');
  await writeFile(file, 'stale\n');
  const reference = parseSecretReference('vault:kv/db#password');
  if (reference === undefined) throw new Error('malformed');
  const secrets = new VaultSecrets({ VAULT_ADDR: vault.address, HOME: folder.path });
  await expect(secrets.read(reference)).rejects.toMatchObject({ code: 'SECRET_DENIED' });
  await writeFile(file, 'root-token\n');
  expect(JSON.parse(await secrets.read(reference))).toEqual({ password: 'plain' });
});

test('a role logs in once for many secrets, and again when its token has been revoked', async () => {
  vault.approles.set('role-1', 'secret-id-1');
  const secrets = new VaultSecrets({
    VAULT_ADDR: vault.address,
    VAULT_ROLE_ID: 'role-1',
    VAULT_SECRET_ID: 'secret-id-1',
  });
  const reference = parseSecretReference('vault:kv/db#password');
  if (reference === undefined) throw new Error('malformed');
  const logins = () => vault.requests.filter((request) => request === 'POST /v1/auth/approle/login').length;
  const before = logins();
  await Promise.all([secrets.read(reference), secrets.read(reference), secrets.read(reference)]);
  expect(logins() - before).toBe(1);
  for (const token of vault.tokens) if (token.startsWith('login-')) vault.tokens.delete(token);
  await Promise.all([secrets.read(reference), secrets.read(reference)]);
  expect(logins() - before).toBe(2);
});

test('a role logs in again before its token ends', async () => {
  vault.approles.set('role-2', 'secret-id-2');
  vault.leaseSeconds = 0.01;
  const secrets = new VaultSecrets({
    VAULT_ADDR: vault.address,
    VAULT_ROLE_ID: 'role-2',
    VAULT_SECRET_ID: 'secret-id-2',
  });
  const reference = parseSecretReference('vault:kv/db#password');
  if (reference === undefined) throw new Error('malformed');
  await secrets.read(reference);
  const seen = vault.requests.length;
  await new Promise((resolve) => setTimeout(resolve, 20));
  await secrets.read(reference);
  vault.leaseSeconds = 3600;
  expect(vault.requests.slice(seen)).toContain('POST /v1/auth/approle/login');
});

test('a pod logs in with its service account, where the method is mounted', async () => {
  await using folder = await temporaryFolder();
  vault.serviceAccounts.set('dativo', 'jwt-of-the-pod');
  const file = path.join(folder.path, 'token');
  await writeFile(file, 'jwt-of-the-pod');
  const env = { VAULT_TOKEN: '', VAULT_ROLE: 'dativo', VAULT_JWT_FILE: file, VAULT_AUTH_MOUNT: 'auth/k8s/prod' };
  expect(await read('vault:kv/db#password', env)).toBe('plain');
});

test.each<[string, NodeJS.ProcessEnv, string]>([
  ['no address', { VAULT_ADDR: '' }, 'SECRET_STORE_UNSET'],
  ['no token', { VAULT_TOKEN: '', HOME: '/nonexistent' }, 'SECRET_STORE_UNSET'],
  ['a method that there is not', { VAULT_AUTH_METHOD: 'ldap' }, 'SECRET_STORE_UNSET'],
  ['a wrong token', { VAULT_TOKEN: 'wrong-token' }, 'SECRET_DENIED'],
  ['a wrong secret id', { VAULT_TOKEN: '', VAULT_ROLE_ID: 'role-1', VAULT_SECRET_ID: 'wrong-token' }, 'SECRET_DENIED'],
  ['a server that is not there', { VAULT_ADDR: 'http://127.0.0.1:1' }, 'SECRET_STORE_UNAVAILABLE'],
])('%s is told in one sentence without the credentials', async (_, env, code) => {
  const error = await read('vault:kv/db#password', env).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code });
  expect(String(error)).not.toContain('wrong-token');
});

test('a sealed Vault is waited for', async () => {
  vault.sealed = true;
  const error = await read('vault:kv/db#password').catch((thrown: unknown) => thrown);
  vault.sealed = false;
  expect(error).toMatchObject({ code: 'SECRET_STORE_UNAVAILABLE', kind: 'transient' });
});

test('a namespace is named with each question', async () => {
  vault.namespace = 'team-a';
  const denied = await read('vault:kv/db#password').catch((thrown: unknown) => thrown);
  const value = await read('vault:kv/db#password', { VAULT_NAMESPACE: 'team-a' }).finally(() => {
    vault.namespace = undefined;
  });
  expect(denied).toMatchObject({ code: 'SECRET_DENIED' });
  expect(value).toBe('plain');
});

describe('over TLS', () => {
  const authority = createAuthority('vault authority');
  const certificate = authority.issue('vault', ['localhost', '127.0.0.1']);
  const client = authority.issue('dativo');

  test('the authority of VAULT_CACERT is trusted, and a client certificate is shown', async () => {
    await using folder = await temporaryFolder();
    await using secure = await VaultStandIn.start({ ...certificate, clientAuthority: authority.cert });
    secure.plain.set('db', { password: 'plain' });
    const file = async (name: string, content: string) => {
      await writeFile(path.join(folder.path, name), content);
      return path.join(folder.path, name);
    };
    const env = {
      VAULT_CACERT: await file('ca.pem', authority.cert),
      VAULT_CLIENT_CERT: await file('client.pem', client.cert),
      VAULT_CLIENT_KEY: await file('client.key', client.key),
    };
    expect(await read('vault:kv/db#password', env, secure)).toBe('plain');
  });

  test('a certificate that nobody vouches for is refused, unless VAULT_SKIP_VERIFY says otherwise', async () => {
    await using secure = await VaultStandIn.start(certificate);
    secure.plain.set('db', { password: 'plain' });
    const error = await read('vault:kv/db#password', {}, secure).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SECRET_DENIED' });
    expect(String(error)).toMatch(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED/);
    expect(await read('vault:kv/db#password', { VAULT_SKIP_VERIFY: 'true' }, secure)).toBe('plain');
  });
});
