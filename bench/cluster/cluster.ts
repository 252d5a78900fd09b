import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FaultyProxy } from '../../test/support/faulty-proxy.ts';
import { someFail, startFaultyProxy } from '../../test/support/faulty-proxy.ts';
import type { RestServer } from '../../test/support/iceberg-rest.ts';
import { startIcebergRest } from '../../test/support/iceberg-rest.ts';
import type { S3Server } from '../../test/support/s3.ts';
import { startS3 } from '../../test/support/s3.ts';
import { BenchServer } from '../server.ts';

const FAULTY_WORKER = fileURLToPath(new URL('../../test/support/faulty-worker.ts', import.meta.url));
/** Of the catalog's answers to a commit, every so many is a 500 although it is done. */
const COMMITS_PER_500 = 5;

export interface ClusterOptions {
  readonly workers: number;
  /** One call to S3 in ten fails and one in a hundred stalls; every fifth commit is answered with 500. */
  readonly faults: boolean;
}

/** A Temporal server, an S3, Apache's REST catalog and workers that share them, each a process that can be killed. */
export class Cluster implements AsyncDisposable {
  readonly folder: string;
  readonly temporal: BenchServer;
  readonly catalog: RestServer;
  readonly bucket: string;
  readonly workers: ChildProcess[] = [];
  s3: S3Server;
  readonly #proxies: readonly FaultyProxy[];
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(
    folder: string,
    servers: { temporal: BenchServer; catalog: RestServer; s3: S3Server; bucket: string },
    proxies: readonly FaultyProxy[],
  ) {
    this.folder = folder;
    this.temporal = servers.temporal;
    this.catalog = servers.catalog;
    this.s3 = servers.s3;
    this.bucket = servers.bucket;
    this.#proxies = proxies;
    const [s3Proxy, catalogProxy] = proxies;
    this.#environment = {
      CLUSTER_S3: s3Proxy?.url ?? servers.s3.endpoint,
      CLUSTER_CATALOG: catalogProxy?.url ?? servers.catalog.uri,
      CLUSTER_KEY: servers.s3.accessKeyId,
      CLUSTER_SECRET: servers.s3.secretAccessKey,
    };
  }

  static async start(folder: string, { workers, faults }: ClusterOptions): Promise<Cluster> {
    await mkdir(path.join(folder, 's3'), { recursive: true });
    const s3 = await startS3({ folder: path.join(folder, 's3') });
    const [temporal, catalog, bucket] = await Promise.all([
      BenchServer.start(folder),
      startIcebergRest(s3),
      s3.bucket(),
    ]);
    let commits = 0;
    const proxies = faults
      ? await Promise.all([
          startFaultyProxy(s3.endpoint, someFail()),
          startFaultyProxy(catalog.uri, ({ method, url }) =>
            method === 'POST' && /\/tables\/|transactions/.test(url) && ++commits % COMMITS_PER_500 === 0
              ? 'failed after'
              : undefined,
          ),
        ])
      : [];
    const cluster = new Cluster(folder, { temporal, catalog, s3, bucket }, proxies);
    for (let index = 0; index < workers; index++) await cluster.startWorker(index);
    return cluster;
  }

  /** What went wrong on the way to S3 and to the catalog. */
  get faults(): number {
    return this.#proxies.reduce((sum, { faults }) => sum + faults.length, 0);
  }

  /** Variables that jobs refer to. */
  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, ...this.#environment };
  }

  /** A worker with this place in the list; the one that was there must have ended. */
  async startWorker(index: number): Promise<ChildProcess> {
    const args = [FAULTY_WORKER, this.temporal.address, 'none', ''];
    const worker = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: this.environment });
    worker.stderr.pipe(createWriteStream(path.join(this.folder, `worker-${index}.log`), { flags: 'a' }));
    this.workers[index] = worker;
    await once(worker.stdout, 'data');
    return worker;
  }

  async killWorker(index: number): Promise<void> {
    const worker = this.workers[index];
    if (worker) await ended(worker, 'SIGKILL');
    await this.startWorker(index);
  }

  async killCatalog(): Promise<void> {
    await this.catalog.kill();
    await this.catalog.start();
  }

  async killS3(): Promise<void> {
    const port = Number(new URL(this.s3.endpoint).port);
    await this.s3[Symbol.asyncDispose]();
    this.s3 = await startS3({ folder: path.join(this.folder, 's3'), port });
  }

  /** Where the CSV files of an object of a job are. */
  source(asset: string, object: string): string {
    return path.join(this.folder, 'data', asset, object);
  }

  /**
   * Writes a job that fills tables of the cluster's lake from folders of CSV files, and returns its file; `files` tells
   * their names, `rest` is the end of the job.
   */
  async writeJob(
    asset: string,
    objects: readonly string[],
    target: string,
    { files = '*.csv', rest = '' } = {},
  ): Promise<string> {
    for (const object of objects) await mkdir(this.source(asset, object), { recursive: true });
    const file = path.join(this.folder, `${asset}.yaml`);
    await writeFile(
      file,
      `source_connector: csv
asset: ${asset}
source: { path: "data/${asset}/{object}/${files}", objects: [${objects.join(', ')}] }
target:
  namespace: shop
  warehouse: s3://${this.bucket}/lake
  storage: { endpoint: "\${CLUSTER_S3}", access_key_id: "\${CLUSTER_KEY}", secret_access_key: "\${CLUSTER_SECRET}" }
  catalog: { type: rest, uri: "\${CLUSTER_CATALOG}" }
${target}${rest}`,
    );
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.workers.map((worker) => ended(worker, 'SIGTERM')));
    for (const proxy of this.#proxies) await proxy[Symbol.asyncDispose]();
    await this.catalog[Symbol.asyncDispose]();
    await this.s3[Symbol.asyncDispose]();
    await this.temporal.stop();
  }
}

async function ended(worker: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const gone = once(worker, 'exit');
  worker.kill(signal);
  await gone;
}
