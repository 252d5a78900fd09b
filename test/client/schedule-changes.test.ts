import { expect, test } from 'vitest';
import { fieldChanges, jobChanges } from '../../client/schedule-changes.ts';
import type { StoredJob } from '../../config/stored-job.ts';

const stored: StoredJob = {
  format: 1,
  name: 'orders.yaml',
  folder: '/jobs',
  tenant: 'acme',
  asset: 'orders',
  objects: ['orders'],
  job: {
    schedule: { cron: '0 * * * *' },
    source: { path: ['a.csv', 'b.csv'], connection: 'old-secret', max_bad_rows: 5 },
    transformations: [{ type: 'filter', expression: 'a > 1' }],
  },
};

test('two jobs differ field by field, lists of texts as one', () => {
  const after: StoredJob = {
    ...stored,
    folder: '/other',
    job: {
      schedule: { cron: '5 * * * *' },
      source: { path: ['a.csv'], connection: 'old-secret', max_bad_rows: 6, header: true },
      transformations: [{ type: 'filter', expression: 'a > 2' }],
    },
  };
  expect(jobChanges(stored, after)).toEqual([
    { field: 'folder', old: '/jobs', new: '/other' },
    { field: 'source.path', old: '["a.csv","b.csv"]', new: '["a.csv"]' },
    { field: 'source.max_bad_rows', old: '5', new: '6' },
    { field: 'source.header', new: 'true' },
    { field: 'transformations[0].expression', old: 'a > 1', new: 'a > 2' },
  ]);
});

test('that a secret changed is told, and not which', () => {
  const after: StoredJob = { ...stored, job: { ...stored.job, source: { connection: 'new-secret' } } };
  const changes = jobChanges(stored, after);
  expect(changes).toContainEqual({ field: 'source.connection', old: '(not shown)', new: '(not shown)' });
  expect(JSON.stringify(changes)).not.toContain('secret');
});

test('a contract that changed is named', () => {
  const columns = [{ name: 'id', type: 'int', required: true }] as const;
  const after: StoredJob = { ...stored, contracts: { orders: { columns: [...columns], primaryKey: ['id'] } } };
  expect(jobChanges(stored, after)).toEqual([{ field: 'contract of orders', new: '1 columns' }]);
});

test('fields that are only on one side have no other', () => {
  expect(fieldChanges({ cron: 'a', jitter: '0s' }, { every: '1h', jitter: '0s' }, 'schedule.')).toEqual([
    { field: 'schedule.every', new: '1h' },
    { field: 'schedule.cron', old: 'a' },
  ]);
});
