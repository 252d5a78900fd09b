import { formatPlural } from '../contracts/figures.ts';
import { nextFireTime } from '../contracts/fire-times.ts';
import { distanceInWords, timeInWords } from './clock-words.ts';
import { jobName } from './job-name.ts';
import type { FieldChange } from './schedule-changes.ts';
import type { DesiredSchedule } from './schedule-desired.ts';
import type { SchedulePlan } from './schedule-plan.ts';
import type { Paint } from './terminal.ts';

const SHOWN_CHANGES = 12;

/** A plan as a person reads it: what is new, what changes and how, what goes, and how many stay. */
export function planLines(plan: SchedulePlan, now: number, paint: Paint): string[] {
  const changes = plan.create.length + plan.update.length + plan.remove.length;
  const unchanged = paint.dim(`= ${formatPlural(plan.unchanged.length, 'schedule')} unchanged`);
  return [
    ...plan.create.map(
      (desired) => `${paint.good('+ create')}  ${paint.bold(jobName(desired))}  ${whenWords(desired, now, paint)}`,
    ),
    ...plan.update.flatMap(({ desired, changes }) => [
      `${paint.warn('~ update')}  ${paint.bold(jobName(desired))}`,
      ...changeLines(changes, paint),
    ]),
    ...plan.remove.map(
      (listed) =>
        `${paint.bad('- delete')}  ${paint.bold(jobName(listed))}  ${listed.kind === 'run' ? 'its job has gone' : 'no job asks for it any more'}`,
    ),
    ...(plan.unchanged.length > 0 || changes === 0 ? [unchanged] : []),
    ...(plan.elsewhere.length > 0
      ? [paint.dim(`= ${formatPlural(plan.elsewhere.length, 'table')} maintained by another project`)]
      : []),
  ];
}

/** `3 to create, 1 to update, 0 to delete`. */
export function planSum({ create, update, remove }: SchedulePlan): string {
  return `${create.length} to create, ${update.length} to update, ${remove.length} to delete`;
}

function whenWords({ fields, timing, rules, file }: DesiredSchedule, now: number, paint: Paint): string {
  const when = fields['cron'] === undefined ? `every ${fields['every']}` : `${fields['cron']} ${fields['timezone']}`;
  const start = Math.max(now, rules.start_at === undefined ? 0 : Date.parse(rules.start_at) - 1);
  const next = nextFireTime(timing, start);
  const ends = rules.end_at === undefined ? Number.POSITIVE_INFINITY : Date.parse(rules.end_at);
  const words = [
    when,
    ...(rules.enabled
      ? [
          next === undefined || next > ends
            ? 'no run any more'
            : `next ${timeInWords(next, now)} (${distanceInWords(next, now)})`,
        ]
      : ['paused']),
  ];
  return `${words.join(', ')}  ${paint.dim(file)}`;
}

function changeLines(changes: readonly FieldChange[], paint: Paint): string[] {
  const shown = changes.slice(0, SHOWN_CHANGES).map(({ field, old, new: now }) => {
    const before = old === undefined ? 'not set' : old;
    const after = now === undefined ? 'not set' : now;
    return `            ${field}: ${paint.dim(before)} → ${after}`;
  });
  if (changes.length === 0) return ['            written again, as it is in its file'];
  const rest = changes.length - shown.length;
  return rest > 0 ? [...shown, `            and ${formatPlural(rest, 'more change')}`] : shown;
}
