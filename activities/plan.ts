import type { Source, SourcePlan } from '../connectors/connector.ts';
import type { CompiledTransformations } from '../connectors/duckdb/transform.ts';
import { compileTransformations } from '../connectors/duckdb/transform.ts';
import type { Sink, SinkTable, WritePlan } from '../connectors/sink.ts';
import { fail } from '../contracts/errors.ts';
import { quarantineTableName } from '../contracts/ids.ts';
import { QUARANTINE_SCHEMA } from '../contracts/quarantine.ts';
import type { ObjectRun, PlanResult } from '../contracts/run.ts';
import type { Column, StreamSchema } from '../contracts/schema.ts';
import type { WorkScope } from './activity-scope.ts';
import { openScope } from './activity-scope.ts';
import type { ActivityDependencies, OpenedJob } from './dependencies.ts';
import { isPromotion, reconcile } from './reconcile.ts';
import { requireFittingTypes } from './type-fit.ts';
import type { ObjectPlan } from './working-folder.ts';
import { WorkingFolder } from './working-folder.ts';

export interface PlanActivities {
  /** Decides what is read, how it is typed, where it goes and in which chunks. Reads a bounded sample, writes a plan. */
  planObject(run: ObjectRun): Promise<PlanResult>;
}

export function createPlanActivities(deps: ActivityDependencies): PlanActivities {
  return {
    async planObject(run) {
      await deps.reached('plan:before');
      const job = await deps.openJob(run.job);
      await using scope = await openScope(deps);
      const sink = job.openSink();
      try {
        const { plan, table, unchangedUnits } = await makePlan(job, run, sink, scope);
        await deps.reached('plan:before-write');
        const folder = new WorkingFolder(job.storage, job.workFolder, run.runId);
        const reference = await folder.writePlan(run.object, plan);
        await deps.reached('plan:after-write');
        return {
          plan: reference,
          table,
          chunks: plan.chunks.length,
          schemaChanges: plan.target.changes,
          unchangedUnits,
        };
      } finally {
        sink.close();
      }
    },
  };
}

export interface PlannedObject {
  readonly plan: ObjectPlan;
  readonly table: string;
  readonly unchangedUnits: number;
  readonly notes: readonly string[];
}

/** The plan itself, without writing anything: a dry run stops here. */
export async function makePlan(
  job: OpenedJob,
  run: Pick<ObjectRun, 'object' | 'options'>,
  sink: Sink,
  scope: WorkScope,
): Promise<PlannedObject> {
  const { object, options } = run;
  const tableName = job.tableOf(object);
  const source = job.openSource();
  const target = await sink.open(job.namespace, tableName);
  const quarantine = await sink.open(job.namespace, quarantineTableName(tableName));

  const described = await source.describe(object, scope.connector);
  const contract = job.contractOf(object);
  const { readSchema, transformations } = await compile(job, described.schema, contract, target.schema, scope);
  const { wanted, refusals } = reconcile({
    mode: job.schemaMode,
    output: transformations.columns,
    contract,
    table: target.schema,
  });
  if (refusals.length > 0) throw schemaMismatch(object, refusals, contract !== undefined);
  if (job.schemaMode === 'strict')
    await requireFittingTypes(source, object, described.schema, readSchema, options, scope);

  const planned = await planSource(job, run, source, readSchema, target, scope);
  requireOneChunk(transformations, planned, object);
  const writePlan: WritePlan = target.prepare(wanted, { evolve: contract !== undefined || job.schemaMode === 'warn' });
  return {
    plan: {
      readSchema,
      target: writePlan,
      quarantine: quarantine.prepare(QUARANTINE_SCHEMA, { evolve: true }),
      chunks: planned.source.chunks,
      nextCheckpoint: planned.source.nextCheckpoint,
      movesCheckpoint: options.mode !== 'window',
      mode: planned.mode,
      lineage: transformations.lineage,
    },
    table: `${job.namespace}.${tableName}`,
    unchangedUnits: planned.source.unchangedUnits,
    notes: described.notes,
  };
}

/**
 * The types that columns are read as: the contract's, then the table's for columns that go through untouched, unless
 * the source's is one that the table can be widened to, then what the sample shows.
 */
async function compile(
  job: OpenedJob,
  described: StreamSchema,
  contract: StreamSchema | undefined,
  table: StreamSchema | undefined,
  scope: WorkScope,
): Promise<{ readSchema: StreamSchema; transformations: CompiledTransformations }> {
  const session = await scope.session();
  const steps = job.transformations();
  const first = await compileTransformations(steps, described.columns, session);
  const untouched = new Set(
    first.lineage.filter(({ steps: changed }) => changed.length === 0).map(({ column }) => column),
  );
  const columns = described.columns.map((column): Column => {
    if (!untouched.has(column.name)) return column;
    const promised = contract?.columns.find(({ name }) => name === column.name);
    if (promised) return { ...column, type: promised.type };
    const stored = table?.columns.find(({ name }) => name === column.name);
    return stored && !isPromotion(stored.type, column.type) ? { ...column, type: stored.type } : column;
  });
  const readSchema: StreamSchema = { ...described, columns };
  return { readSchema, transformations: await compileTransformations(steps, columns, session) };
}

interface PlannedSource {
  readonly source: SourcePlan;
  readonly mode: ObjectPlan['mode'];
}

async function planSource(
  job: OpenedJob,
  { object, options }: Pick<ObjectRun, 'object' | 'options'>,
  source: Source,
  schema: StreamSchema,
  table: SinkTable,
  scope: WorkScope,
): Promise<PlannedSource> {
  const request = { object, schema, checkpoint: table.checkpoint, options };
  const planned = await source.plan(request, scope.connector);
  const replaces = options.mode === 'full_refresh' || (job.writeMode === 'overwrite' && options.mode !== 'window');
  if (!replaces) return { source: planned, mode: 'append' };
  if (planned.chunks.length === 0 || options.mode === 'full_refresh') return { source: planned, mode: 'replace' };
  // Something changed, so the table is written anew from everything that the source holds.
  const everything = await source.plan({ ...request, options: { mode: 'full_refresh' } }, scope.connector);
  return { source: everything, mode: 'replace' };
}

/** A window function sees the rows of one query, which is one chunk. */
function requireOneChunk({ needsWholeRun }: CompiledTransformations, { source }: PlannedSource, object: string): void {
  if (!needsWholeRun || source.chunks.length <= 1) return;
  throw fail('TRANSFORMATION_INVALID', {
    received: `a window function over the ${source.chunks.length} chunks of "${object}"`,
    expected: 'a source that is read in one chunk when a window function looks at all rows of the run',
    next: 'narrow source.path to fewer files, or take the window function out',
  });
}

function schemaMismatch(object: string, refusals: readonly string[], hasContract: boolean) {
  return fail('SCHEMA_MISMATCH', {
    received: `"${object}" with these differences: ${refusals.join('; ')}`,
    expected: `the columns of the ${hasContract ? 'contract' : 'table'} (schema_mode strict)`,
    next: `correct the source${hasContract ? ' or the contract' : ''}, or set schema_mode: warn to let the table follow`,
  });
}
