import type { ScheduleSpec } from '../contracts/job-schedule.ts';
import type { JsonObject, KeyPath } from './json-tree.ts';
import { valueAt } from './json-tree.ts';
import type { RuleFinding } from './rule-finding.ts';

/** What the keys of `schedule` must be to each other. `job` has its variables resolved. */
export function scheduleRules(schedule: ScheduleSpec, job: JsonObject): RuleFinding[] {
  return RULES.flatMap((rule) => rule(schedule, job));
}

type Rule = (schedule: ScheduleSpec, job: JsonObject) => RuleFinding[];

const oneTiming: Rule = ({ cron, every }) => {
  if (cron === undefined && every === undefined) {
    return [
      finding(['schedule'], 'key', 'schedule has neither "cron" nor "every"', 'one of them', 'add cron: "0 * * * *"'),
    ];
  }
  if (cron === undefined || every === undefined) return [];
  return [finding(['schedule', 'every'], 'key', 'schedule has both "cron" and "every"', 'one of them', 'remove one')];
};

const zoneWithoutCron: Rule = ({ every }, job) => {
  if (every === undefined || valueAt(job, ['schedule', 'timezone']) === undefined) return [];
  const received = 'schedule.timezone has no meaning beside "every", which goes by UTC';
  return [
    finding(['schedule', 'timezone'], 'key', received, 'it beside "cron"', 'remove it, or write a cron expression'),
  ];
};

const endsAfterStart: Rule = ({ start_at: start, end_at: end }) => {
  if (start === undefined || end === undefined || Date.parse(start) < Date.parse(end)) return [];
  const received = 'schedule.end_at is not after schedule.start_at';
  return [finding(['schedule', 'end_at'], 'value', received, 'a later time, because it would never run', 'correct it')];
};

const windowHasCursor: Rule = ({ mode }, job) => {
  const cursor = valueAt(job, ['source', 'incremental', 'cursor_field']);
  if (mode !== 'window' || cursor !== undefined) return [];
  const expected = 'source.incremental with strategy: updated_after and a cursor_field beside it';
  return [
    finding(['schedule', 'mode'], 'value', 'schedule.mode is "window"', expected, 'add them, or remove the mode'),
  ];
};

const RULES: readonly Rule[] = [oneTiming, zoneWithoutCron, endsAfterStart, windowHasCursor];

function finding(path: KeyPath, at: 'key' | 'value', received: string, expected: string, next: string): RuleFinding {
  return { path, at, code: 'JOB_FILE_INVALID', received, expected, next };
}
