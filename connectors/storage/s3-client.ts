import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { S3Client } from '@aws-sdk/client-s3';
import { isRefusal } from './s3-errors.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** When they end, if that is known. */
  readonly expiration?: Date;
}

/** Credentials that come to their end, and others after them. */
export interface CredentialSource {
  /** What to sign with now. */
  current(): Promise<S3Credentials>;
  /** The store did not accept these. */
  refused(credentials: S3Credentials): void;
}

/** Where an object store is and who asks. What is left out is found as every AWS tool finds it. */
export interface S3Settings {
  /** Address of a store other than AWS, such as `http://127.0.0.1:9000`. */
  readonly endpoint?: string;
  readonly region?: string;
  /** The bucket in the path rather than in the host name. Default: true with an endpoint, false without. */
  readonly pathStyle?: boolean;
  /** Given, or asked for with each request (lent by a catalog). Default: the SDK's usual chain. */
  readonly credentials?: S3Credentials | CredentialSource;
  /** How long nothing may be heard from the store before a request is given up and sent again. */
  readonly idleTimeoutMs?: number;
}

const IDLE_TIMEOUT_MS = 20_000;
const CONNECTION_TIMEOUT_MS = 5_000;
/** With the SDK's backoff, doubling from 50 ms and jittered, this bridges about six seconds of a store that fails. */
const ATTEMPTS = 8;
/** What stores other than AWS answer to when they are not told where they are. */
const DEFAULT_REGION = 'us-east-1';

const clients = new Map<string, S3Client>();
const CLIENTS_KEPT = 32;

/** A client for these settings; one for all who ask with the same ones, since it holds connections. */
export function s3Client(settings: S3Settings): S3Client {
  if (isSource(settings.credentials)) return createClient(settings);
  const key = JSON.stringify(settings);
  const client = clients.get(key) ?? createClient(settings);
  // The one that was used last is at the end; the first one is dropped, and its idle connections with it.
  clients.delete(key);
  clients.set(key, client);
  const [oldest] = clients.keys();
  if (clients.size > CLIENTS_KEPT && oldest !== undefined) clients.delete(oldest);
  return client;
}

function createClient({ endpoint, region, pathStyle, credentials, idleTimeoutMs }: S3Settings): S3Client {
  const { env } = process;
  const foreign = endpoint ?? env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  const known = region ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? (foreign ? DEFAULT_REGION : undefined);
  const config: S3ClientConfig = {
    maxAttempts: ATTEMPTS,
    retryMode: 'standard',
    followRegionRedirects: true,
    forcePathStyle: pathStyle ?? Boolean(foreign),
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      // Of silence, not of the whole request: a part of 16 MiB may take its time on a slow line.
      socketTimeout: idleTimeoutMs ?? IDLE_TIMEOUT_MS,
    },
    // The SDK warns on the console about what an error says better.
    logger: { debug() {}, info() {}, warn() {}, error() {}, trace() {} },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(known === undefined ? {} : { region: known }),
    ...(credentials === undefined ? {} : { credentials: isSource(credentials) ? asked(credentials) : credentials }),
  };
  const client = new S3Client(config);
  if (isSource(credentials)) renewRefused(client, credentials);
  return client;
}

function isSource(credentials: S3Settings['credentials']): credentials is CredentialSource {
  return credentials !== undefined && 'current' in credentials;
}

/** The SDK keeps what has not ended; the source knows better when that is. */
function asked(source: CredentialSource): () => Promise<S3Credentials> {
  return async () => ({ ...(await source.current()), expiration: new Date() });
}

/** Sends a request once more with other credentials when its own were not accepted. */
function renewRefused(client: S3Client, source: CredentialSource): void {
  client.middlewareStack.add(
    (next) => async (request) => {
      const used = await source.current();
      try {
        return await next(request);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        source.refused(used);
        return next(request);
      }
    },
    { step: 'initialize', name: 'renewRefusedCredentials' },
  );
}
