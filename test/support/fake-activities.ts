import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../../activities/activities.ts';
import type { MaintainActivities } from '../../activities/maintain.ts';
import type { CompactActivities } from '../../activities/maintain-compact.ts';
import type { MaintainRecordActivities } from '../../activities/maintain-record.ts';
import { createScheduleWindowActivities } from '../../activities/schedule-windows.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { MaintenanceStep, StepResult } from '../../contracts/maintenance.ts';
import type { PublishInput } from '../../contracts/run.ts';
import { addCounts, NO_ROWS } from '../../contracts/run.ts';

export interface FakeActivities {
  readonly activities: Activities;
  /** What was published, in order. */
  readonly published: PublishInput[];
  /** Objects whose staged files were discarded, in order. */
  readonly discarded: string[];
}

type MaintenanceActivities = CompactActivities & MaintainActivities & MaintainRecordActivities;

export const PLAN = { uri: 'file:///plan.json', sha256: '0' };

export const MERGE = { uri: 'file:///merge.json', sha256: '0' };

/**
 * Activities that work on nothing: two chunks of ten rows for each object, of which one row is quarantined. What a test
 * gives for `extractChunk` is done for each chunk of `extractChunks`, too.
 */
export function fakeActivities(overrides: Partial<Activities> = {}): FakeActivities {
  const published: PublishInput[] = [];
  const discarded: string[] = [];
  const counts = { read: 10, committed: 9, quarantined: 1, deadLettered: 0, skipped: {} };
  const activities: Activities = {
    extractChunks: async ({ run, plan, chunks: { first, count } }) => {
      let sum = NO_ROWS;
      const attempts: number[] = [];
      for (let chunk = first; chunk < first + count; chunk++) {
        const done = await activities.extractChunk({ run, plan, chunk });
        attempts.push(done.attempt);
        sum = addCounts(sum, done.counts);
      }
      return { attempts, counts: sum };
    },
    planObject: async ({ object }) => ({
      plan: PLAN,
      table: `shop.${object}`,
      chunks: 2,
      schemaChanges: [],
      unchangedUnits: 0,
    }),
    extractChunk: async () => ({ attempt: 1, counts, files: 1, bytes: 100 }),
    evaluateObject: async () => {},
    mergeObject: async ({ staged }) => ({ merge: MERGE, counts: staged.counts, updated: 2 }),
    commitObject: async () => ({ snapshotId: '7', files: 2, bytes: 200, alreadyCommitted: false }),
    discardObject: async ({ object }) => void discarded.push(object),
    holdSnapshot: async () => {},
    publishRun: async (input) => void published.push(input),
    ...createScheduleWindowActivities(),
    ...fakeMaintenance(),
    ...overrides,
  };
  return { activities, published, discarded };
}

/** A failure as the worker's error boundary sends it: not retried, with code and sentence. */
export function activityFailure(code: ErrorCode, message: string): ApplicationFailure {
  return ApplicationFailure.create({ message, type: 'ConfigError', nonRetryable: true, details: [{ code, message }] });
}

/** A table of sixty small files in three groups, of which two files come; every other step finds nothing to do. */
function fakeMaintenance(): MaintenanceActivities {
  const nothing = (step: MaintenanceStep) => async (): Promise<StepResult> => ({ step, state: 'nothing', notes: [] });
  return {
    planCompaction: async () => ({
      plan: PLAN,
      groups: 3,
      groupsLeft: 0,
      before: { files: 60, bytes: 600 },
      rewritten: { files: 60, bytes: 600 },
      expected: { files: 3, bytes: 600 },
    }),
    rewriteFiles: async ({ group }) => ({ group, attempt: 1 }),
    commitCompaction: async ({ groups }) => ({
      committed: groups.length,
      stale: 0,
      removed: { files: 60, bytes: 600 },
      added: { files: 3, bytes: 500 },
    }),
    rewriteManifests: nothing('rewrite_manifests'),
    expireSnapshots: nothing('expire'),
    removeOrphans: nothing('remove_orphans'),
    cleanMetadata: nothing('clean_metadata'),
    sweepMaintenance: async () => {},
    recordMaintenance: async () => {},
  };
}
