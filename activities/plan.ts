import { isDeepStrictEqual } from 'node:util';
import type { Checkpoint, Source, SourcePlan, StreamDescription } from '../connectors/connector.ts';
import type { MergeRule } from '../connectors/duckdb/merge-sql.ts';
import type { CompiledTransformations } from '../connectors/duckdb/transform.ts';
import { compileTransformations } from '../connectors/duckdb/transform.ts';
import { requireMergeable } from '../connectors/merge-rule.ts';
import type { Sink, SinkTable, WritePlan } from '../connectors/sink.ts';
import { fail } from '../contracts/errors.ts';
import { quarantineTableName } from '../contracts/ids.ts';
import { QUARANTINE_SCHEMA } from '../contracts/quarantine.ts';
import type { ObjectRun, PlanResult, RunOptions } from '../contracts/run.ts';
import type { Column, StreamSchema } from '../contracts/schema.ts';
import { canHold } from '../contracts/schema.ts';
import type { WorkScope } from './activity-scope.ts';
import { openScope } from './activity-scope.ts';
import { atSnapshot } from './at-snapshot.ts';
import type { ActivityDependencies, OpenedJob } from './dependencies.ts';
import { requirePartitionColumns } from './layout-columns.ts';
import { reconcile } from './reconcile.ts';
import { requireFittingTypes } from './type-fit.ts';
import { requireEmptyWindow, windowsAhead } from './window.ts';
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
        const { result, snapshot } =
          run.holdsSnapshot === true
            ? await atSnapshot(job, run, scope, (held) => makePlan(job, run, sink, held))
            : { result: await makePlan(job, run, sink, scope) };
        const { table, unchangedUnits, unchanged, notices } = result;
        const plan = { ...result.plan, ...(snapshot === undefined ? {} : { snapshot }) };
        await deps.reached('plan:before-write');
        const folder = new WorkingFolder(job.storage, job.workFolder, run.runId);
        const reference = await folder.writePlan(run.object, plan);
        await deps.reached('plan:after-write');
        return {
          plan: reference,
          table,
          chunks: plan.chunks.length,
          schemaChanges: shortened(plan.target.changes),
          unchangedUnits,
          unchanged,
          ...(plan.rule === undefined ? {} : { upserts: true }),
          ...(notices.length > 0 ? { notices } : {}),
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
  readonly unchanged: boolean;
  /** How the source is read. */
  readonly notes: readonly string[];
  /** What the user should know though the run goes on. */
  readonly notices: readonly string[];
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
  if (job.shared && options.mode === 'full_refresh') throw othersRows(`${job.namespace}.${tableName}`);
  const source = job.openSource();
  const target = await sink.open(job.namespace, tableName);
  const quarantine = await sink.open(job.namespace, quarantineTableName(tableName));

  const described = await source.describe(object, scope.connector, { checkpoint: target.checkpoint, options });
  const contract = job.contractOf(object);
  const { readSchema, transformations } = await compile(job, described.schema, contract, target.schema, scope);
  const { wanted, refusals } = reconcile({
    mode: job.schemaMode,
    output: transformations.columns,
    contract,
    table: target.schema,
  });
  if (refusals.length > 0) throw schemaMismatch(object, refusals, contract !== undefined);
  if (job.schemaMode === 'strict') {
    const request = { object, schema: readSchema, checkpoint: target.checkpoint, options };
    await requireFittingTypes(source, described.schema, request, scope);
  }

  const planned = await planSource(job, run, source, readSchema, target, transformations.needsWholeRun, scope);
  if (options.mode === 'window' && job.writeMode !== 'upsert')
    await requireEmptyWindow(job, target, options, await scope.session());
  if (planned.mode === 'append' && planned.source.repeatsWindows && !planned.unchanged) {
    throw windowsAhead(`${job.namespace}.${tableName}`);
  }
  const rule = ruleOf(job, contract ?? target.schema ?? keyed(described.schema, transformations.columns));
  const complete =
    rule === undefined ? wanted : withKey(wanted, rule.key, target.exists, `${job.namespace}.${tableName}`, rule);
  const writePlan: WritePlan = target.prepare(complete, {
    evolve: contract !== undefined || job.schemaMode === 'warn',
    ...job.layout,
  });
  requirePartitionColumns(writePlan, transformations.columns);
  return {
    plan: {
      readSchema,
      target: writePlan,
      quarantine: quarantine.prepare(QUARANTINE_SCHEMA, { evolve: true }),
      chunks: planned.source.chunks,
      nextCheckpoint: planned.source.nextCheckpoint,
      checkpoint: checkpointOf(options, planned.source, target.checkpoint),
      mode: planned.mode,
      ...(rule === undefined ? {} : { rule, replaces: options.mode === 'full_refresh' }),
      lineage: transformations.lineage,
    },
    table: `${job.namespace}.${tableName}`,
    unchangedUnits: planned.source.unchangedUnits,
    unchanged: planned.unchanged,
    notes: described.notes,
    notices: [
      ...undecided(described, readSchema, target.schema),
      ...(planned.source.notices ?? []),
      ...(planned.mode === 'append' ? appendedAgain(planned.source.changedUnits) : []),
    ],
  };
}

