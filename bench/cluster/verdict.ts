import { spawn } from 'node:child_process';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { s3Client } from '../../connectors/storage/s3-client.ts';
import { testPython } from '../../test/support/python.ts';
import type { Cluster } from './cluster.ts';
import { SHARED_TABLE } from './upserts.ts';

const verdictSchema = z.object({
  rows: z.number(),
  lost: z.number(),
  duplicated: z.number(),
  stale: z.number(),
  dangling: z.number(),
  orphans: z.number(),
  examples: z.array(z.string()),
});
export type Verdict = z.infer<typeof verdictSchema>;

/** What PyIceberg says of the shared table, past every proxy. */
export async function judgeTable(cluster: Cluster, expected: ReadonlyMap<number, number>): Promise<Verdict> {
  const { s3, catalog, bucket } = cluster;
  const objects: string[] = [];
  const folder = { Bucket: bucket, Prefix: `lake/shop/${SHARED_TABLE}/` };
  for await (const page of paginateListObjectsV2({ client: s3Client(s3.settings) }, folder)) {
    for (const { Key } of page.Contents ?? []) objects.push(`s3://${bucket}/${Key}`);
  }
  const script = fileURLToPath(new URL('judge.py', import.meta.url));
  const child = spawn(await testPython(), [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const request = {
    catalog: {
      type: 'rest',
      uri: catalog.uri,
      's3.endpoint': s3.endpoint,
      's3.region': s3.region,
      's3.access-key-id': s3.accessKeyId,
      's3.secret-access-key': s3.secretAccessKey,
    },
    table: `shop.${SHARED_TABLE}`,
    expected: Object.fromEntries(expected),
    objects,
  };
  child.stdin.end(JSON.stringify(request));
  return verdictSchema.parse(await json(child.stdout));
}
