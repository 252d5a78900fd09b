import { Context } from '@temporalio/activity';
import type { ActivityDependencies, OpenedJob } from '../activities/dependencies.ts';
import { readReferenced } from '../activities/working-folder.ts';
import type { JsonTree } from '../config/json-tree.ts';
import { valueAt } from '../config/json-tree.ts';
import { openStoredJob } from '../config/open-job.ts';
import { openStorageReference } from '../config/storage-reference.ts';
import { parseStoredJob } from '../config/stored-job.ts';
import type { CommitPoint } from '../connectors/iceberg/commit.ts';
import { catalogOf } from '../connectors/iceberg/open-catalog.ts';
import { IcebergReader } from '../connectors/iceberg/reader.ts';
import { IcebergSink } from '../connectors/iceberg/sink.ts';
import { ParquetSink } from '../connectors/parquet/sink.ts';
import { createSource } from '../connectors/registry.ts';
import { RoutingStorage, s3Settings } from '../connectors/storage/routing.ts';
import type { Storage } from '../connectors/storage/storage.ts';
import type { JobReference } from '../contracts/run.ts';
import type { WorkerBudget } from './budget.ts';
import { duckDbBudget } from './budget.ts';
import { lakeOf } from './lake-location.ts';
import { runningRuns } from './running-runs.ts';
import { openScratchFolder } from './scratch.ts';
import { readSecrets, rereading } from './secrets.ts';

const MiB = 1_048_576;

interface DependencyOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly budget: WorkerBudget;
  readonly reached?: ActivityDependencies['reached'];
}

/** What the activities of this process work with. */
export function createDependencies({ env, budget, reached = async () => {} }: DependencyOptions): ActivityDependencies {
  return {
    openJob: async (reference) => {
      const storage = await referencedStorage(reference, env);
      return openJob(await readReferenced(storage, reference), reference, env, reached);
    },
    openScratchFolder,
    budget: (spillFolder) => duckDbBudget(budget, spillFolder),
    now: () => new Date(),
    runningRuns: () => runningRuns(Context.current().client),
    reached,
    context: () => {
      try {
        return Context.current();
      } catch {
        // Outside of an activity: a dry run.
        return undefined;
      }
    },
  };
}

/** The storage that a stored job is in. */
async function referencedStorage({ storage }: JobReference, env: NodeJS.ProcessEnv): Promise<Storage> {
  const written = { ...storage?.settings };
  const secrets = await readSecrets(written, env);
  const open = () => openStorageReference(storage, { env, secrets });
  const reread = rereading(written, secrets, open);
  return new RoutingStorage(s3Settings(open(), reread));
}

/**
 * A stored job with its connectors. Its secrets are read; sections, and with them their variables, are opened when they
 * are used.
 */
export async function openJob(
  stored: unknown,
  { sha256 }: Pick<JobReference, 'sha256'>,
  env: NodeJS.ProcessEnv,
  reached: ActivityDependencies['reached'],
): Promise<OpenedJob> {
  const { job: written } = parseStoredJob(stored);
  const [writtenSource, writtenTarget] = [written['source'], written['target']];
  const secrets = await readSecrets([writtenSource ?? null, writtenTarget ?? null], env);
  const job = openStoredJob(stored, { env, secrets });
  const target = job.target();
  const storageOf = (section: JsonTree | undefined) => valueAt(section, ['storage']);
  const rereadTarget = rereading(storageOf(writtenTarget), secrets, () => job.target().storage);
  const rereadSource = rereading(storageOf(writtenSource), secrets, () => job.source().storage);
  const rereadConnection = rereading(valueAt(writtenSource, ['connection']), secrets, () => job.source().connection);
  const rereadCatalog = rereading(valueAt(writtenTarget, ['catalog']), secrets, () => job.target().catalog);
  const { workFolder, ...lake } = lakeOf(target, rereadTarget);
  const { storage } = lake;
  const catalog = catalogOf(target.catalog, lake, rereadCatalog);
  const iceberg = { ...lake, catalog, reached: (point: CommitPoint) => reached(`commit:${point}`) };
  const owner = () => ({ job: `${job.tenant}/${job.asset}/${job.source().connector}`, shared: target.shared });
  return {
    tenant: job.tenant,
    asset: job.asset,
    digest: sha256,
    namespace: target.namespace,
    tableOf: (object) => job.table(object),
    schemaMode: job.schemaMode(),
    writeMode: target.write_mode,
    primaryKey: target.primary_key ?? [],
    latestBy: target.latest_by,
    layout: { partitionBy: target.partition_by, sortBy: target.sort_by },
    overwrites: target.overwrite,
    maxBadRows: job.source().max_bad_rows,
    fileSizeBytes: target.target_file_size_mb * MiB,
    workFolder,
    storage,
    openSource: () => {
      const { connector, path, objects, ...rest } = job.source();
      const source = { ...rest, path: [...path], objects: [...objects] };
      return createSource(connector, {
        source,
        asset: job.asset,
        contractOf: (object) => job.contract(object),
        rereadStorage: rereadSource,
        rereadConnection,
      });
    },
    openSink: () =>
      target.connector === 'parquet'
        ? new ParquetSink({ ...lake, owner: owner() })
        : new IcebergSink({ ...iceberg, owner: owner() }),
    openRecords: () => new IcebergSink(iceberg),
    shared: target.shared,
    findCatalog: () => catalog.find(),
    rowsWithin: async (name, range, session) => {
      if (target.connector !== 'iceberg') return undefined;
      const reader = await IcebergReader.open(storage, lake.warehouse, catalog);
      try {
        if (!(await reader.tables(name.namespace)).includes(name.table)) return undefined;
        return await reader.selectWithin(name, range, session);
      } finally {
        reader.close();
      }
    },
    cursorField: job.source().incremental.cursor_field,
    transformations: () => job.transformations(),
    contractOf: (object) => job.contract(object),
  };
}
