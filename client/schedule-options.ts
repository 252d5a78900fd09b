import type { ScheduleOptions, ScheduleOptionsStartWorkflowAction, ScheduleSpec } from '@temporalio/client';
import type { Priority, SearchAttributePair, Workflow } from '@temporalio/common';
import { parseCron, plainCrons } from '../contracts/cron.ts';
import type { Timing } from '../contracts/fire-times.ts';
import { effectiveTimezone } from '../contracts/fire-times.ts';
import { TASK_QUEUE } from '../contracts/ids.ts';
import type { Overlap } from '../contracts/job-schedule.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { fairShare } from './fairness.ts';
import type { DesiredSchedule } from './schedule-desired.ts';
import type { RunMemo } from './schedule-memo.ts';

/** The SDK passes the priority on to the server, but its type leaves it out. */
export type ScheduleAction = ScheduleOptionsStartWorkflowAction<Workflow> & { readonly priority?: Priority };

/** Everything that the server is told about a schedule, but for its state and who owns it. */
export async function scheduleOptions(
  desired: DesiredSchedule,
  project: string,
): Promise<
  Required<Pick<ScheduleOptions<ScheduleAction>, 'spec' | 'action' | 'policies'>> & {
    readonly typedSearchAttributes: SearchAttributePair[];
  }
> {
  const { tenant, asset, rules, timing, work, fields, file, digest } = desired;
  const { defineSearchAttributeKey } = await import('@temporalio/common');
  const attribute = ({ name, type }: (typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES], value: string) => ({
    key: defineSearchAttributeKey(name, type),
    value,
  });
  const names = [attribute(SEARCH_ATTRIBUTES.tenant, tenant), attribute(SEARCH_ATTRIBUTES.asset, asset)];
  const memo: RunMemo = { project, file, digest, fields };
  return {
    spec: {
      ...timesOf(timing),
      jitter: rules.jitter,
      ...(rules.start_at === undefined ? {} : { startAt: new Date(rules.start_at) }),
      ...(rules.end_at === undefined ? {} : { endAt: new Date(rules.end_at) }),
    },
    action: {
      type: 'startWorkflow',
      workflowType: work.workflowType,
      taskQueue: TASK_QUEUE,
      workflowId: work.workflowId,
      args: [work.input],
      memo: { dativo: memo },
      staticSummary: work.summary,
      priority: fairShare(tenant),
      // What it starts has search attributes of its own: those of the schedule stay with the schedule.
      typedSearchAttributes: [
        ...names,
        ...(work.connector === undefined ? [] : [attribute(SEARCH_ATTRIBUTES.connector, work.connector)]),
        attribute(SEARCH_ATTRIBUTES.runState, 'running'),
      ],
    },
    policies: {
      overlap: OVERLAP_POLICIES[rules.overlap],
      catchupWindow: rules.catchup_window,
      pauseOnFailure: rules.pause_on_failure,
    },
    typedSearchAttributes: [...names, attribute(SEARCH_ATTRIBUTES.digest, digest)],
  };
}

const OVERLAP_POLICIES = {
  skip: 'SKIP',
  buffer_one: 'BUFFER_ONE',
  buffer_all: 'BUFFER_ALL',
  cancel_other: 'CANCEL_OTHER',
} as const satisfies Record<Overlap, string>;

/**
 * The server's words for the times of a schedule. Temporal wants the day of the month *and* the day of the week of a
 * cron expression to fit, and takes what stands behind a `#` for a comment: so it is told the expression in numbers,
 * and in the comment what the user wrote.
 */
function timesOf(timing: Timing): Pick<ScheduleSpec, 'intervals' | 'cronExpressions' | 'timezone'> {
  if ('everyMs' in timing) return { intervals: [{ every: timing.everyMs }] };
  const cron = parseCron(timing.cron);
  if ('expected' in cron) throw new RangeError('a cron expression that was not checked');
  const comment = cronComment(timing);
  return {
    cronExpressions: plainCrons(cron).map((expression) => `${expression} # ${comment}`),
    timezone: effectiveTimezone(timing),
  };
}

type CronTiming = Extract<Timing, { cron: string }>;

function cronComment({ cron, timezone }: CronTiming): string {
  return `cron ${cron.trim()} in ${timezone}`;
}

/** What was written into the comment of a schedule's calendar. */
export function readCronComment(comment: string | undefined): CronTiming | undefined {
  const [, cron, timezone] = /^cron (.+) in (\S+)$/.exec(comment ?? '') ?? [];
  return cron === undefined || timezone === undefined ? undefined : { cron, timezone };
}
