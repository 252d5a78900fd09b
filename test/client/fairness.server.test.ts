import { expect, test } from 'vitest';
import { fairShare } from '../../client/fairness.ts';
import { startRun } from '../../client/start-run.ts';
import { validateJob } from '../../config/validate.ts';
import { jobFile } from '../support/job-folder.ts';
import { useClient } from '../support/temporal.ts';

const client = useClient();

test('a run has its share of the workers by its tenant', async () => {
  const tenant = `acme-${process.pid}`;
  const file = await jobFile(`tenant_id: ${tenant}\nsource_connector: csv\nasset: orders\nsource: { path: a.csv }\n`);
  const { job } = await validateJob(file, { env: {} });
  if (!job) throw new Error('the job of the test is not valid');
  const reference = { uri: 'file:///job.json', sha256: job.digest };
  const run = await startRun(client(), { job, reference, options: { mode: 'incremental' }, env: {} });
  const handle = client().workflow.getHandle(run?.workflowId ?? '');
  const { priority } = await handle.describe();
  await handle.terminate();
  expect(priority).toMatchObject({ fairnessKey: tenant });
});

test('tenants with long names have different keys of at most 64 bytes', () => {
  const keys = ['a', 'b'].map((end) => fairShare(`${'x'.repeat(100)}${end}`).fairnessKey ?? '');
  expect(new Set(keys).size).toBe(2);
  expect(keys.every((key) => Buffer.byteLength(key) === 64)).toBe(true);
});