function checkpointOf(
  { mode }: RunOptions,
  { nextCheckpoint }: SourcePlan,
  before: Checkpoint | undefined,
): ObjectPlan['checkpoint'] {
  if (mode !== 'window') return 'moves';
  return isDeepStrictEqual(nextCheckpoint, before ?? {}) ? 'stays' : 'marked';
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
    return stored && !canHold(column.type, stored.type) ? { ...column, type: stored.type } : column;
  });
  const readSchema: StreamSchema = { ...described, columns };
  return { readSchema, transformations: await compileTransformations(steps, columns, session) };
}

interface PlannedSource {
  readonly source: SourcePlan;
  readonly mode: ObjectPlan['mode'];
  readonly unchanged: boolean;
}

async function planSource(
  job: OpenedJob,
  { object, options }: Pick<ObjectRun, 'object' | 'options'>,
  source: Source,
  schema: StreamSchema,
  table: SinkTable,
  wholeRun: boolean,
  scope: WorkScope,
): Promise<PlannedSource> {
  const request = { object, schema, checkpoint: table.checkpoint, options, wholeRun };
  const planned = await source.plan(request, scope.connector);
  const nothing = planned.chunks.length === 0;
  if (options.mode === 'full_refresh') return { source: planned, mode: 'replace', unchanged: false };
  if (job.writeMode === 'upsert') return { source: planned, mode: 'merge', unchanged: nothing };
  if (job.writeMode !== 'overwrite' || options.mode === 'window') {
    return { source: planned, mode: 'append', unchanged: nothing };
  }
  if (job.overwrites === 'partitions') return { source: planned, mode: 'replace-partitions', unchanged: nothing };
  // Also a file that is gone, or empty now, makes the table differ from its source.
  if (planned.upToDate) return { source: planned, mode: 'replace', unchanged: true };
  const everything = await source.plan({ ...request, options: { mode: 'full_refresh' } }, scope.connector);
  return { source: everything, mode: 'replace', unchanged: false };
}

/** A source's own key goes with its columns, where none of them is renamed on the way. */
function keyed({ primaryKey }: StreamSchema, columns: readonly Column[]): StreamSchema {
  return { columns, primaryKey: primaryKey.every((key) => columns.some(({ name }) => name === key)) ? primaryKey : [] };
}

/** How an upsert finds the rows that it replaces; undefined for a job that does not upsert. */
function ruleOf(job: OpenedJob, known: StreamSchema | undefined): MergeRule | undefined {
  if (job.writeMode !== 'upsert') return undefined;
  const key = job.primaryKey.length > 0 ? job.primaryKey : (known?.primaryKey ?? []);
  if (key.length > 0) return { key, ...(job.latestBy === undefined ? {} : { latestBy: job.latestBy }) };
  throw fail('PRIMARY_KEY_INVALID', {
    received: 'write_mode: upsert without a primary key',
    expected:
      'target.primary_key, a contract with primaryKey: true at some of its properties, or a source table with a key',
    next: 'name the columns that identify a row in target.primary_key',
  });
}

/** A new table knows its key from the start; one that is there keeps its columns as they are. */
function withKey(
  wanted: StreamSchema,
  key: readonly string[],
  exists: boolean,
  table: string,
  rule: MergeRule,
): StreamSchema {
  requireMergeable(wanted.columns, rule, table);
  if (exists) return wanted;
  const columns = wanted.columns.map((column) => (key.includes(column.name) ? { ...column, required: true } : column));
  return { columns, primaryKey: key };
}

/** Lists that go through Temporal stay short, however wide a table is; the whole one is in the plan. */
const SHOWN = 10;

function shortened(lines: readonly string[]): readonly string[] {
  return lines.length <= SHOWN ? lines : [...lines.slice(0, SHOWN), `and ${lines.length - SHOWN} more`];
}

/** Doubts of the sample that decide what the table becomes; those that a contract or the table settles are none. */
function undecided(
  { schema, doubts = [] }: StreamDescription,
  read: StreamSchema,
  table: StreamSchema | undefined,
): readonly string[] {
  const typeIn = ({ columns }: StreamSchema, name: string) => columns.find((column) => column.name === name)?.type;
  const open = doubts.filter(({ column }) => {
    if (column === undefined) return table === undefined;
    const isNew = table === undefined || typeIn(table, column) === undefined;
    return isNew && typeIn(read, column) === typeIn(schema, column);
  });
  return shortened(open.map(({ text }) => text));
}

function appendedAgain(units: readonly string[]): string[] {
  return shortened(units).map(
    (unit) => `${unit} changed since it was read: all its rows are appended again (write_mode overwrite replaces them)`,
  );
}

function schemaMismatch(object: string, refusals: readonly string[], hasContract: boolean) {
  return fail('SCHEMA_MISMATCH', {
    received: `"${object}" with these differences: ${shortened(refusals).join('; ')}`,
    expected: `the columns of the ${hasContract ? 'contract' : 'table'} (schema_mode strict)`,
    next: `correct the source${hasContract ? ' or the contract' : ''}, or set schema_mode: warn to let the table follow`,
  });
}

function othersRows(table: string) {
  return fail('TABLE_OWNED', {
    received: `a full refresh of table ${table}, which several jobs fill`,
    expected: 'a run that adds rows or replaces them by key',
    next: 'run without --full-refresh: it would remove what the other jobs brought',
  });
}
