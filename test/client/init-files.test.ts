import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contractFileText, jobFileText } from '../../client/init-files.ts';
import { escapeTemplate } from '../../config/interpolate.ts';
import { openStoredJob } from '../../config/open-job.ts';
import { validateJob } from '../../config/validate.ts';
import type { Column, ColumnType } from '../../contracts/schema.ts';
import { jobFolder } from '../support/job-folder.ts';

const COLUMNS: readonly Column[] = [
  { name: 'id', type: 'long', required: true },
  { name: 'no', type: 'string', required: false },
  { name: 'price: "net"', type: 'decimal(10, 2)', required: false },
];

/** The files of a job for one CSV file, as they are read again. */
async function written(columns: readonly Column[], csv = 'data/orders.csv.gz') {
  const contract = 'contracts/orders.odcs.yaml';
  const folder = await jobFolder({
    'orders.yaml': jobFileText({ connector: 'csv', asset: 'orders', contract, source: { path: escapeTemplate(csv) } }),
    [contract]: contractFileText('orders', [{ name: 'orders', columns, primaryKey: ['id'] }]),
  });
  const { job, problems } = await validateJob(path.join(folder, 'orders.yaml'), { env: {} });
  return { folder, problems, opened: openStoredJob(job?.stored, { env: {} }) };
}

test('the files that are written are valid, and describe the columns and their key', async () => {
  const { folder, problems, opened } = await written(COLUMNS);
  expect(problems).toEqual([]);
  expect(opened.contract('orders')).toEqual({ columns: COLUMNS, primaryKey: ['id'] });
  expect(opened.source().path).toEqual([path.join(folder, 'data/orders.csv.gz')]);
  expect(opened.schemaMode()).toBe('strict');
});

test.each(['no.csv', '数据.csv', 'a: b #c.csv', 'x${HOME}.csv', '2024.csv', 'Daily Orders.CSV', 'new\nline.csv'])(
  'a file named %j gives a valid job for that file',
  async (name) => {
    const { folder, problems, opened } = await written(COLUMNS, name);
    expect(problems).toEqual([]);
    expect(opened.source().path).toEqual([path.join(folder, name)]);
  },
);

const primitive: fc.Arbitrary<ColumnType> = fc.constantFrom(
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
  'decimal(38, 9)',
  'fixed[16]',
);
const { type: anyType } = fc.letrec<{ type: ColumnType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3 },
    primitive,
    // No source says of a list that none of its elements is missing.
    fc.record({ type: fc.constant('list' as const), element: tie('type'), elementRequired: fc.constant(false) }),
    fc.record({
      type: fc.constant('map' as const),
      key: fc.constant('string' as const),
      value: primitive,
      valueRequired: fc.constant(false),
    }),
    fc.record({
      type: fc.constant('struct' as const),
      fields: tie('type').map((type) => [{ name: 'f', type, required: false }]),
    }),
  ),
}));

test('every column type survives the way through a contract', async () => {
  await fc.assert(
    fc.asyncProperty(anyType, fc.string({ minLength: 1 }), async (type, name) => {
      const columns: Column[] = [{ name, type, required: false }];
      const { problems, opened } = await written(columns);
      expect(problems).toEqual([]);
      expect(opened.contract('orders')?.columns).toEqual(columns);
    }),
    { numRuns: 60 },
  );
});
