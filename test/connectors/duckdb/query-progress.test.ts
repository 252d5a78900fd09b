import { expect, it } from 'vitest';
import { reportingProgress } from '../../../connectors/duckdb/query-progress.ts';
import { writeFiles } from '../../support/csv.ts';
import { openSession, temporaryFolder } from '../../support/duckdb.ts';

it('a query that takes its time reports that it moves on, and one that is done no more', async () => {
  await using folder = await temporaryFolder();
  const rows = Array.from({ length: 1_000_000 }, (_, index) => `${index}`).join('\n');
  await writeFiles(folder.path, { 'a.csv': `n\n${rows}\n` });
  await using session = await openSession(undefined, { threads: 1 });
  let reports = 0;
  const query = `SELECT count(DISTINCT md5(md5(n))) FROM read_csv('${folder.path}/a.csv', columns = {'n': 'VARCHAR'}, auto_detect = false, header = true, parallel = false)`;
  await reportingProgress(
    session,
    () => void reports++,
    () => session.rows(query),
    5,
  );
  expect(reports).toBeGreaterThan(0);
  const before = reports;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(reports).toBe(before);
});
