import type { RejectedRow, Relation } from '../connectors/connector.ts';
import { highestCursorText } from '../connectors/duckdb/cursor.ts';
import { jsonRowsQuery } from '../connectors/duckdb/json-rows.ts';
import type { ParquetOptions, WrittenFile } from '../connectors/duckdb/parquet-file.ts';
import { writeParquet } from '../connectors/duckdb/parquet-file.ts';
import { withoutPartition } from '../connectors/duckdb/partition-sql.ts';
import type { AssembledSelect } from '../connectors/duckdb/select.ts';
import { assembleSelect, requireFewBadRows } from '../connectors/duckdb/select.ts';
import type { DuckDbSession } from '../connectors/duckdb/session.ts';
import { compileTransformations } from '../connectors/duckdb/transform.ts';
import { toStreamSchema } from '../connectors/iceberg/schema.ts';
import { inFolder } from '../connectors/storage/storage.ts';
import { BugError } from '../contracts/errors.ts';
import { QUARANTINE_SCHEMA } from '../contracts/quarantine.ts';
import type { ObjectRun, RowCounts } from '../contracts/run.ts';
import { addCounts, balances, NO_ROWS } from '../contracts/run.ts';
import type { Column } from '../contracts/schema.ts';
import type { WorkScope } from './activity-scope.ts';
import type { ActivityDependencies, OpenedJob } from './dependencies.ts';
import type { ObjectPlan, StagedChunk } from './working-folder.ts';

/** Folders inside the tables' own locations that belong to one attempt at a chunk alone. */
export interface ChunkFolders {
  readonly target: string;
  readonly quarantine: string;
}

/**
 * Reads one chunk in one pass into Parquet files that nobody sees yet, and keeps the rows that do not fit aside.
 * `onRows` is told how many rows were read so far.
 */
export async function stageChunk(
  deps: ActivityDependencies,
  job: OpenedJob,
  plan: ObjectPlan,
  run: ObjectRun,
  chunk: number,
  scope: WorkScope,
  folders: ChunkFolders,
  onRows: (rows: number) => void,
): Promise<StagedChunk> {
  const position = plan.chunks[chunk];
  if (position === undefined) throw new RangeError(`the plan has no chunk ${chunk}`);
  const session = await scope.session();
  const first = await job.openSource().read(run.object, plan.readSchema, position, session, scope.connector);
  const progress = watchProgress(deps, onRows);
  const options = { storage: job.storage, fileSizeBytes: job.fileSizeBytes, ...progressOf(scope) };
  const staged: StagedRows[] = [];
  try {
    for (let relation: Relation | undefined = first; relation; relation = await relation.more?.()) {
      // Each piece has a folder of its own: what is not a file of the piece is removed from it.
      const folder = relation.more ? inFolder(folders.target, `piece-${staged.length}`) : folders.target;
      staged.push(await stageRows(deps, job, plan, relation, session, progress, folder, options));
      requireFewBadRows(total(staged).quarantined, job.maxBadRows);
    }
  } finally {
    await first.close?.();
  }

  const rejected = staged.flatMap((rows) => rows.rejected);
  const query = await quarantineQuery(deps, run.runId, run.object, rejected, scope.connector.scratchFolder);
  const quarantineFiles =
    query === undefined
      ? []
      : await writeParquet(session, query, plan.quarantine.fileSchema, folders.quarantine, options);
  await deps.reached('extract:after-quarantine-files');
  const highestCursor = highestCursorText(staged.flatMap((rows) => rows.select.highestCursor() ?? []));
  const memory = await first.remember?.(highestCursor);
  return {
    files: staged.flatMap(({ files }) => files),
    quarantineFiles,
    counts: total(staged),
    ...(highestCursor === undefined ? {} : { highestCursor }),
    ...(memory === undefined ? {} : { memory }),
  };
}

interface StagedRows {
  readonly files: readonly WrittenFile[];
  readonly select: AssembledSelect;
  readonly counts: RowCounts;
  readonly rejected: readonly RejectedRow[];
}

