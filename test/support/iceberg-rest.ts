import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { freePorts, LOOPBACK } from '../../worker/dev-server/ports.ts';
import { prepareIcebergRest } from './catalog-servers.ts';
import { temporaryFolder } from './duckdb.ts';
import type { S3Server } from './s3.ts';
import { startServerProcess } from './server-process.ts';
import { started } from './temporal.ts';

export interface RestServer extends AsyncDisposable {
  readonly uri: string;
  readonly port: number;
  /** Ends as if its machine had stopped. */
  kill(): Promise<void>;
  /** Another one on the same port, with the data that `kill` left. */
  start(): Promise<void>;
}

/** Apache's own implementation of the REST catalog, for tables on the local disk or in an object store. */
export async function startIcebergRest(s3?: S3Server): Promise<RestServer> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const library = await prepareIcebergRest();
  const [port = 0] = await freePorts(1);
  const uri = `http://${LOOPBACK}:${port}`;
  const start = () =>
    startServerProcess({
      command: 'java',
      args: [
        ...['-Xmx384m', '-cp', path.join(library, '*')],
        path.join(import.meta.dirname, 'IcebergRestServer.java'),
        String(port),
        'catalog-impl=org.apache.iceberg.jdbc.JdbcCatalog',
        `uri=jdbc:sqlite:${path.join(folder.path, 'catalog.db')}`,
        'jdbc.schema-version=V1',
        // SQLite has one writer; a second connection would be answered with SQLITE_BUSY.
        'clients=1',
        `warehouse=file://${folder.path}`,
        ...(s3 === undefined ? [] : s3Properties(s3)),
      ],
      env: { AWS_REGION: 'us-east-1' },
      readyAt: `${uri}/v1/config`,
      readyWithinMs: 90_000,
    });
  let server = await start();
  stack.defer(() => server.kill());
  const running = stack.move();
  return {
    uri,
    port,
    kill: () => server.kill(),
    async start() {
      server = await start();
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function s3Properties({ endpoint, accessKeyId, secretAccessKey }: S3Server): string[] {
  return [
    'io-impl=org.apache.iceberg.io.ResolvingFileIO',
    `s3.endpoint=${endpoint}`,
    's3.path-style-access=true',
    `s3.access-key-id=${accessKeyId}`,
    `s3.secret-access-key=${secretAccessKey}`,
    'client.region=us-east-1',
  ];
}

/** A server for the tests of one file, stopped after them. */
export function useIcebergRest(s3?: () => S3Server): () => RestServer {
  let server: RestServer | undefined;
  beforeAll(async () => {
    server = await startIcebergRest(s3?.());
  }, 900_000);
  afterAll(() => server?.[Symbol.asyncDispose]());
  return () => started(server);
}
