import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../../activities/activities.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { PublishInput } from '../../contracts/run.ts';

export interface FakeActivities {
  readonly activities: Activities;
  /** What was published, in order. */
  readonly published: PublishInput[];
  /** Objects whose staged files were discarded, in order. */
  readonly discarded: string[];
}

export const PLAN = { uri: 'file:///plan.json', sha256: '0' };

/** Activities that work on nothing: two chunks of ten rows for each object, of which one row is quarantined. */
export function fakeActivities(overrides: Partial<Activities> = {}): FakeActivities {
  const published: PublishInput[] = [];
  const discarded: string[] = [];
  const counts = { read: 10, committed: 9, quarantined: 1, deadLettered: 0, skipped: {} };
  const activities: Activities = {
    planObject: async ({ object }) => ({
      plan: PLAN,
      table: `shop.${object}`,
      chunks: 2,
      schemaChanges: [],
      unchangedUnits: 0,
    }),
    extractChunk: async () => ({ attempt: 1, counts, files: 1, bytes: 100 }),
    evaluateObject: async () => {},
    commitObject: async () => ({ snapshotId: '7', files: 2, bytes: 200, alreadyCommitted: false }),
    discardObject: async ({ object }) => void discarded.push(object),
    publishRun: async (input) => void published.push(input),
    ...overrides,
  };
  return { activities, published, discarded };
}

/** A failure as the worker's error boundary sends it: not retried, with code and sentence. */
export function activityFailure(code: ErrorCode, message: string): ApplicationFailure {
  return ApplicationFailure.create({ message, type: 'ConfigError', nonRetryable: true, details: [{ code, message }] });
}
