import { readFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { initJob } from '../../config/init-job.ts';
import { openStoredJob } from '../../config/open-job.ts';
import { validateJob } from '../../config/validate.ts';
import type { ColumnType, StreamSchema } from '../../contracts/schema.ts';
import { jobFolder } from '../support/job-folder.ts';

const SCHEMA: StreamSchema = {
  columns: [
    { name: 'id', type: 'long', required: true, doc: 'Number of the order' },
    { name: 'no', type: 'string', required: false },
    { name: 'price: "net"', type: 'decimal(10, 2)', required: false },
  ],
  primaryKey: ['id'],
};

async function write(input: Omit<Parameters<typeof initJob>[0], 'csvFile' | 'jobFolder'>, csv = 'data/orders.csv.gz') {
  const folder = await jobFolder({});
  const files = initJob({ csvFile: path.join(folder, csv), jobFolder: folder, ...input });
  const written = await jobFolder({ [files.jobFile]: files.job, [files.contractFile]: files.contract });
  const { job, problems } = await validateJob(path.join(written, files.jobFile), { env: {} });
  return { files, job, problems, text: await readFile(path.join(written, files.jobFile), 'utf8'), written };
}

test('the files that are written from a CSV file are valid, and describe its columns', async () => {
  const { job, problems, written } = await write({ schema: SCHEMA, notes: ['delimiter: ","', 'header: yes'] });
  expect(problems).toEqual([]);
  const opened = openStoredJob(job?.stored, { env: {} });
  expect(opened.contract('orders')).toEqual(SCHEMA);
  expect(opened.source().path).toEqual([path.join(written, 'data/orders.csv.gz')]);
  expect(opened.schemaMode()).toBe('strict');
});

test('the job is short, and tells an editor where its schema is', async () => {
  const { text } = await write({
    schema: SCHEMA,
    notes: ['delimiter: ","'],
    schemaLocation: '../schemas/job.schema.json',
  });
  const lines = text.trimEnd().split('\n');
  expect(lines[0]).toBe('# yaml-language-server: $schema=../schemas/job.schema.json');
  expect(lines.filter((line) => !line.trimStart().startsWith('#'))).toEqual([
    'source_connector: csv',
    'asset: orders',
    'asset_path: orders.contract.yaml # the columns and their types',
    'source:',
    '  path: data/orders.csv.gz',
    'target:',
    '  warehouse: ./warehouse',
  ]);
});

test.each(['no.csv', '数据.csv', 'a: b #c.csv', 'x${HOME}.csv', '2024.csv', 'Daily Orders.CSV', 'new\nline.csv'])(
  'a file named %j gives a valid job for that file',
  async (name) => {
    const { job, problems, written } = await write({ schema: SCHEMA, notes: [] }, name);
    expect(problems).toEqual([]);
    expect(openStoredJob(job?.stored, { env: {} }).source().path).toEqual([path.join(written, name)]);
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
    fc.record({ type: fc.constant('list' as const), element: tie('type'), elementRequired: fc.boolean() }),
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
      const schema: StreamSchema = { columns: [{ name, type, required: false }], primaryKey: [] };
      const { job, problems } = await write({ schema, notes: [] });
      expect(problems).toEqual([]);
      expect(job?.stored.contracts?.['orders']).toEqual(schema);
    }),
    { numRuns: 60 },
  );
});
