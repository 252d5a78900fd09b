import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { validateJob } from '../../config/validate.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const jobs = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.yaml'));

test.each(jobs)('the example %s is a valid job and needs no environment', async (name) => {
  const { job, problems } = await validateJob(path.join(EXAMPLES, name), { env: {} });
  expect(problems).toEqual([]);
  expect(job?.objects).not.toEqual([]);
});

test.each(jobs)('the example %s tells editors its schema', async (name) => {
  const [first] = (await readFile(path.join(EXAMPLES, name), 'utf8')).split('\n');
  expect(first).toBe('# yaml-language-server: $schema=../schemas/job.schema.json');
});

test('there are examples', () => {
  expect(jobs).not.toEqual([]);
});
