import { z } from 'zod';
import { PROPERTY_PREFIX } from '../../contracts/ids.ts';
import type { CommitReceipt, TableName } from '../sink.ts';
import { withoutCheckpoints } from './checkpoint.ts';
import type { TableMetadata } from './metadata.ts';

/**
 * How a run recognises its own commit: by its id in the snapshot's summary and, because snapshots expire, in a table
 * property that keeps the last runs.
 */
export const RUN_ID = `${PROPERTY_PREFIX}run-id`;
const RECENT_RUNS = `${PROPERTY_PREFIX}recent-runs`;
const RECENT_RUNS_KEPT = 50;

const recentRuns = z.array(
  z.object({ run: z.string(), snapshot: z.string(), files: z.int(), rows: z.int(), bytes: z.int() }),
);

export type RunRecord = z.infer<typeof recentRuns>[number];

function readRecentRuns(properties: Readonly<Record<string, string>>): readonly RunRecord[] {
  try {
    return recentRuns.parse(JSON.parse(properties[RECENT_RUNS] ?? '[]'));
  } catch {
    // Another program's edit; the summaries still tell.
    return [];
  }
}

/** The table property with one more run. */
export function withRecentRun(
  properties: Readonly<Record<string, string>>,
  record: RunRecord,
): Readonly<Record<string, string>> {
  const kept = [...readRecentRuns(properties), record].slice(-RECENT_RUNS_KEPT);
  return { [RECENT_RUNS]: JSON.stringify(kept) };
}

/** Table properties without what runs leave in them. */
export function withoutRuns(properties: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { [RECENT_RUNS]: _runs, ...others } = withoutCheckpoints(properties);
  return others;
}

/** What the run committed to this table, if it did. */
export function committedRun(metadata: TableMetadata, runId: string, name: TableName): CommitReceipt | undefined {
  const snapshot = metadata.snapshots.find((one) => one.summary[RUN_ID] === runId);
  const record = readRecentRuns(metadata.properties).find((one) => one.run === runId);
  const { namespace, table } = name;
  if (snapshot !== undefined) {
    const count = (key: string) => Number(snapshot.summary[key] ?? 0);
    return {
      namespace,
      table,
      snapshotId: String(snapshot['snapshot-id']),
      files: count('added-data-files'),
      rows: count('added-records'),
      bytes: count('added-files-size'),
      alreadyCommitted: true,
    };
  }
  if (record === undefined) return undefined;
  const { snapshot: snapshotId, files, rows, bytes } = record;
  return { namespace, table, snapshotId, files, rows, bytes, alreadyCommitted: true };
}
