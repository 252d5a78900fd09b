import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { formatCount, formatDuration } from '../contracts/figures.ts';
import type { RunRecordEntry } from '../contracts/lake-view.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { tableLines } from './table.ts';
import type { Paint } from './terminal.ts';

/** A run as `dativo runs` lists it, from Temporal or from the run records of a lake. */
export interface ListedRun {
  readonly asset: string;
  readonly tenant: string;
  readonly state: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly runId: string;
  /** Where Temporal knows it. */
  readonly workflowId?: string;
  /** Where the lake knows it: rows committed and quarantined, over all objects. */
  readonly rowsCommitted?: number;
  readonly rowsQuarantined?: number;
}

/** Runs that Temporal knows: those that go on, then those that ended within its retention, the latest first. */
export async function listFromTemporal(client: Client, limit: number, where = ''): Promise<ListedRun[]> {
  const runs: ListedRun[] = [];
  const query = `WorkflowType = 'ingest'${where}`;
  for await (const info of client.workflow.list({ query })) {
    runs.push(listedRun(info));
    if (runs.length >= limit) break;
  }
  return runs;
}

/** A run as Temporal describes it. */
export function listedRun(info: Omit<WorkflowExecutionInfo, 'raw'>): ListedRun & { readonly workflowId: string } {
  const attribute = (name: string) => info.typedSearchAttributes.getAll().find(({ key }) => key.name === name)?.value;
  const state = attribute(SEARCH_ATTRIBUTES.runState.name);
  const status = info.status.name.toLowerCase();
  return {
    asset: String(attribute(SEARCH_ATTRIBUTES.asset.name) ?? ''),
    tenant: String(attribute(SEARCH_ATTRIBUTES.tenant.name) ?? ''),
    // A run that was terminated could not say how it ended.
    state: info.status.name === 'RUNNING' || state !== 'running' ? String(state ?? status) : status,
    startedAt: info.startTime.toISOString(),
    ...(info.closeTime ? { endedAt: info.closeTime.toISOString() } : {}),
    runId: info.runId,
    workflowId: info.workflowId,
  };
}

/** Run records hold a row for each object; a run is all of its rows. The newest first. */
export function runsOfRecords(records: readonly RunRecordEntry[]): ListedRun[] {
  const byRun = Map.groupBy(records, ({ runId }) => runId);
  return [...byRun.values()]
    .map((rows) => {
      const [first] = rows as [RunRecordEntry, ...RunRecordEntry[]];
      return {
        asset: first.asset,
        tenant: first.tenant,
        state: stateOf(rows.map(({ state }) => state)),
        startedAt: rows.map(({ startedAt }) => startedAt).toSorted()[0] ?? '',
        endedAt:
          rows
            .map(({ endedAt }) => endedAt)
            .toSorted()
            .at(-1) ?? '',
        runId: first.runId,
        rowsCommitted: rows.reduce((sum, row) => sum + row.rowsCommitted, 0),
        rowsQuarantined: rows.reduce((sum, row) => sum + row.rowsQuarantined, 0),
      };
    })
    .toSorted((a, b) => b.startedAt.localeCompare(a.startedAt));
}

/** The same words as the workflow's own result has. */
function stateOf(states: readonly string[]): string {
  const known = new Set(states);
  if (known.has('cancelled')) return 'cancelled';
  if (!known.has('failed')) return known.has('success') ? 'success' : 'unchanged';
  return known.size > 1 ? 'partial' : 'failed';
}

export function runListLines(runs: readonly ListedRun[], now: number, paint: Paint): string[] {
  const rows = runs.map((run) => [
    run.asset,
    run.tenant,
    stateColour(run.state, paint)(run.state),
    `${formatDuration(Math.max(0, now - Date.parse(run.startedAt)))} ago`,
    formatDuration((run.endedAt ? Date.parse(run.endedAt) : now) - Date.parse(run.startedAt)),
    run.rowsCommitted === undefined ? '' : formatCount(run.rowsCommitted),
    run.rowsQuarantined === undefined ? '' : formatCount(run.rowsQuarantined),
    paint.dim(run.runId),
  ]);
  const withRows = runs.some((run) => run.rowsCommitted !== undefined);
  const shown = COLUMNS.map((column, index) => ({ column, index })).filter(
    ({ column }) => withRows || !column.fromRecords,
  );
  const [title = '', ...lines] = tableLines(
    shown.map(({ column }) => column),
    rows.map((row) => shown.map(({ index }) => row[index] ?? '')),
  );
  return [paint.dim(title), ...lines];
}

const COLUMNS = [
  { title: 'asset', fromRecords: false },
  { title: 'tenant', fromRecords: false },
  { title: 'state', fromRecords: false },
  { title: 'started', align: 'right', fromRecords: false },
  { title: 'took', align: 'right', fromRecords: false },
  { title: 'committed', align: 'right', fromRecords: true },
  { title: 'quarantined', align: 'right', fromRecords: true },
  { title: 'run', fromRecords: false },
] as const;

export function stateColour(state: string, paint: Paint): (text: string) => string {
  if (state === 'success') return paint.good;
  if (state === 'failed' || state === 'terminated' || state === 'timed_out') return paint.bad;
  return state === 'partial' || state === 'cancelled' ? paint.warn : (text) => text;
}
