import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll } from 'vitest';
import type { S3Settings } from '../../connectors/storage/s3-client.ts';
import { s3Client } from '../../connectors/storage/s3-client.ts';
import { freePorts, LOOPBACK } from '../../worker/dev-server/ports.ts';
import { temporaryFolder } from './duckdb.ts';
import { goBinary } from './go-binary.ts';
import { ROW_MARKER } from './marker.ts';
import { started } from './temporal.ts';
import { VERSITYGW } from './versitygw.ts';

const REGION = 'us-east-1';
const READY_WITHIN_MS = 20_000;
/** The first test of a machine may have to wait for the server to be built. */
const BUILT_WITHIN_MS = 45 * 60_000;

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** What connects as the owner of everything. */
  readonly settings: S3Settings & { readonly endpoint: string };
  /** Makes a bucket of its own and returns its name. */
  bucket(): Promise<string>;
}

export interface S3Options {
  /** A folder that outlives the server, so that another one can go on with it. */
  readonly folder?: string;
  readonly port?: number;
  readonly readOnly?: boolean;
  /** Whether others than its owner may have keys; see `S3Accounts`. */
  readonly hasAccounts?: boolean;
}

/**
 * A real S3: the one at S3_ENDPOINT (with S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY and S3_REGION), or a versitygw of its
 * own. Given options ask for one of its own.
 */
export async function startS3(options: S3Options = {}): Promise<S3Server> {
  const { S3_ENDPOINT: given, S3_ACCESS_KEY_ID = '', S3_SECRET_ACCESS_KEY = '', S3_REGION = REGION } = process.env;
  if (given && Object.keys(options).length === 0) {
    return serverAt(given, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, async () => undefined);
  }
  await using stack = new AsyncDisposableStack();
  const folder = options.folder ?? stack.use(await temporaryFolder()).path;
  const binary = await goBinary(VERSITYGW);
  const [port = 0] = options.port === undefined ? await freePorts(1) : [options.port];
  const [objects, meta] = [path.join(folder, 'objects'), path.join(folder, 'meta')];
  const accounts = path.join(folder, 'accounts');
  for (const name of [objects, meta, accounts]) await mkdir(name, { recursive: true });
  // The suite's end searches histories and logs for the marker.
  const [accessKeyId, secretAccessKey] = ['test-key', `secret-${ROW_MARKER}`];
  const child = spawn(
    binary,
    [
      // Without --keep-alive: it then reads what is left of one request's body as the next one, and PyIceberg's uploads
      // end in status 400 every other time.
      ...['--port', `${LOOPBACK}:${port}`, '--region', REGION, '--quiet'],
      ...(options.readOnly ? ['--readonly'] : []),
      ...(options.hasAccounts ? ['--iam-dir', accounts] : []),
      // Not every file system has extended attributes.
      ...['posix', '--sidecar', meta, objects],
    ],
    { env: { ...process.env, ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey }, stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  stack.defer(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  await listening(port, () => child.exitCode !== null);
  const running = stack.move();
  return serverAt(`http://${LOOPBACK}:${port}`, REGION, accessKeyId, secretAccessKey, () => running.disposeAsync());
}

function serverAt(
  endpoint: string,
  region: string,
  accessKeyId: string,
  secretAccessKey: string,
  stop: () => Promise<void>,
): S3Server {
  const settings = { endpoint, region, pathStyle: true, credentials: { accessKeyId, secretAccessKey } };
  return {
    endpoint,
    region,
    accessKeyId,
    secretAccessKey,
    settings,
    async bucket() {
      const name = `test-${randomUUID()}`;
      await s3Client(settings).send(new CreateBucketCommand({ Bucket: name }));
      return name;
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** A server for the tests of one file, stopped after them. */
export function useS3(options: S3Options = {}): () => S3Server {
  let server: S3Server | undefined;
  beforeAll(async () => {
    server = await startS3(options);
  }, BUILT_WITHIN_MS);
  afterAll(() => server?.[Symbol.asyncDispose]());
  return () => started(server);
}

async function listening(port: number, hasExited: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + READY_WITHIN_MS;
  while (!(await answers(port))) {
    if (hasExited() || Date.now() > giveUpAt) throw new Error('versitygw did not start');
    await sleep(20);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port });
    const settle = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}
