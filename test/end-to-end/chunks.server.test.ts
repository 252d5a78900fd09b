import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { FaultPoint } from '../../activities/dependencies.ts';
import { fail } from '../../contracts/errors.ts';
import { queryLake } from '../../worker/lake/query.ts';
import { jobFolder } from '../support/job-folder.ts';
import { onlyObject, runJob } from '../support/run-job.ts';
import { useClient } from '../support/temporal.ts';
import { startTestWorker } from '../support/worker.ts';

const client = useClient();

/** A job of five chunks: at most 200 files go into one. */
async function fiveChunks() {
  const files = Array.from({ length: 810 }, (_, id) => [`data/${String(id).padStart(4, '0')}.csv`, `id\n${id}\n`]);
  const asset = `chunks_${randomUUID().slice(0, 8)}`;
  const job = `source_connector: csv\nasset: ${asset}\nsource: { path: data/*.csv }\ntarget: { namespace: shop, warehouse: lake }\n`;
  const folder = await jobFolder({ ...Object.fromEntries(files), 'job.yaml': job });
  const sql = `SELECT count(*), count(DISTINCT id) FROM shop.${asset}`;
  const count = async () => (await queryLake({ warehouse: path.join(folder, 'lake') }, sql, { limit: 1 })).rows[0];
  return { file: path.join(folder, 'job.yaml'), count };
}

test('a chunk that fails is read again, and those before it in its activity are not', async () => {
  let reads = 0;
  const reached = async (point: FaultPoint) => {
    if (point !== 'extract:before-read') return;
    reads += 1;
    // The second chunk of an activity, or the first one of another: whatever was done before stays done.
    if (reads === 3) throw fail('STORAGE_IO', { received: 'no answer', expected: 'one', next: 'it is tried again' });
  };
  const worker = await startTestWorker({ reached, env: { ...process.env, DATIVO_HEAVY_ACTIVITIES: '1' } });
  try {
    const { file, count } = await fiveChunks();
    const object = onlyObject(await runJob(client(), file));
    expect([object.state, object.chunks, object.counts.read, reads]).toEqual(['success', 5, 810, 6]);
    expect((await count())?.map(Number)).toEqual([810, 810]);
  } finally {
    await worker.shutdown();
  }
});
