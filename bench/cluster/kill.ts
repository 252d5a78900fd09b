import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { Cluster } from './cluster.ts';
import { keepMaintaining, maintainTable } from './maintenance.ts';
import { Upserter } from './upserts.ts';
import type { Verdict } from './verdict.ts';
import { judgeTable } from './verdict.ts';

const WORKERS = 3;
const BETWEEN_KILLS_MS = 3_000;

export interface ClusterKill {
  readonly jobs: number;
  readonly runs: number;
  readonly kills: number;
  readonly faults: number;
  readonly maintained: number;
  readonly failures: readonly string[];
  readonly verdict: Verdict;
}

/**
 * Jobs that upsert one table, run after run, while workers, S3 and the catalog are killed in turn, calls to both fail,
 * and the table is maintained; then everything is left to end, and the table is maintained once more and judged.
 */
export async function killCluster(jobs: number, seconds: number): Promise<ClusterKill> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dativo-cluster-'));
  await using cluster = await Cluster.start(folder, { workers: WORKERS, faults: true });
  const connection = await Connection.connect({ address: cluster.temporal.address });
  const client = new Client({ connection });
  const upserters = Array.from({ length: jobs }, (_, index) => new Upserter(cluster, index));
  const files = await Promise.all(upserters.map((upserter) => upserter.writeJob()));
  const over = new AbortController();
  setTimeout(() => over.abort(), seconds * 1_000);
  const [anyFile = ''] = files;

  const working = upserters.map(async (upserter, index) => {
    while (!over.signal.aborted) {
      await upserter.writeBatch();
      await upserter.run(client, files[index] ?? '');
    }
  });
  const killing = killInTurn(cluster, over.signal);
  // The first run makes the table.
  await Promise.race([working[0], sleep(10_000)]);
  const maintaining = keepMaintaining(cluster, client, anyFile, over.signal);
  const kills = await killing;
  await Promise.all(working);
  const { done, failures } = await maintaining;

  // Everything is quiet: nothing may be left over, and everything that is referred to must be there.
  const last = await maintainTable(cluster, client, anyFile, { keepLast: 1, olderThanMs: 0, orphansOlderThanMs: 0 });
  const expected = new Map(upserters.flatMap(({ expected: ids }) => [...ids]));
  const verdict = await judgeTable(cluster, expected);
  await connection.close();
  const { faults } = cluster;
  const result = {
    jobs,
    runs: upserters.reduce((sum, { runs }) => sum + runs, 0),
    kills,
    faults,
    maintained: done + 1,
    failures: [
      ...upserters.flatMap((upserter) => upserter.failures),
      ...failures,
      ...(last.state === 'success' || last.state === 'unchanged' ? [] : [`the last maintenance: ${last.state}`]),
    ],
    verdict,
  };
  if (isGood(result)) await rm(folder, { recursive: true, force: true });
  else console.error(`kept for inspection: ${folder}`);
  return result;
}

export function isGood({ verdict, failures }: ClusterKill): boolean {
  const { lost, duplicated, stale, dangling, orphans } = verdict;
  return failures.length === 0 && lost + duplicated + stale + dangling + orphans === 0;
}

/** Kills a worker, S3, a worker, the catalog, …, one after the other; returns how often. */
async function killInTurn(cluster: Cluster, signal: AbortSignal): Promise<number> {
  for (let kills = 0; ; kills++) {
    await sleep(BETWEEN_KILLS_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return kills;
    if (kills % 4 === 1) await cluster.killS3();
    else if (kills % 4 === 3) await cluster.killCatalog();
    else await cluster.killWorker((kills / 2) % WORKERS);
  }
}
