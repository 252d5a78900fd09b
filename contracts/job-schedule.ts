import { z } from 'zod';
import { parseCron } from './cron.ts';
import { duration } from './duration.ts';
import { filledText } from './job-fields.ts';
import { nearest } from './nearest.ts';

/** What happens when a run is due while another one of the asset goes on. An asset has one run at a time, always. */
export const OVERLAPS = ['skip', 'buffer_one', 'buffer_all', 'cancel_other'] as const;
export type Overlap = (typeof OVERLAPS)[number];

export const SCHEDULE_MODES = ['incremental', 'full_refresh', 'window'] as const;

export const cronText = filledText().superRefine((text, context) => {
  const cron = parseCron(text);
  if ('expected' in cron) context.addIssue({ code: 'custom', message: cron.expected });
});

export const timezone = filledText().superRefine((name, context) => {
  if (isTimezone(name)) return;
  const near = nearest(name, Intl.supportedValuesOf('timeZone')) ?? 'Europe/Zurich';
  context.addIssue({ code: 'custom', message: `an IANA time zone such as ${near}` });
});

const MOMENT = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))?$/;

const moment = filledText().refine((text) => MOMENT.test(text) && isDate(text.slice(0, 10)) && isDate(text), {
  error: 'a date, or a date and time with its offset from UTC, such as 2027-01-31 or 2027-01-31T06:00:00Z',
});

/** `schedule`: when a job runs by itself. */
export const scheduleSchema = z.strictObject({
  cron: cronText
    .optional()
    .describe(
      'Five-field cron expression as in crontab(5), such as "0 * * * *" for every hour: lists, ranges, steps, and ' +
        'English names of months and days. Needed unless `every` is given.',
    ),
  every: duration('1s', '366d')
    .optional()
    .describe(
      'Time between two runs in place of cron, such as 15m, 1h30m or 2d; counted from midnight UTC of 1 January 1970, ' +
        'so that 15m means :00, :15, :30 and :45.',
    ),
  timezone: timezone
    .prefault('UTC')
    .describe(
      'IANA time zone in which cron is read, such as Europe/Zurich. Where clocks are put forward, an hour is left ' +
        'out; where they are put back, a time in the repeated hour may come once or twice.',
    ),
  mode: z
    .enum(SCHEDULE_MODES)
    .default('incremental')
    .describe(
      'What each run reads: incremental = what is new; full_refresh = everything, replacing the content of the tables; ' +
        'window = the rows whose cursor_field lies between the time before and the time of the run.',
    ),
  overlap: z
    .enum(OVERLAPS)
    .default('skip')
    .describe(
      'What happens when a run is due while another one of the asset goes on, whoever started it: skip = nothing; ' +
        'buffer_one = one run waits for its end; buffer_all = every run waits; cancel_other = it is cancelled first.',
    ),
  catchup_window: duration('10s', '366d')
    .prefault('1h')
    .describe('How late a run may still start after the Temporal server was down; later ones are left out.'),
  jitter: duration('0s', '1d')
    .prefault('0s')
    .describe('Longest time by which a run is put off at random, so that many jobs do not start in one moment.'),
  start_at: moment
    .optional()
    .describe('No run before this, such as 2027-01-31 (midnight UTC) or 2027-01-31T06:00:00Z.'),
  end_at: moment.optional().describe('No run after this.'),
  pause_on_failure: z.boolean().default(false).describe('true: the schedule is paused when a run of it has failed.'),
  enabled: z.boolean().default(true).describe('false: the schedule is kept but paused.'),
});

/** `schedule` with its defaults filled in; durations in milliseconds. */
export type ScheduleSpec = z.output<typeof scheduleSchema>;

const checkedZones = new Map<string, boolean>();

/** Names as Temporal knows them: in their own spelling, and without bare offsets such as +01:00. */
function isTimezone(name: string): boolean {
  // To ask takes milliseconds, and a thousand jobs name a few zones.
  let isKnown = checkedZones.get(name);
  if (isKnown === undefined) {
    isKnown = /^[A-Za-z]+(?:[/_+-][A-Za-z0-9_+-]+)*$/.test(name) && isSpelled(name);
    checkedZones.set(name, isKnown);
  }
  return isKnown;
}

function isSpelled(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
  } catch {
    return false;
  }
  const known = Intl.supportedValuesOf('timeZone').find((zone) => zone.toLowerCase() === name.toLowerCase());
  return known === undefined || known === name;
}

/** 30 February is a date to `Date` too, but not the same one. */
function isDate(text: string): boolean {
  const time = Date.parse(text);
  return !Number.isNaN(time) && (text.length > 10 || new Date(time).toISOString().startsWith(text));
}
