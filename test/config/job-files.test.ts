import path from 'node:path';
import { expect, test } from 'vitest';
import { findJobFiles } from '../../config/job-files.ts';
import { jobFolder } from '../support/job-folder.ts';

test('the jobs of a folder are found at any depth, in the order of their names', async () => {
  const folder = await jobFolder({
    'b.yaml': 'source_connector: csv\n',
    'a.yml': 'compliance: {}\n',
    'shop/orders.yaml': 'schedule: { every: 1h }\n',
    'contracts/orders.odcs.yaml': 'kind: DataContract\napiVersion: v3.0.2\nasset: orders\n',
    'docker-compose.yaml': 'services: {}\n',
    'empty.yaml': '',
    'broken.yaml': 'a: [\n',
    'notes.md': '# notes\n',
    '.github/ci.yaml': 'source: {}\n',
    'node_modules/x/job.yaml': 'source: {}\n',
  });
  const { jobs, ignored } = await findJobFiles(folder);
  const names = (files: readonly string[]) => files.map((file) => path.relative(folder, file));
  // What cannot be read may be a job: whoever loads it says what is wrong.
  expect(names(jobs)).toEqual(['a.yml', 'b.yaml', 'broken.yaml', 'shop/orders.yaml']);
  expect(names(ignored)).toEqual(['docker-compose.yaml', 'empty.yaml']);
});

test('a folder that is none is refused with what to do', async () => {
  const folder = await jobFolder({ 'job.yaml': '' });
  await expect(findJobFiles(path.join(folder, 'nothing'))).rejects.toMatchObject({ code: 'USAGE' });
  await expect(findJobFiles(path.join(folder, 'job.yaml'))).rejects.toThrow(/no folder that can be read \(ENOTDIR\)/);
});
