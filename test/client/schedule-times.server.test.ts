import { expect, test } from 'vitest';
import { desiredSchedule } from '../../client/schedule-desired.ts';
import { createSchedule, describeSchedule } from '../../client/schedule-store.ts';
import { validateJob } from '../../config/validate.ts';
import { nextFireTime } from '../../contracts/fire-times.ts';
import { jobFile } from '../support/job-folder.ts';
import { useClient } from '../support/temporal.ts';

const client = useClient();

let jobs = 0;
async function desired(schedule: string) {
  const asset = `times_${process.pid}_${++jobs}`;
  const file = await jobFile(
    `source_connector: csv\nasset: ${asset}\nsource: { path: a.csv }\nschedule: { ${schedule} }\n`,
  );
  const { job, problems } = await validateJob(file, { env: {} });
  const found = job && desiredSchedule(job, job.folder, {}, () => ({ uri: 'file:///job.json', sha256: '0' }));
  if (!found) throw new Error(problems.map(({ message }) => message).join('\n'));
  return found;
}

const START = '2027-05-03T00:00:00Z';
/** How many times a description foretells. */
const FORETOLD = 10;

test.each([
  'cron: "5/20 6-8/2 */10 JAN-MAR *"',
  'cron: "0 0 * * 7"',
  'cron: "0 6 * * mon-fri", timezone: Europe/Zurich',
  'cron: "30 6 13 * fri", timezone: America/New_York',
  'cron: "0 0 29 2 *"',
  'cron: "*/15 * * * *", timezone: Asia/Kathmandu',
  'cron: "*/15 8-18 * * *", timezone: Australia/Lord_Howe',
  'cron: "15 */6 1,15 */2 *"',
  'cron: "0 12 1-7 * sat"',
  'cron: "0 12 */2 * sat"',
  'every: 15m',
  'every: 1h30m',
  'every: 7d',
])('the server runs { %s } when Dativo says', async (schedule) => {
  const one = await desired(`${schedule}, start_at: "${START}"`);
  await createSchedule(client(), one, 'times');
  try {
    const known = await describeSchedule(client(), one.scheduleId);
    const times = known === 'foreign' ? [] : (known?.description.info.nextActionTimes ?? []);
    const expected: string[] = [];
    for (let at: number | undefined = Date.parse(START) - 1; expected.length < FORETOLD; ) {
      at = nextFireTime(one.timing, at ?? Number.NaN);
      expected.push(new Date(at ?? Number.NaN).toISOString());
    }
    expect(times.map((time) => time.toISOString())).toEqual(expected);
  } finally {
    await client().schedule.getHandle(one.scheduleId).delete();
  }
});
