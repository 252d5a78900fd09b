import type { WorkScope } from '../activities/activity-scope.ts';
import { openScope } from '../activities/activity-scope.ts';
import type { ActivityDependencies, OpenedJob } from '../activities/dependencies.ts';
import type { PlannedObject } from '../activities/plan.ts';
import { makePlan } from '../activities/plan.ts';
import type { LoadedJob } from '../config/validate.ts';
import { assembleSelect } from '../connectors/duckdb/select.ts';
import { compileTransformations } from '../connectors/duckdb/transform.ts';
import { toStreamSchema } from '../connectors/iceberg/schema.ts';
import type { DiscoveredObject } from '../contracts/discovery.ts';
import { DativoError, fail } from '../contracts/errors.ts';
import type { ObjectDryRun, ObjectSample } from '../contracts/lake-view.ts';
import type { RunOptions } from '../contracts/run.ts';
import { readBudget } from './budget.ts';
import { createDependencies, openJob } from './dependencies.ts';

/** Rows that a dry run reads of each object. */
const SAMPLE_ROWS = 10_000;

/** What the sources of a job look like: columns and how they are read. Reads a bounded sample, writes nothing. */
export async function sampleSources(job: LoadedJob, env: NodeJS.ProcessEnv): Promise<ObjectSample[]> {
  return forEachObject(job, env, async (opened, object, scope) => {
    const { schema, notes } = await opened.openSource().describe(object, scope.connector);
    return { object, columns: schema.columns, notes };
  });
}

/** What a run of the job would do: plan, sample and checks, with nothing written. A failure stays with its object. */
export async function dryRun(job: LoadedJob, options: RunOptions, env: NodeJS.ProcessEnv): Promise<ObjectDryRun[]> {
  return forEachObject(job, env, async (opened, object, scope) => {
    try {
      return await rehearse(opened, object, options, scope);
    } catch (error) {
      if (!(error instanceof DativoError)) throw error;
      const failure = { code: error.code, message: error.message };
      const table = `${opened.namespace}.${opened.tableOf(object)}`;
      return { object, table, columns: [], notes: [], chunks: 0, unchangedUnits: 0, schemaChanges: [], failure };
    }
  });
}

/** What is in the source of a job, whether the job names it or not. Errors: USAGE for a source that cannot tell. */
export async function discoverSource(job: LoadedJob, env: NodeJS.ProcessEnv): Promise<readonly DiscoveredObject[]> {
  const deps: ActivityDependencies = createDependencies({ env, budget: readBudget(env) });
  const opened = await openJob(job.stored, { sha256: job.digest }, env, deps.reached);
  await using scope = await openScope(deps);
  const found = await opened.openSource().discover?.(scope.connector);
  if (found !== undefined) return found;
  throw fail('USAGE', {
    received: `${job.file}, whose source cannot tell what is in it`,
    expected: 'a job that reads a database',
    next: 'look at its files with `dativo validate --sample`',
  });
}

async function rehearse(job: OpenedJob, object: string, options: RunOptions, scope: WorkScope): Promise<ObjectDryRun> {
  const sink = job.openSink();
  try {
    const planned = await makePlan(job, { object, options }, sink, scope);
    const { plan, table, unchangedUnits, notes } = planned;
    return {
      object,
      table,
      columns: toStreamSchema(plan.target.fileSchema).columns,
      notes,
      chunks: plan.chunks.length,
      unchangedUnits,
      schemaChanges: plan.target.changes,
      ...(await readSample(job, object, planned, scope)),
    };
  } finally {
    sink.close();
  }
}

/** The first rows of the first chunk on the way that all rows would take, into a table in memory. */
async function readSample(
  job: OpenedJob,
  object: string,
  { plan }: PlannedObject,
  scope: WorkScope,
): Promise<Pick<ObjectDryRun, 'sampledRows' | 'sampledQuarantined'>> {
  const [chunk] = plan.chunks;
  if (chunk === undefined) return {};
  const session = await scope.session();
  const relation = await job.openSource().read(object, plan.readSchema, chunk, session, scope.connector);
  const transformations = await compileTransformations(job.transformations(), plan.readSchema.columns, session);
  const { sql, gate: unregistered } = assembleSelect({
    relation: { ...relation, sql: `SELECT * FROM (${relation.sql}) LIMIT ${SAMPLE_ROWS}` },
    schema: plan.readSchema,
    transformations,
    target: toStreamSchema(plan.target.fileSchema).columns,
    maxBadRows: job.maxBadRows,
  });
  using gate = unregistered;
  gate.register(session);
  try {
    await gate.watch(() => session.run(`CREATE TEMP TABLE sample AS ${sql}`));
    const seen = gate.counts();
    // A source that was not read to its end has no sum that could be checked.
    const unreadable = seen.read < SAMPLE_ROWS ? (await relation.finish(job.maxBadRows, seen.read)).count : 0;
    return { sampledRows: seen.read + unreadable, sampledQuarantined: seen.violated + unreadable };
  } finally {
    await relation.close?.();
  }
}

async function forEachObject<T>(
  job: LoadedJob,
  env: NodeJS.ProcessEnv,
  work: (opened: OpenedJob, object: string, scope: WorkScope) => Promise<T>,
): Promise<T[]> {
  const deps: ActivityDependencies = createDependencies({ env, budget: readBudget(env) });
  const opened = await openJob(job.stored, { sha256: job.digest }, env, deps.reached);
  const results: T[] = [];
  for (const object of job.objects) {
    await using scope = await openScope(deps);
    results.push(await work(opened, object, scope));
  }
  return results;
}
