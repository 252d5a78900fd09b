import { once } from 'node:events';
import http from 'node:http';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parseSecretReference } from '../../../config/secret-reference.ts';
import { AwsSecrets } from '../../../connectors/secrets/aws.ts';
import { valueOf } from '../../../connectors/secrets/value-of.ts';
import { useMoto } from '../../support/moto.ts';

vi.setConfig({ testTimeout: 30_000 });
const SECRET = 'hunter-2-never-shown';
const aws = useMoto();
let arn = '';

beforeAll(async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', aws().endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  const client = new SecretsManagerClient({ region: 'eu-west-1' });
  const create = (Name: string, value: object) => client.send(new CreateSecretCommand({ Name, ...value }));
  await create('prod/db', { SecretString: JSON.stringify({ password: 'old' }) });
  const next = JSON.stringify({ password: SECRET, port: 5432, more: {} });
  await client.send(new PutSecretValueCommand({ SecretId: 'prod/db', SecretString: next }));
  await create('prod/token', { SecretString: SECRET });
  await create('prod/bytes', { SecretBinary: Buffer.from(SECRET) });
  await create('prod/gone', { SecretString: SECRET });
  await client.send(new DeleteSecretCommand({ SecretId: 'prod/gone' }));
  const other = new SecretsManagerClient({ region: 'us-west-2' });
  const { ARN = '' } = await other.send(new CreateSecretCommand({ Name: 'elsewhere', SecretString: 'in the west' }));
  arn = ARN;
});
afterAll(() => vi.unstubAllEnvs());

async function read(text: string, env: NodeJS.ProcessEnv = { AWS_REGION: 'eu-west-1' }): Promise<string> {
  const reference = parseSecretReference(text);
  if (reference === undefined) throw new Error(`malformed: ${text}`);
  return valueOf(reference, await new AwsSecrets(env).read(reference));
}

test.each([
  ['aws:prod/db#password', SECRET],
  ['aws:prod/db?stage=AWSPREVIOUS#password', 'old'],
  ['aws:prod/db#port', '5432'],
  ['aws:prod/token', SECRET],
  ['aws:prod/bytes', SECRET],
])('%s is read', async (text, value) => {
  expect(await read(text)).toBe(value);
});

test('a secret that is named by its ARN is read in its region', async () => {
  expect(await read(`aws:${arn}`)).toBe('in the west');
});

test.each([
  ['aws:prod/none', 'SECRET_NOT_FOUND'],
  ['aws:prod/gone', 'SECRET_NOT_FOUND'],
  ['aws:prod/db?stage=NEVER#password', 'SECRET_NOT_FOUND'],
  ['aws:prod/db#passwort', 'SECRET_NOT_FOUND'],
  ['aws:prod/db#more', 'SECRET_NOT_FOUND'],
  ['aws:prod/token#password', 'SECRET_NOT_FOUND'],
])('%s is refused with %s, in a sentence with its name and no value', async (text, code) => {
  const error = await read(text).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code });
  expect(String(error)).toContain(text);
  expect(String(error)).not.toContain(SECRET);
});

test('a region is asked for where there is none', async () => {
  vi.stubEnv('AWS_REGION', undefined);
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
  const error = await read('aws:prod/db#password', {}).catch((thrown: unknown) => thrown);
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  expect(error).toMatchObject({ code: 'SECRET_STORE_UNSET' });
});

/** moto lets everybody in: the codes are those of the service's API reference. */
test.each([
  ['AccessDeniedException', 400, 'SECRET_DENIED'],
  ['UnrecognizedClientException', 400, 'SECRET_DENIED'],
  ['ExpiredTokenException', 400, 'SECRET_DENIED'],
  ['DecryptionFailure', 400, 'SECRET_DENIED'],
  ['InternalServiceError', 500, 'SECRET_STORE_UNAVAILABLE'],
])('%s is told without the words of the service', async (type, status, code) => {
  const server = http.createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify({ __type: type, message: `User ${SECRET} is not authorized` }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  vi.stubEnv(
    'AWS_ENDPOINT_URL_SECRETS_MANAGER',
    `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
  );
  const error = await read('aws:prod/db#password').catch((thrown: unknown) => thrown);
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', aws().endpoint);
  server.closeAllConnections();
  server.close();
  expect(error).toMatchObject({ code });
  expect(String(error)).toContain(type);
  expect(String(error)).not.toContain(SECRET);
});