async function stageRows(
  deps: ActivityDependencies,
  job: OpenedJob,
  plan: ObjectPlan,
  relation: Relation,
  session: DuckDbSession,
  progress: Progress,
  folder: string,
  options: ParquetOptions,
): Promise<StagedRows> {
  const select = await assemble(job, plan, relation, session, progress.rows);
  using gate = select.gate;
  gate.register(session);
  const files = await gate.watch(() =>
    writeParquet(session, select.sql, plan.target.fileSchema, folder, { ...options, layout: plan.target.layout }),
  );
  await progress.settled();
  await deps.reached('extract:after-data-files');
  const { read } = gate.counts();
  progress.add(read);
  const unreadable = await relation.finish(job.maxBadRows, read);
  const violating = relation.locate ? await relation.locate(gate.rejected()) : gate.rejected();
  return { files, select, ...account(files, gate, violating, unreadable) };
}

function total(staged: readonly StagedRows[]): RowCounts {
  return staged.reduce((sum, { counts }) => addCounts(sum, counts), NO_ROWS);
}

function progressOf({ connector: { onProgress } }: WorkScope): Pick<ParquetOptions, 'onProgress'> {
  return onProgress ? { onProgress } : {};
}

async function assemble(
  job: OpenedJob,
  plan: ObjectPlan,
  relation: Relation,
  session: DuckDbSession,
  onProgress: (rows: number) => void,
): Promise<AssembledSelect> {
  const transformations = await compileTransformations(job.transformations(), plan.readSchema.columns, session);
  return assembleSelect({
    relation,
    schema: plan.readSchema,
    transformations,
    target: toStreamSchema(plan.target.fileSchema).columns.map((column) => keyed(column, plan.rule)),
    outOfRange: withoutPartition(plan.target.layout, plan.target.fileSchema),
    maxBadRows: job.maxBadRows,
    onProgress,
  });
}

/** A row without a value in its key could not be found again. */
function keyed(column: Column, rule: ObjectPlan['rule']): Column {
  return rule?.key.includes(column.name) ? { ...column, required: true } : column;
}

interface Progress {
  /** Of the rows that are being read, behind those that were added. */
  readonly rows: (rows: number) => void;
  readonly add: (rows: number) => void;
  readonly settled: () => Promise<void>;
}

function watchProgress(deps: ActivityDependencies, onRows: (rows: number) => void): Progress {
  let reading: Promise<void> | undefined;
  let before = 0;
  const report = (rows: number) => {
    onRows(before + rows);
    reading ??= deps.reached('extract:reading');
  };
  return {
    rows: report,
    add: (rows) => {
      before += rows;
    },
    settled: async () => reading,
  };
}

/** Law 2 for one chunk: what the gate saw and what the reader left out, against what the writer wrote. */
function account(
  files: readonly WrittenFile[],
  gate: AssembledSelect['gate'],
  violating: readonly RejectedRow[],
  unreadable: { readonly count: number; readonly rows: readonly RejectedRow[] },
): { counts: RowCounts; rejected: readonly RejectedRow[] } {
  const seen = gate.counts();
  const counts: RowCounts = {
    read: seen.read + unreadable.count,
    committed: files.reduce((sum, file) => sum + file.rows, 0),
    quarantined: seen.violated + unreadable.count,
    deadLettered: 0,
    skipped: Object.fromEntries(Object.entries(seen.skipped).filter(([, rows]) => rows > 0)),
  };
  const rejected = [...violating, ...unreadable.rows];
  if (balances(counts) && rejected.length === counts.quarantined) return { counts, rejected };
  throw new BugError('SUM_MISMATCH', {
    received: `${counts.read} rows read, ${counts.committed} written and ${rejected.length} kept aside`,
    expected: 'every row that was read to be written, kept aside or skipped by a rule',
    next: 'report it with the job file; nothing was committed',
  });
}

async function quarantineQuery(
  deps: ActivityDependencies,
  runId: string,
  object: string,
  rejected: readonly RejectedRow[],
  scratchFolder: string,
): Promise<string | undefined> {
  if (rejected.length === 0) return undefined;
  const quarantinedAt = deps.now().toISOString();
  const rows = rejected.map(({ sourceFile, line, column, reason, raw }) => ({
    run_id: runId,
    object,
    source_file: sourceFile,
    line,
    column,
    reason,
    raw,
    quarantined_at: quarantinedAt,
  }));
  return jsonRowsQuery(rows, QUARANTINE_SCHEMA.columns, scratchFolder, 'quarantine');
}
