import type { Client } from '@temporalio/client';
import type { DativoError } from '../contracts/errors.ts';
import { fail } from '../contracts/errors.ts';
import { mapBounded } from './bounded.ts';
import { asDativoError } from './report-error.ts';
import type { ScheduledStoredJob } from './schedule-desired.ts';
import type { SchedulePlan } from './schedule-plan.ts';
import { createSchedule, deleteSchedule, updateSchedule } from './schedule-store.ts';

/** What became of a plan. What is neither done nor failed was not begun. */
export interface AppliedPlan {
  readonly done: number;
  readonly failed: readonly { readonly scheduleId: string; readonly error: DativoError }[];
  readonly notBegun: number;
}

const AT_ONCE = 20;

/**
 * Does what a plan says, a few schedules at once; one that fails does not stop the others. A job is stored before the
 * schedule that runs it is told of it. After `signal` nothing further is begun.
 */
export async function applyPlan(
  client: Client,
  plan: SchedulePlan,
  storeJob: (job: ScheduledStoredJob) => Promise<unknown>,
  signal: AbortSignal,
): Promise<AppliedPlan> {
  const steps: readonly { readonly scheduleId: string; readonly work: () => Promise<void> }[] = [
    ...plan.create.map((desired) => ({
      scheduleId: desired.scheduleId,
      work: async () => {
        await storeJob(desired.job);
        await createSchedule(client, desired, plan.project);
      },
    })),
    ...plan.update.map(({ desired, known }) => ({
      scheduleId: desired.scheduleId,
      work: async () => {
        await storeJob(desired.job);
        await updateSchedule(client, desired, known);
      },
    })),
    ...plan.remove.map(({ scheduleId }) => ({ scheduleId, work: () => deleteSchedule(client, scheduleId) })),
  ];
  // The first one registers search attributes where they are missing: the others need not all find that out.
  const [first = [], rest = []] = [steps.slice(0, 1), steps.slice(1)];
  const attempt = async ({ scheduleId, work }: (typeof steps)[number]) => {
    try {
      await work();
      return undefined;
    } catch (error) {
      return { scheduleId, error: isRace(error) ? raceIn(scheduleId) : asDativoError(error) };
    }
  };
  const outcomes = [
    ...(await mapBounded(first, 1, attempt, signal)),
    ...(await mapBounded(rest, AT_ONCE, attempt, signal)),
  ];
  const failed = outcomes.filter((outcome) => outcome !== undefined);
  return { done: outcomes.length - failed.length, failed, notBegun: steps.length - outcomes.length };
}

/** Created or deleted by somebody else between the plan and now. */
function isRace(error: unknown): boolean {
  return error instanceof Error && ['ScheduleAlreadyRunning', 'ScheduleNotFoundError'].includes(error.name);
}

function raceIn(scheduleId: string): DativoError {
  return fail('SCHEDULE_NOT_OURS', {
    received: `the schedule ${scheduleId}, which somebody else made or deleted in this moment`,
    expected: 'one apply at a time',
    next: 'apply again',
  });
}
