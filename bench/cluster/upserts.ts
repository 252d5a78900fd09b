import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import { validateJob } from '../../config/validate.ts';
import { ingestWorkflowId, TASK_QUEUE } from '../../contracts/ids.ts';
import type { IngestInput, IngestResult } from '../../contracts/run.ts';
import { balances } from '../../contracts/run.ts';
import { storeJob } from '../../worker/job-store.ts';
import type { ingest } from '../../workflows/ingest.ts';
import type { Cluster } from './cluster.ts';

/** The table that all of them fill, in the namespace `shop`. */
export const SHARED_TABLE = 'orders';

const ROWS_PER_BATCH = 400;
/** Each batch changes half of the rows of the one before it. */
const NEW_PER_BATCH = ROWS_PER_BATCH / 2;
const IDS_PER_JOB = 10_000_000;

/** Durations that a lost worker costs; in production they are longer. */
const TIMEOUTS = { heartbeatMs: 5_000, retryInitialMs: 200 };

/** One job of several that upsert one table: batch by batch, each id with the number of its last batch. */
export class Upserter {
  readonly asset: string;
  /** The version that each id must have in the end. */
  readonly expected = new Map<number, number>();
  runs = 0;
  /** Of runs that did not succeed. */
  readonly failures: string[] = [];
  readonly #cluster: Cluster;
  readonly #first: number;
  #batch = 0;

  constructor(cluster: Cluster, index: number) {
    this.#cluster = cluster;
    this.asset = `orders_${index}`;
    this.#first = index * IDS_PER_JOB;
  }

  /** Writes the job file; all jobs fill one table. */
  async writeJob(rest = ''): Promise<string> {
    // Only the objects of a job with several have names of their own for their tables.
    const own = `own_${this.asset}`;
    const target = '  write_mode: upsert\n  primary_key: [id]\n  latest_by: version\n  shared: true\n';
    const file = await this.#cluster.writeJob(this.asset, [SHARED_TABLE, own], target, { rest });
    await writeFile(path.join(this.#cluster.source(this.asset, own), '1.csv'), 'id,version\n1,1\n');
    return file;
  }

  /** Adds a batch to the job's folder, whole or not at all. */
  async writeBatch(): Promise<void> {
    const version = ++this.#batch;
    const lines = ['id,version,note'];
    for (let row = 0; row < ROWS_PER_BATCH; row++) {
      const id = this.#first + (version - 1) * NEW_PER_BATCH + row;
      lines.push(`${id},${version},order ${id}`);
      this.expected.set(id, version);
    }
    const name = `${String(version).padStart(5, '0')}.csv`;
    await writeFile(path.join(this.#cluster.source(this.asset, SHARED_TABLE), name), `${lines.join('\n')}\n`);
  }

  /** One run of the job, to its end. */
  async run(client: Client, file: string): Promise<void> {
    const { job, problems } = await validateJob(file, { env: this.#cluster.environment });
    if (!job) throw new Error(problems.map((problem) => problem.message).join('\n'));
    const input: IngestInput = {
      job: await storeJob(job, { env: this.#cluster.environment }),
      tenant: job.tenant,
      asset: job.asset,
      objects: job.objects,
      options: { mode: 'incremental' },
      parallelChunks: 2,
      parallelObjects: 1,
      timeouts: TIMEOUTS,
    };
    const handle = await client.workflow.start<typeof ingest>('ingest', {
      taskQueue: TASK_QUEUE,
      workflowId: ingestWorkflowId(job.tenant, job.asset),
      args: [input],
      workflowTaskTimeout: '2s',
    });
    this.runs += 1;
    try {
      this.#judge(await handle.result());
    } catch (error) {
      this.failures.push(error instanceof WorkflowFailedError ? String(error.cause?.message) : String(error));
    }
  }

  #judge({ state, objects, recordFailure }: IngestResult): void {
    if (state !== 'success' && state !== 'unchanged') this.failures.push(state);
    if (recordFailure) this.failures.push(recordFailure.message);
    if (objects.some(({ counts }) => !balances(counts))) this.failures.push('a sum that does not balance');
  }
}
