import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Checkpoint, ConnectorContext, RejectedRow } from '../../connectors/connector.ts';
import { CsvSource } from '../../connectors/csv/source.ts';
import { highestCursorText } from '../../connectors/duckdb/cursor.ts';
import { assembleSelect } from '../../connectors/duckdb/select.ts';
import { compileTransformations } from '../../connectors/duckdb/transform.ts';
import { sourceSchema } from '../../contracts/job-source.ts';
import { transformationsSchema } from '../../contracts/job-transformations.ts';
import type { RunOptions } from '../../contracts/run.ts';
import type { StreamSchema } from '../../contracts/schema.ts';
import { openSession } from './duckdb.ts';

/** A csv source over files in a folder, with whatever else the job's `source` says. */
export function csvSource(
  folder: string,
  source: Readonly<Record<string, unknown>>,
  contract?: StreamSchema,
): CsvSource {
  const place = (name: unknown) => (typeof name === 'string' ? path.resolve(folder, name) : name);
  const paths = Array.isArray(source['path']) ? source['path'].map(place) : place(source['path']);
  const settings = { source: sourceSchema.parse({ ...source, path: paths }), asset: 'orders' };
  return new CsvSource(contract ? { ...settings, contractOf: () => contract } : settings);
}

export async function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

export function contextIn(scratchFolder: string, attempt = 1, signal?: AbortSignal): ConnectorContext {
  return { scratchFolder, attempt, signal: signal ?? new AbortController().signal };
}

export interface CsvRun {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly rejected: readonly RejectedRow[];
  readonly skipped: Readonly<Record<string, number>>;
  /** Every row that was read, however it ended. */
  readonly read: number;
  readonly chunks: number;
  readonly unchanged: number;
  readonly upToDate: boolean;
  readonly checkpoint: Checkpoint;
}

/** A whole run of one object: describe, plan, read each chunk through the gate, and the checkpoint after it. */
export async function runCsv(
  source: CsvSource,
  folder: string,
  {
    options = { mode: 'incremental' },
    checkpoint,
    attempt = 1,
    maxBadRows = 1000,
    threads = 2,
    steps = [],
  }: {
    readonly options?: RunOptions;
    readonly checkpoint?: Checkpoint;
    readonly attempt?: number;
    readonly maxBadRows?: number;
    readonly threads?: number;
    readonly steps?: readonly unknown[];
  } = {},
): Promise<CsvRun> {
  const context = contextIn(folder, attempt);
  const { schema } = await source.describe('orders', context, { checkpoint, options });
  const plan = await source.plan({ object: 'orders', schema, checkpoint, options }, context);
  let rows: readonly Readonly<Record<string, unknown>>[] = [];
  const rejected: RejectedRow[] = [];
  const skipped: Record<string, number> = {};
  let read = 0;
  const memories: unknown[] = [];
  let highest: string | undefined;
  for (const chunk of plan.chunks) {
    await using session = await openSession(context.signal, { threads });
    const transformations = await compileTransformations(transformationsSchema.parse(steps), schema.columns, session);
    const relation = await source.read('orders', schema, JSON.parse(JSON.stringify(chunk)), session, context);
    const target = transformations.columns;
    const select = assembleSelect({ relation, schema, transformations, target, maxBadRows });
    using gate = select.gate;
    gate.register(session);
    rows = rows.concat(await gate.watch(() => session.rows(select.sql)));
    const counts = gate.counts();
    const left = await relation.finish(maxBadRows, counts.read);
    rejected.push(...left.rows, ...((await relation.locate?.(gate.rejected())) ?? gate.rejected()));
    read += counts.read + left.count;
    for (const [rule, count] of Object.entries(counts.skipped)) {
      if (count > 0) skipped[rule] = (skipped[rule] ?? 0) + count;
    }
    const chunkHighest = select.highestCursor();
    const found = await relation.remember?.(chunkHighest);
    if (found !== undefined) memories.push(JSON.parse(JSON.stringify(found)));
    highest = highestCursorText([chunkHighest, highest].flatMap((cursor) => cursor ?? []));
  }
  return {
    rows,
    rejected: rejected.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)),
    skipped,
    read,
    chunks: plan.chunks.length,
    unchanged: plan.unchangedUnits,
    upToDate: plan.upToDate,
    checkpoint: JSON.parse(JSON.stringify(source.checkpointAfter(plan.nextCheckpoint, highest, memories))),
  };
}
