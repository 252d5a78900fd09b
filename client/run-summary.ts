import { formatBytes, formatCount, formatDuration, formatPlural } from '../contracts/figures.ts';
import type { ObjectResult, RunState } from '../contracts/run.ts';
import { tableLines } from './table.ts';
import type { Paint } from './terminal.ts';

/** One job's run, ended. */
export interface FinishedRun {
  /** The job file, as the user named it; undefined where only Temporal knows the run. */
  readonly file?: string;
  readonly asset: string;
  readonly tenant: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly state: RunState;
  readonly objects: readonly ObjectResult[];
  /** Why there is no result at all: the run was terminated or timed out. */
  readonly failure?: { readonly code: string; readonly message: string };
  readonly elapsedMs: number;
  /** Link to the run in Temporal's UI; undefined where the UI is not known. */
  readonly url?: string;
}

const COLUMNS = [
  { title: 'object' },
  { title: 'state' },
  { title: 'read', align: 'right' },
  { title: 'committed', align: 'right' },
  { title: 'quarantined', align: 'right' },
  { title: 'skipped', align: 'right' },
  { title: 'files', align: 'right' },
  { title: 'bytes', align: 'right' },
  { title: 'elapsed', align: 'right' },
  { title: 'snapshot' },
] as const;

/** What the user wants to know in the end: what came in, what did not and why, and where to look. */
export function summaryLines(run: FinishedRun, paint: Paint): string[] {
  const lines = ['', headline(run, paint)];
  if (run.objects.length > 0) lines.push('', ...objectTable(run.objects, paint));
  for (const object of run.objects) lines.push(...notes(object, paint));
  if (run.state === 'cancelled') lines.push('', againWords(run));
  if (run.failure) lines.push('', `${paint.bad(run.failure.message)} ${paint.dim(`(${run.failure.code})`)}`);
  lines.push(
    '',
    run.url ? `Temporal: ${paint.name(run.url)}` : `Temporal: workflow ${run.workflowId}, run ${run.runId}`,
  );
  return lines;
}

function headline(run: FinishedRun, paint: Paint): string {
  const rows = run.objects.reduce((sum, { counts }) => sum + counts.committed, 0);
  const took = formatDuration(run.elapsedMs);
  const failed = run.objects.filter(({ state }) => state === 'failed').length;
  switch (run.state) {
    case 'success':
      return paint.good(`${run.asset}: ${formatPlural(rows, 'row')} committed in ${took}.`);
    case 'unchanged':
      return paint.good(`${run.asset}: nothing new since the last run; nothing was committed (${took}).`);
    case 'partial':
      return paint.warn(
        `${run.asset}: ${formatPlural(rows, 'row')} committed in ${took}; ${failed} of ${formatPlural(run.objects.length, 'object')} failed.`,
      );
    case 'failed':
      return paint.bad(`${run.asset}: failed after ${took}; nothing was committed.`);
    case 'cancelled':
      return paint.warn(
        rows > 0
          ? `${run.asset}: cancelled after ${took}; ${formatPlural(rows, 'row')} had been committed before, and stay.`
          : `${run.asset}: cancelled after ${took}; nothing was committed.`,
      );
  }
}

/** How to start it again. The command itself is in the last line of a run, where the job file is known. */
function againWords({ file }: FinishedRun): string {
  return `${file === undefined ? '`dativo run` with its job file' : 'The next run'} begins where the last commit left off.`;
}

function objectTable(objects: readonly ObjectResult[], paint: Paint): string[] {
  const rows = objects.map((object) => [
    object.object,
    stateWords(object, paint),
    formatCount(object.counts.read),
    formatCount(object.counts.committed),
    object.counts.quarantined > 0 ? paint.warn(formatCount(object.counts.quarantined)) : '0',
    formatCount(skippedRows(object)),
    formatCount(object.files),
    formatBytes(object.bytes),
    formatDuration(Date.parse(object.endedAt) - Date.parse(object.startedAt)),
    object.snapshotId ?? paint.dim('—'),
  ]);
  const [title = '', ...lines] = tableLines(COLUMNS, rows);
  return [paint.dim(title), ...lines];
}

function stateWords({ state }: ObjectResult, paint: Paint): string {
  const colour = { success: paint.good, unchanged: paint.dim, failed: paint.bad, cancelled: paint.warn }[state];
  return colour(state);
}

export function skippedRows({ counts }: ObjectResult): number {
  return counts.deadLettered + Object.values(counts.skipped).reduce((sum, rows) => sum + rows, 0);
}

function notes(object: ObjectResult, paint: Paint): string[] {
  const { table, state, counts, schemaChanges, unchangedUnits, failure } = object;
  const lines = [];
  if (failure) lines.push('', `${paint.bad(object.object)}: ${failure.message} ${paint.dim(`(${failure.code})`)}`);
  const rules = Object.entries(counts.skipped).filter(([, rows]) => rows > 0);
  if (rules.length > 0) {
    lines.push(
      `${object.object}: skipped by rule: ${rules.map(([rule, rows]) => `${rule} ${formatCount(rows)}`).join(', ')}`,
    );
  }
  if (object.updated !== undefined && state === 'success') {
    const [updated, added] = [formatCount(object.updated), formatCount(counts.committed - object.updated)];
    lines.push(`${object.object}: ${updated} of the committed rows replaced a row of ${table}, ${added} are new`);
  }
  for (const notice of object.notices ?? []) lines.push(`${object.object}: ${notice}`);
  if (schemaChanges.length > 0) lines.push(`${object.object}: schema of ${table}: ${schemaChanges.join('; ')}`);
  if (state === 'unchanged')
    lines.push(
      `${object.object}: nothing new in the source (${formatPlural(unchangedUnits, 'file')} unchanged); ${table} is as it was`,
    );
  else if (unchangedUnits > 0)
    lines.push(
      `${object.object}: ${formatPlural(unchangedUnits, 'file')} unchanged since the last run, not read again`,
    );
  return lines;
}

/** What to type next; a query that shows something when something came in. */
export function nextCommand(runs: readonly FinishedRun[]): string {
  const objects = runs.flatMap((run) => run.objects);
  const filled = objects.find(({ state, counts }) => state === 'success' && counts.committed > 0);
  const quarantined = objects.find(({ counts }) => counts.quarantined > 0);
  const readable = filled ?? objects.find(({ state }) => state === 'unchanged');
  const failed = runs.find(({ state }) => state === 'failed' || state === 'partial');
  if (failed && !readable) return `dativo status ${failed.workflowId}`;
  const cancelled = runs.find(({ state, file }) => state === 'cancelled' && file !== undefined);
  if (cancelled?.file !== undefined) return `dativo run ${cancelled.file}`;
  if (quarantined) return `dativo query "select * from ${inSql(quarantined.table)}__quarantine limit 10"`;
  if (readable) return `dativo query "select * from ${inSql(readable.table)} limit 10"`;
  return 'dativo runs';
}

/** A table as a query names it: `default`, the namespace of jobs that name none, is a word of SQL. */
function inSql(table: string): string {
  return table.replace(/^default\./, '');
}
