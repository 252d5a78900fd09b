import type { Json } from '@duckdb/node-api';
import { literal } from '../../connectors/duckdb/sql.ts';
import { RUNS_NAMESPACE, RUNS_TABLE } from '../../contracts/ids.ts';
import type { LakeAddress, RunRecordEntry } from '../../contracts/lake-view.ts';
import { withReader, withSession } from './open-lake.ts';

export interface RunRecordFilter {
  /** The latest runs only, at most so many. */
  readonly runs?: number;
  readonly runId?: string;
}

/** The run records of a lake, newest first; none if nothing was ever run on it. */
export async function listRunRecords(lake: LakeAddress, filter: RunRecordFilter): Promise<RunRecordEntry[]> {
  return withReader(lake, async (reader) => {
    if (!(await reader.tables(RUNS_NAMESPACE)).includes(RUNS_TABLE)) return [];
    return withSession(async (session) => {
      const from = await reader.select({ namespace: RUNS_NAMESPACE, table: RUNS_TABLE }, session);
      const conditions = ['true'];
      if (filter.runId !== undefined) conditions.push(`run_id = ${literal(filter.runId)}`);
      if (filter.runs !== undefined) {
        const latest = `SELECT run_id FROM (${from}) GROUP BY run_id ORDER BY max(ended_at) DESC LIMIT ${filter.runs}`;
        conditions.push(`run_id IN (${latest})`);
      }
      const rows = await session.rows(
        `SELECT *, list_sum(map_values(rows_skipped)) AS skipped FROM (${from}) WHERE ${conditions.join(' AND ')}
         ORDER BY ended_at DESC, object`,
      );
      return rows.map(toRunRecord);
    });
  });
}

function toRunRecord(row: Readonly<Record<string, Json>>): RunRecordEntry {
  const text = (name: string) => (typeof row[name] === 'string' ? row[name] : '');
  const optional = (name: string) => (row[name] === null || row[name] === undefined ? undefined : String(row[name]));
  const count = (name: string) => Number(row[name] ?? 0);
  const snapshotId = optional('snapshot_id');
  const failureCode = optional('failure_code');
  const failureMessage = optional('failure_message');
  return {
    runId: text('run_id'),
    tenant: text('tenant'),
    asset: text('asset'),
    object: text('object'),
    table: text('table'),
    state: text('state'),
    mode: text('mode'),
    startedAt: isoTime(text('started_at')),
    endedAt: isoTime(text('ended_at')),
    rowsRead: count('rows_read'),
    rowsCommitted: count('rows_committed'),
    rowsQuarantined: count('rows_quarantined'),
    rowsSkipped: count('skipped'),
    files: count('files'),
    bytes: count('bytes'),
    ...(snapshotId === undefined ? {} : { snapshotId }),
    ...(failureCode === undefined ? {} : { failureCode }),
    ...(failureMessage === undefined ? {} : { failureMessage }),
  };
}

/** DuckDB writes a point in time as `2026-01-31 12:00:00.5+00`. */
function isoTime(text: string): string {
  const time = new Date(text.replace(' ', 'T').replace(/\+00$/, 'Z'));
  return Number.isNaN(time.getTime()) ? text : time.toISOString();
}
