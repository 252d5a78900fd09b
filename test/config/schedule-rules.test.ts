import { expect, test } from 'vitest';
import { openStoredJob } from '../../config/open-job.ts';
import { validateJob } from '../../config/validate.ts';
import { jobFile } from '../support/job-folder.ts';

const JOB = 'source_connector: csv\nasset: orders\nsource: { path: a.csv }\n';

/** What is said about `schedule: { … }`, and where. */
async function problemsOf(schedule: string, env: Record<string, string> = {}): Promise<string[]> {
  const file = await jobFile(`${JOB}schedule: { ${schedule} }\n`);
  const { problems } = await validateJob(file, { env });
  return problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

test.each([
  'cron: "0 * * * *"',
  'cron: "0 6 * * 1-5", timezone: Europe/Zurich, overlap: buffer_one, catchup_window: 2h, jitter: 5m',
  'every: 15m, enabled: false, start_at: 2027-01-31, end_at: "2027-02-28T06:00:00+01:00"',
  'cron: "0 3 * * *", mode: full_refresh, pause_on_failure: true',
])('a schedule such as { %s } is valid', async (schedule) => {
  expect(await problemsOf(schedule)).toEqual([]);
});

test.each([
  [
    'cron: "0 0 31 2 *"',
    '4:19 schedule.cron is the text "0 0 31 2 *"; expected a date that exists: no year has day 31',
  ],
  ['cron: "0 25 * * *"', 'expected in the field hour numbers from 0 to 23 in place of "25"; correct the value.'],
  ['cron: "0 * * * * *"', 'expected five fields (minute, hour, day of the month, month, day of the week)'],
  ['enabled: true', '4:1 schedule has neither "cron" nor "every"; expected one of them; add cron: "0 * * * *".'],
  ['cron: "0 * * * *", every: 1h', '4:32 schedule has both "cron" and "every"; expected one of them; remove one.'],
  ['every: 15', '4:20 schedule.every is 15; expected a duration from 1s to 366d such as 90s, 15m, 1h30m or 2d'],
  ['every: 0s', 'schedule.every is the text "0s"; expected a duration from 1s to 366d'],
  ['every: 1h, timezone: Europe/Zurich', '4:24 schedule.timezone has no meaning beside "every", which goes by UTC'],
  [
    'cron: "0 0 * * *", timezone: Europe/Zürich',
    'expected an IANA time zone such as Europe/Zurich; correct the value.',
  ],
  ['cron: "0 0 * * *", timezone: europe/zurich', 'expected an IANA time zone such as Europe/Zurich'],
  ['cron: "0 0 * * *", timezone: "+01:00"', 'expected an IANA time zone'],
  ['every: 1h, overlap: allow_all', 'expected one of skip, buffer_one, buffer_all, cancel_other'],
  ['every: 1h, catchup_window: 1s', 'expected a duration from 10s to 366d'],
  ['every: 1h, start_at: 2027-02-30', 'expected a date, or a date and time with its offset from UTC'],
  ['every: 1h, start_at: 2027-02-02, end_at: 2027-02-01', '4:54 schedule.end_at is not after schedule.start_at'],
  [
    'every: 1h, mode: window',
    '4:30 schedule.mode is "window"; expected source.incremental with strategy: updated_after',
  ],
  ['every: 1h, timezon: UTC', 'schedule has the unknown key "timezon"'],
])('{ %s } is refused in one sentence', async (schedule, message) => {
  const problems = await problemsOf(schedule);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(message);
});

test('a variable in a schedule is held against its values, and not quoted', async () => {
  expect(await problemsOf('cron: "${CRON}"', { CRON: '0 6 * * *' })).toEqual([]);
  const [problem] = await problemsOf('cron: "${CRON}"', { CRON: '0 66 * * *' });
  expect(problem).toContain('the value of ${CRON} does not fit schedule.cron');
});

test('a stored job opens with its schedule, its defaults filled in', async () => {
  const stored = {
    format: 1,
    name: 'orders.yaml',
    folder: '/jobs',
    tenant: 'acme',
    asset: 'orders',
    objects: ['orders'],
    job: { schedule: { every: '15m' } },
  };
  expect(openStoredJob(stored, { env: {} }).schedule()).toEqual({
    every: 900_000,
    timezone: 'UTC',
    mode: 'incremental',
    overlap: 'skip',
    catchup_window: 3_600_000,
    jitter: 0,
    pause_on_failure: false,
    enabled: true,
  });
  expect(openStoredJob({ ...stored, job: {} }, { env: {} }).schedule()).toBeUndefined();
});
