import { Context } from '@temporalio/activity';
import type { ActivityDependencies, OpenedJob } from '../activities/dependencies.ts';
import { readReferenced } from '../activities/working-folder.ts';
import type { OpenTarget } from '../config/open-job.ts';
import { openStoredJob } from '../config/open-job.ts';
import { IcebergReader } from '../connectors/iceberg/reader.ts';
import { IcebergSink } from '../connectors/iceberg/sink.ts';
import { ParquetSink } from '../connectors/parquet/sink.ts';
import { createSource } from '../connectors/registry.ts';
import type { Sink } from '../connectors/sink.ts';
import { LocalStorage, localUri } from '../connectors/storage/local.ts';
import type { JsonReference } from '../contracts/run.ts';
import type { WorkerBudget } from './budget.ts';
import { duckDbBudget } from './budget.ts';
import { lakeOf } from './lake-location.ts';
import { openScratchFolder } from './scratch.ts';

const MiB = 1_048_576;

interface DependencyOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly budget: WorkerBudget;
  readonly reached?: ActivityDependencies['reached'];
}

/** What the activities of this process work with. */
export function createDependencies({ env, budget, reached = async () => {} }: DependencyOptions): ActivityDependencies {
  const storage = new LocalStorage();
  return {
    openJob: async (reference) => openJob(await readReferenced(storage, reference), reference, env, reached),
    openScratchFolder,
    budget: (spillFolder) => duckDbBudget(budget, spillFolder),
    now: () => new Date(),
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

/** A stored job with its connectors. Sections, and with them their variables, are opened when they are used. */
export function openJob(
  stored: unknown,
  { sha256 }: Pick<JsonReference, 'sha256'>,
  env: NodeJS.ProcessEnv,
  reached: ActivityDependencies['reached'],
): OpenedJob {
  const job = openStoredJob(stored, { env });
  const target = job.target();
  const { storage, workFolder } = lakeOf(target);
  const iceberg = () =>
    new IcebergSink({ storage, warehouse: localUri(target.warehouse), reached: (point) => reached(`commit:${point}`) });
  return {
    tenant: job.tenant,
    asset: job.asset,
    digest: sha256,
    namespace: target.namespace,
    tableOf: (object) => job.table(object),
    schemaMode: job.schemaMode(),
    writeMode: target.write_mode === 'overwrite' ? 'overwrite' : 'append',
    maxBadRows: job.source().max_bad_rows,
    fileSizeBytes: target.target_file_size_mb * MiB,
    workFolder,
    storage,
    openSource: () => {
      const { connector, path, objects, ...rest } = job.source();
      const source = { ...rest, path: [...path], objects: [...objects] };
      return createSource(connector, { source, asset: job.asset, contractOf: (object) => job.contract(object) });
    },
    openSink: () => (target.connector === 'parquet' ? openParquet(target) : iceberg()),
    openRecords: iceberg,
    rowsOf: async (namespace, table) => {
      if (target.connector !== 'iceberg') return undefined;
      const reader = await IcebergReader.open(storage, localUri(target.warehouse));
      try {
        return (await reader.tables(namespace)).includes(table) ? await reader.select({ namespace, table }) : undefined;
      } finally {
        reader.close();
      }
    },
    cursorField: job.source().incremental.cursor_field,
    transformations: () => job.transformations(),
    contractOf: (object) => job.contract(object),
  };
}

function openParquet(target: OpenTarget): Sink {
  return new ParquetSink({ storage: new LocalStorage(), warehouse: localUri(target.warehouse) });
}
