import { randomUUID } from 'node:crypto';
import { validateJob } from '../../config/validate.ts';
import { writeParquet } from '../../connectors/duckdb/parquet-file.ts';
import { DuckDbSession } from '../../connectors/duckdb/session.ts';
import { createDependencies } from '../../worker/dependencies.ts';
import { storeJob } from '../../worker/job-store.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { ORDERS_SCHEMA, ordersSql } from '../upsert/table.ts';

const MiB = 1_048_576;

/** Fills a table of the job's lake as so many small runs would: each commits one file. */
export async function writeSmallFiles(
  cluster: Cluster,
  jobFile: string,
  table: string,
  files: number,
  rowsPerFile: number,
): Promise<void> {
  const env = cluster.environment;
  const { job: loaded, problems } = await validateJob(jobFile, { env });
  if (!loaded) throw new Error(problems.map(({ message }) => message).join('\n'));
  const budget = { heavyActivities: 1, memoryBytesPerActivity: 256 * MiB, threadsPerActivity: 2 };
  const deps = createDependencies({ env, budget });
  const job = await deps.openJob(await storeJob(loaded, { env }));
  await using scratch = await deps.openScratchFolder();
  await using session = await DuckDbSession.open(deps.budget(scratch.path), new AbortController().signal);
  const sink = job.openRecords();
  try {
    for (let file = 0; file < files; file++) {
      const runId = randomUUID();
      const opened = await sink.open(job.namespace, table);
      const plan = opened.prepare(ORDERS_SCHEMA, { evolve: false });
      const ids = `SELECT i AS id FROM range(${file * rowsPerFile}, ${(file + 1) * rowsPerFile}) t(i)`;
      const written = await writeParquet(
        session,
        ordersSql(ids, 0),
        plan.fileSchema,
        opened.dataFolder(runId, 'c00000', 1),
        { storage: job.storage, fileSizeBytes: job.fileSizeBytes },
      );
      await sink.commit(runId, [{ plan, mode: 'append', files: written }]);
    }
  } finally {
    sink.close();
  }
}
