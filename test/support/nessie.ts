import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { freePorts, LOOPBACK } from '../../worker/dev-server/ports.ts';
import { prepareNessie } from './catalog-servers.ts';
import { temporaryFolder } from './duckdb.ts';
import type { S3Server } from './s3.ts';
import { startServerProcess } from './server-process.ts';
import { started } from './temporal.ts';

export interface NessieServer extends AsyncDisposable {
  /** Address of its Iceberg REST catalog. */
  readonly uri: string;
  /** Address of its own API. */
  readonly api: string;
  /** Where its warehouse is: `s3://bucket`. */
  readonly warehouse: string;
}

/** Nessie with its state in memory and a warehouse in a bucket of its own: it serves object stores alone. */
export async function startNessie(s3: S3Server): Promise<NessieServer> {
  await using stack = new AsyncDisposableStack();
  const { path: folder } = stack.use(await temporaryFolder());
  const { java, jar } = await prepareNessie();
  const [port = 0, management = 0] = await freePorts(2);
  const bucket = await s3.bucket();
  const settings = path.join(folder, 'nessie.properties');
  await writeFile(settings, properties(s3, { port, management, bucket }));
  const uri = `http://${LOOPBACK}:${port}/iceberg`;
  stack.use(
    await startServerProcess({
      command: java,
      args: ['-Xmx512m', `-Dquarkus.config.locations=${settings}`, '-jar', jar],
      cwd: folder,
      readyAt: `${uri}/v1/config`,
      readyWithinMs: 180_000,
    }),
  );
  const running = stack.move();
  return {
    uri,
    api: `http://${LOOPBACK}:${port}/api/v2`,
    warehouse: `s3://${bucket}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

interface Place {
  readonly port: number;
  readonly management: number;
  readonly bucket: string;
}

function properties({ endpoint, region, accessKeyId, secretAccessKey }: S3Server, place: Place): string {
  const s3 = 'nessie.catalog.service.s3.default-options';
  return [
    'nessie.version.store.type=IN_MEMORY',
    'nessie.server.authentication.enabled=false',
    `quarkus.http.host=${LOOPBACK}`,
    `quarkus.http.port=${place.port}`,
    `quarkus.management.host=${LOOPBACK}`,
    `quarkus.management.port=${place.management}`,
    'nessie.catalog.default-warehouse=tests',
    `nessie.catalog.warehouses.tests.location=s3://${place.bucket}/`,
    `${s3}.region=${region}`,
    `${s3}.path-style-access=true`,
    `${s3}.endpoint=${endpoint}`,
    `${s3}.auth-type=STATIC`,
    `${s3}.access-key=urn:nessie-secret:quarkus:keys`,
    `keys.name=${accessKeyId}`,
    `keys.secret=${secretAccessKey}`,
    `${s3}.request-signing-enabled=false`,
    '',
  ].join('\n');
}

/** A server for the tests of one file, stopped after them. */
export function useNessie(s3: () => S3Server): () => NessieServer {
  let server: NessieServer | undefined;
  beforeAll(async () => {
    server = await startNessie(s3());
  }, 900_000);
  afterAll(() => server?.[Symbol.asyncDispose]());
  return () => started(server);
}
