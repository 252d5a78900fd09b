import type { Checkpoint, RejectedRow, Relation, Source } from '../../connectors/connector.ts';
import { highestCursorText } from '../../connectors/duckdb/cursor.ts';
import { assembleSelect } from '../../connectors/duckdb/select.ts';
import type { DuckDbSession } from '../../connectors/duckdb/session.ts';
import { compileTransformations } from '../../connectors/duckdb/transform.ts';
import type { RunOptions } from '../../contracts/run.ts';
import type { StreamSchema } from '../../contracts/schema.ts';
import { contextIn } from './csv.ts';
import { openSession, temporaryFolder } from './duckdb.ts';

export interface SourceRun {
  readonly schema: StreamSchema;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly rejected: readonly RejectedRow[];
  readonly skipped: Readonly<Record<string, number>>;
  /** Every row that was read, however it ended. */
  readonly read: number;
  readonly chunks: number;
  /** Relations, of which a chunk may have several. */
  readonly pieces: number;
  readonly notes: readonly string[];
  readonly notices: readonly string[];
  readonly checkpoint: Checkpoint;
}

interface SourceRunOptions {
  readonly object?: string;
  readonly options?: RunOptions;
  readonly checkpoint?: Checkpoint;
  readonly snapshot?: string;
  readonly wholeRun?: boolean;
  /** What is done with a chunk's rows; default: they are collected. */
  readonly consume?: (select: string, session: DuckDbSession, schema: StreamSchema) => Promise<void>;
}

/** A whole run of one object: describe, plan, read each chunk through the gate, and the checkpoint after it. */
export async function runSource(source: Source, given: SourceRunOptions = {}): Promise<SourceRun> {
  const { object = 'orders', options = { mode: 'incremental' }, checkpoint, snapshot, wholeRun = false } = given;
  await using folder = await temporaryFolder();
  const context = { ...contextIn(folder.path), ...(snapshot === undefined ? {} : { snapshot }) };
  const { schema, notes } = await source.describe(object, context, { checkpoint, options });
  const plan = await source.plan({ object, schema, checkpoint, options, wholeRun }, context);
  const rows: Readonly<Record<string, unknown>>[] = [];
  const rejected: RejectedRow[] = [];
  const skipped: Record<string, number> = {};
  const memories: unknown[] = [];
  let read = 0;
  let pieces = 0;
  let highest: string | undefined;
  for (const chunk of plan.chunks) {
    await using session = await openSession();
    const transformations = await compileTransformations([], schema.columns, session);
    const first = await source.read(object, schema, JSON.parse(JSON.stringify(chunk)), session, context);
    for (let relation: Relation | undefined = first; relation; relation = await relation.more?.()) {
      const select = assembleSelect({ relation, schema, transformations, target: schema.columns, maxBadRows: 1000 });
      using gate = select.gate;
      gate.register(session);
      await gate.watch(async () => {
        if (given.consume) await given.consume(select.sql, session, schema);
        else rows.push(...(await session.rows(select.sql)));
      });
      const counts = gate.counts();
      const unreadable = await relation.finish(1000, counts.read);
      rejected.push(...unreadable.rows, ...gate.rejected());
      read += counts.read + unreadable.count;
      pieces += 1;
      for (const [rule, count] of Object.entries(counts.skipped)) {
        if (count > 0) skipped[rule] = (skipped[rule] ?? 0) + count;
      }
      highest = highestCursorText([select.highestCursor(), highest].flatMap((cursor) => cursor ?? []));
    }
    const memory = await first.remember?.(highest);
    if (memory !== undefined) memories.push(memory);
    await first.close?.();
  }
  const after = source.checkpointAfter(plan.nextCheckpoint, highest, memories);
  return {
    schema,
    rows,
    rejected,
    skipped,
    read,
    chunks: plan.chunks.length,
    pieces,
    notes,
    notices: plan.notices ?? [],
    checkpoint: JSON.parse(JSON.stringify(after)),
  };
}

/** A run that goes on from a checkpoint, with the ids of its rows in their order. */
export async function idsOf(source: Source, checkpoint?: Checkpoint) {
  const run = await runSource(source, checkpoint === undefined ? {} : { checkpoint });
  return { ...run, ids: run.rows.map(({ id }) => Number(id)).toSorted((a, b) => a - b) };
}
