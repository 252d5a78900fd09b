import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { fail, hasErrnoCode } from '../../contracts/errors.ts';
import type { SecretReference, SecretStore } from '../../contracts/secret.ts';
import { secretDenied, secretNotFound, storeUnavailable } from './errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const ATTEMPTS = 4;
const CONNECTION_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 20_000;

/** The service's codes (API reference of GetSecretValue, common errors) that are about the secret or who asks. */
const NOT_FOUND = new Set(['ResourceNotFoundException', 'InvalidRequestException', 'InvalidParameterException']);
const DENIED = new Set([
  'AccessDeniedException',
  'DecryptionFailure',
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'NotAuthorized',
  'OptInRequired',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);

/**
 * AWS Secrets Manager. Region, credentials and endpoint are found as every AWS tool finds them; a secret that is named
 * by its ARN is asked for in the region of that.
 */
export class AwsSecrets implements SecretStore {
  readonly #env: Environment;
  readonly #clients = new Map<string | undefined, SecretsManagerClient>();

  constructor(env: Environment) {
    this.#env = env;
  }

  async read(reference: SecretReference): Promise<string> {
    const { path, version, stage } = reference;
    const command = new GetSecretValueCommand({
      SecretId: path,
      ...(version === undefined ? {} : { VersionId: version }),
      ...(stage === undefined ? {} : { VersionStage: stage }),
    });
    try {
      const { SecretString, SecretBinary } = await this.#client(regionOf(path, this.#env)).send(command);
      return SecretString ?? Buffer.from(SecretBinary ?? []).toString('utf8');
    } catch (error) {
      throw secretError(error, reference);
    }
  }

  #client(region: string | undefined): SecretsManagerClient {
    const known = this.#clients.get(region);
    if (known) return known;
    const client = new SecretsManagerClient({
      maxAttempts: ATTEMPTS,
      requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
      ...(region === undefined ? {} : { region }),
    });
    this.#clients.set(region, client);
    return client;
  }
}

/** `arn:aws:secretsmanager:<region>:…` */
function regionOf(name: string, env: Environment): string | undefined {
  const region = /^arn:[^:]+:secretsmanager:([^:]+):/.exec(name)?.[1];
  // The SDK itself does not know the second variable, which other tools do.
  return region || env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || undefined;
}

/** An error of the SDK without its text, which may quote what was sent. */
function secretError(error: unknown, reference: SecretReference): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message } = error;
  if (NOT_FOUND.has(name)) return secretNotFound(reference, name);
  if (DENIED.has(name))
    return secretDenied(reference, name, 'secretsmanager:GetSecretValue, and kms:Decrypt for its key');
  if (/^Region is missing/.test(message)) return unset('no region', 'AWS_REGION, or the ARN of the secret in the job');
  if (/CredentialsProvider|TokenProvider/.test(name)) {
    return unset('no credentials', 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role');
  }
  const code = hasErrnoCode(error) ? error.code : name;
  return storeUnavailable(reference, /^[A-Za-z_]{1,60}$/.test(code) ? code : 'no answer');
}

function unset(what: string, setting: string) {
  return fail('SECRET_STORE_UNSET', {
    received: `${what} for AWS Secrets Manager`,
    expected: 'what every AWS tool needs, where the job runs',
    next: `set ${setting}`,
  });
}
