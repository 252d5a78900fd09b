import { Context } from '@temporalio/activity';
import type { Activities } from '../../activities/activities.ts';
import type { IngestInput } from '../../contracts/run.ts';
import { NO_ROWS } from '../../contracts/run.ts';
import { activityFailure, PLAN } from '../support/fake-activities.ts';

/** A way that a run can go, and so a history that every later version of the workflows must be able to go on with. */
export interface Situation {
  readonly name: string;
  readonly objects: readonly string[];
  readonly activities: () => Partial<Activities>;
  /** The history is recorded while the run waits here; otherwise when it has ended. */
  readonly stopAt?: 'extracting';
  readonly cancel?: boolean;
  /** What of the input is other than usual. */
  readonly input?: Partial<IngestInput>;
}

/** Lasts until it is cancelled. */
export const hangs = async (): Promise<never> => {
  const beat = setInterval(() => Context.current().heartbeat(), 100);
  try {
    return await Context.current().cancelled;
  } finally {
    clearInterval(beat);
  }
};

const plansUpsert: Activities['planObject'] = async ({ object }) => ({
  plan: PLAN,
  table: `shop.${object}`,
  chunks: 2,
  schemaChanges: [],
  unchangedUnits: 0,
  upserts: true,
});

const plansNine: Activities['planObject'] = async ({ object }) => ({
  plan: PLAN,
  table: `shop.${object}`,
  chunks: 9,
  schemaChanges: [],
  unchangedUnits: 0,
});

/** Of a database: its moment is held as long as the run goes on. */
const holds: Partial<Activities> = { holdSnapshot: hangs };

export const SITUATIONS: readonly Situation[] = [
  {
    name: 'at-one-moment',
    objects: ['orders', 'customers'],
    activities: () => holds,
    input: { holdsSnapshot: true },
  },
  {
    name: 'moment-lost',
    objects: ['orders'],
    activities: () => ({
      ...holds,
      extractChunks: async ({ run, chunks: { count } }) => {
        if (run.round === 1) throw activityFailure('SNAPSHOT_LOST', 'the moment is gone');
        return { attempts: new Array(count).fill(1), counts: NO_ROWS };
      },
    }),
    input: { holdsSnapshot: true },
  },
  {
    name: 'at-one-moment-cancelled',
    objects: ['orders'],
    activities: () => ({ ...holds, extractChunks: hangs }),
    cancel: true,
    input: { holdsSnapshot: true },
  },
  { name: 'two-objects-committed', objects: ['orders', 'customers'], activities: () => ({}) },
  {
    name: 'nothing-new',
    objects: ['orders'],
    activities: () => ({
      planObject: async () => ({ plan: PLAN, table: 'shop.orders', chunks: 0, schemaChanges: [], unchangedUnits: 3 }),
    }),
  },
  {
    name: 'one-object-failed',
    objects: ['orders', 'customers'],
    activities: () => ({
      evaluateObject: async ({ run }) => {
        if (run.object === 'customers') throw activityFailure('TOO_MANY_BAD_ROWS', 'too many bad rows');
      },
    }),
  },
  {
    name: 'every-object-failed',
    objects: ['orders'],
    activities: () => ({
      planObject: async () => {
        throw activityFailure('SOURCE_NOT_FOUND', 'no such file');
      },
    }),
  },
  {
    name: 'planned-again',
    objects: ['orders'],
    activities: () => {
      let commits = 0;
      return {
        commitObject: async () => {
          if (++commits === 1) throw activityFailure('TABLE_CHANGED', 'the table changed');
          return { snapshotId: '8', files: 2, bytes: 200, alreadyCommitted: false };
        },
      };
    },
  },
  {
    name: 'activity-retried',
    objects: ['orders'],
    activities: () => {
      let attempts = 0;
      return {
        commitObject: async () => {
          if (++attempts === 1) throw new Error('the catalog is busy');
          return { snapshotId: '9', files: 2, bytes: 200, alreadyCommitted: true };
        },
      };
    },
  },
  { name: 'merged', objects: ['orders'], activities: () => ({ planObject: plansUpsert }) },
  {
    name: 'merged-again',
    objects: ['orders'],
    activities: () => {
      let commits = 0;
      return {
        planObject: plansUpsert,
        commitObject: async () => {
          if (++commits < 3) throw activityFailure('TABLE_CHANGED', 'another writer was faster');
          return { snapshotId: '8', files: 2, bytes: 200, alreadyCommitted: false };
        },
      };
    },
  },
  { name: 'many-chunks', objects: ['orders'], activities: () => ({ planObject: plansNine }) },
  {
    name: 'many-chunks-handed-back',
    objects: ['orders'],
    activities: () => ({
      planObject: plansNine,
      extractChunks: async ({ chunks: { first, count, firstAttempt } }) => ({
        attempts: [firstAttempt],
        counts: { read: 10, committed: 10, quarantined: 0, deadLettered: 0, skipped: {} },
        ...(count > 1 ? { handedBack: { first: first + 1, count: count - 1, firstAttempt: firstAttempt + 1 } } : {}),
      }),
    }),
  },
  {
    name: 'many-chunks-failed',
    objects: ['orders'],
    activities: () => ({
      planObject: plansNine,
      extractChunk: async ({ chunk }) => {
        if (chunk < 5) return hangs();
        throw activityFailure('SOURCE_CHANGED', 'the file is another one');
      },
    }),
  },
  {
    name: 'many-chunks-extracting',
    objects: ['orders'],
    activities: () => ({ planObject: plansNine, extractChunk: hangs }),
    stopAt: 'extracting',
  },
  {
    name: 'many-chunks-cancelled',
    objects: ['orders'],
    activities: () => ({ planObject: plansNine, extractChunk: hangs }),
    cancel: true,
  },
  { name: 'extracting', objects: ['orders'], activities: () => ({ extractChunk: hangs }), stopAt: 'extracting' },
  {
    name: 'cancelled-while-extracting',
    objects: ['orders'],
    activities: () => ({ extractChunk: hangs }),
    cancel: true,
  },
];
