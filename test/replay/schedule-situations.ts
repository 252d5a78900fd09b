import type { Activities } from '../../activities/activities.ts';
import { backfillWorkflowId, scheduledMaintenanceWorkflowId, scheduledWorkflowId } from '../../contracts/ids.ts';
import type { ScheduledMaintenanceInput } from '../../contracts/maintenance.ts';
import { MAINTENANCE_STEPS } from '../../contracts/maintenance.ts';
import type { BackfillInput, ScheduledIngestInput, ScheduledJob } from '../../contracts/schedule.ts';
import { activityFailure, PLAN } from '../support/fake-activities.ts';
import { hangs } from './situations.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-01-01T00:00:00Z');
const turn = { firstWaitMs: 100, longestWaitMs: 200 };

/** A way that something around a run can go: a schedule that starts it, or a backfill that runs it again and again. */
export interface ScheduleSituation {
  readonly name: string;
  readonly activities: () => Partial<Activities>;
  readonly start: (job: ScheduledJob) => {
    readonly type: 'scheduledIngest' | 'scheduledMaintenance' | 'backfill';
    readonly workflowId: string;
    readonly input: ScheduledIngestInput | ScheduledMaintenanceInput | BackfillInput;
  };
  /** Another run of the asset goes on until all is over. */
  readonly runGoesOn?: boolean;
  /** Cancelled after a while. */
  readonly cancel?: boolean;
  /** Recorded while it goes on; otherwise when it has ended. */
  readonly stopWhileWaiting?: boolean;
}

const bySchedule =
  (given: Partial<ScheduledIngestInput> = {}): ScheduleSituation['start'] =>
  (job) => ({
    type: 'scheduledIngest',
    workflowId: scheduledWorkflowId(job.tenant, job.asset),
    input: { job, mode: 'incremental', overlap: 'skip', timing: { everyMs: HOUR }, turn, ...given },
  });

const byBackfill =
  (given: Partial<BackfillInput> = {}): ScheduleSituation['start'] =>
  (job) => ({
    type: 'backfill',
    workflowId: backfillWorkflowId(job.tenant, job.asset),
    input: {
      job,
      timing: { everyMs: HOUR },
      from: START,
      to: START + 3 * HOUR,
      windows: 3,
      overlap: 'buffer_all',
      turn,
      ...given,
    },
  });

const byMaintenance: ScheduleSituation['start'] = ({ job, tenant, asset, timeouts = {} }) => ({
  type: 'scheduledMaintenance',
  workflowId: scheduledMaintenanceWorkflowId(tenant, `shop.${asset}`, 'lake'),
  input: {
    maintenance: { job, tenant, steps: MAINTENANCE_STEPS, settings: {}, timeouts },
    lake: 'lake',
    table: `shop.${asset}`,
    tables: [asset, `${asset}__quarantine`].map((table) => ({ namespace: 'shop', table })),
  },
});

const nothing = () => ({});

/** Fails for windows that begin at this hour. */
const planFailingAt = (hour: string, code: 'WINDOW_NOT_EMPTY' | 'TOO_MANY_BAD_ROWS') => (): Partial<Activities> => ({
  planObject: async ({ options }) => {
    if (options.from?.slice(11, 13) === hour) throw activityFailure(code, `${code}; expected better; correct it.`);
    return { plan: PLAN, table: 'shop.orders', chunks: 1, schemaChanges: [], unchangedUnits: 0 };
  },
});

export const SCHEDULE_SITUATIONS: readonly ScheduleSituation[] = [
  { name: 'by-schedule', activities: nothing, start: bySchedule() },
  { name: 'by-schedule-in-windows', activities: nothing, start: bySchedule({ mode: 'window' }) },
  {
    name: 'by-schedule-failed',
    activities: () => ({
      planObject: async () => {
        throw activityFailure('SOURCE_NOT_FOUND', 'no such file');
      },
    }),
    start: bySchedule(),
  },
  {
    name: 'by-schedule-skipped',
    activities: () => ({ extractChunk: hangs }),
    start: bySchedule(),
    runGoesOn: true,
  },
  {
    name: 'by-schedule-waiting',
    activities: () => ({ extractChunk: hangs }),
    start: bySchedule({ overlap: 'buffer_one' }),
    runGoesOn: true,
    stopWhileWaiting: true,
  },
  {
    name: 'by-schedule-cancelling-other',
    activities: () => ({ extractChunk: hangs }),
    start: bySchedule({ overlap: 'cancel_other' }),
    runGoesOn: true,
    cancel: true,
  },
  {
    name: 'by-schedule-cancelled',
    activities: () => ({ extractChunk: hangs }),
    start: bySchedule(),
    cancel: true,
  },
  { name: 'maintained-by-schedule', activities: nothing, start: byMaintenance },
  {
    name: 'maintained-by-schedule-failed',
    activities: () => ({
      planCompaction: async ({ table }) => {
        const isThere = !table.endsWith('__quarantine');
        throw activityFailure(isThere ? 'STORAGE_DENIED' : 'TABLE_NOT_FOUND', 'nothing to be seen');
      },
    }),
    start: byMaintenance,
  },
  {
    name: 'maintained-by-schedule-cancelled',
    activities: () => ({ rewriteFiles: hangs }),
    start: byMaintenance,
    cancel: true,
  },
  { name: 'backfill', activities: planFailingAt('01', 'WINDOW_NOT_EMPTY'), start: byBackfill() },
  {
    name: 'backfill-failing',
    activities: planFailingAt('01', 'TOO_MANY_BAD_ROWS'),
    start: byBackfill({ maxFailures: 1 }),
  },
  { name: 'backfill-going-on', activities: nothing, start: byBackfill({ windowsPerExecution: 2 }) },
  { name: 'backfill-cancelled', activities: () => ({ extractChunk: hangs }), start: byBackfill(), cancel: true },
];
