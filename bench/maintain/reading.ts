import { spawn } from 'node:child_process';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { s3Client } from '../../connectors/storage/s3-client.ts';
import { startFaultyProxy } from '../../test/support/faulty-proxy.ts';
import { testPython } from '../../test/support/python.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { median } from '../measure.ts';

const SCRIPT = fileURLToPath(new URL('scan.py', import.meta.url));
const ROUNDS = 3;

const answerSchema = z.object({
  rounds: z.array(z.object({ files: z.number(), rows: z.number(), planSeconds: z.number(), scanSeconds: z.number() })),
});

/** What it takes to read a table, with PyIceberg. */
export interface Reading {
  /** Data files that a scan of all rows is planned over. */
  readonly files: number;
  readonly rows: number;
  /** From the catalog to the list of data files; medians. */
  readonly planSeconds: number;
  readonly scanSeconds: number;
  readonly plan: Traffic;
  /** Of a scan, its planning included. */
  readonly scan: Traffic;
  /** Everything in the table's folder, for older snapshots too. */
  readonly stored: { readonly objects: number; readonly bytes: number };
}

/** Between the reader and the object store. */
export interface Traffic {
  readonly requests: number;
  readonly bytes: number;
}

/** Times are taken without anything between PyIceberg and S3; then its requests go through a proxy that counts. */
export async function readTable(cluster: Cluster, table: string): Promise<Reading> {
  const direct = await scan(cluster, table, cluster.s3.endpoint, ROUNDS, true);
  const [first] = direct;
  if (!first) throw new Error('a scan without a round');
  const [plan, both] = [await trafficOf(cluster, table, false), await trafficOf(cluster, table, true)];
  return {
    files: first.files,
    rows: first.rows,
    planSeconds: median(direct.map(({ planSeconds }) => planSeconds)),
    scanSeconds: median(direct.map(({ scanSeconds }) => scanSeconds)),
    plan,
    scan: { requests: both.requests - plan.requests, bytes: both.bytes - plan.bytes },
    stored: await stored(cluster, table),
  };
}

async function trafficOf(cluster: Cluster, table: string, scans: boolean): Promise<Traffic> {
  await using proxy = await startFaultyProxy(cluster.s3.endpoint, () => undefined);
  await scan(cluster, table, proxy.url, 1, scans);
  return { requests: proxy.calls, bytes: proxy.bytes };
}

async function scan({ catalog, s3 }: Cluster, table: string, endpoint: string, rounds: number, scans: boolean) {
  const child = spawn(await testPython(), ['-W', 'ignore', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const properties = {
    type: 'rest',
    uri: catalog.uri,
    's3.endpoint': endpoint,
    's3.region': s3.region,
    's3.access-key-id': s3.accessKeyId,
    's3.secret-access-key': s3.secretAccessKey,
  };
  child.stdin.end(JSON.stringify({ catalog: properties, table, rounds, scans }));
  return answerSchema.parse(await json(child.stdout)).rounds;
}

async function stored({ s3, bucket }: Cluster, table: string): Promise<Reading['stored']> {
  const folder = { Bucket: bucket, Prefix: `lake/${table.replace('.', '/')}/` };
  let [objects, bytes] = [0, 0];
  for await (const page of paginateListObjectsV2({ client: s3Client(s3.settings) }, folder)) {
    for (const { Size } of page.Contents ?? []) {
      objects += 1;
      bytes += Size ?? 0;
    }
  }
  return { objects, bytes };
}
