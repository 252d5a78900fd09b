import { expect, test } from 'vitest';
import { openStoredJob } from '../../config/open-job.ts';
import { validateJob } from '../../config/validate.ts';
import { jobFile } from '../support/job-folder.ts';

const JOB = 'source_connector: csv\nasset: orders\nsource: { path: a.csv }\n';

/** What is said about `maintenance: { … }`, and where. */
async function problemsOf(maintenance: string, more = ''): Promise<string[]> {
  const file = await jobFile(`${JOB}maintenance: { ${maintenance} }\n${more}`);
  const { problems } = await validateJob(file, { env: {} });
  return problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

test.each([
  'enabled: false',
  'cron: "0 3 * * *", timezone: Europe/Zurich, jitter: 30m',
  'every: 6h, steps: [compact, expire], snapshots_older_than: 30d, keep_snapshots: 5, orphans_older_than: 7d',
])('a maintenance such as { %s } is valid', async (maintenance) => {
  expect(await problemsOf(maintenance)).toEqual([]);
});

test.each([
  ['cron: "0 3 * * *", every: 1d', '4:35 maintenance has both "cron" and "every"; expected one of them; remove one.'],
  ['every: 1d, timezone: Europe/Zurich', '4:27 maintenance.timezone has no meaning without "cron"'],
  ['orphans_older_than: 5m', 'expected a duration from 1h to 3660d'],
  ['keep_snapshots: 0', 'maintenance.keep_snapshots is 0'],
  ['steps: [vacuum]', 'expected one of compact, rewrite_manifests, expire, remove_orphans, clean_metadata'],
  ['keep_snapshot: 5', 'maintenance has the unknown key "keep_snapshot"'],
])('a maintenance such as { %s } is refused in one sentence', async (maintenance, sentence) => {
  const problems = await problemsOf(maintenance);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(sentence);
});

test('files in a plain folder cannot be maintained', async () => {
  const problems = await problemsOf('every: 1d', 'target_connector: parquet\n');
  expect(problems.join()).toContain('4:1 maintenance is given, and target_connector is parquet');
});

test('a job that says nothing about it has none, and what is left out has a default', async () => {
  const opened = async (text: string) => {
    const { job } = await validateJob(await jobFile(text), { env: {} });
    return openStoredJob(job?.stored, { env: {} }).maintenance();
  };
  expect(await opened(JOB)).toBeUndefined();
  expect(await opened(`${JOB}maintenance: {}\n`)).toEqual({
    enabled: true,
    timezone: 'UTC',
    jitter: 3_600_000,
    catchup_window: 43_200_000,
  });
});
