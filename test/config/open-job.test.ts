import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openStoredJob, pathsOf, tableOf } from '../../config/open-job.ts';
import { storedJobDigest, storedJobText } from '../../config/stored-job.ts';
import { validateJob } from '../../config/validate.ts';
import { jobFile, jobFolder } from '../support/job-folder.ts';

async function store(content: string, env: Record<string, string> = {}) {
  const { job, problems } = await validateJob(await jobFile(content), { env, variables: 'deferred' });
  if (!job) throw new Error(problems.map((p) => p.message).join('\n'));
  return job;
}

const CSV = 'source_connector: csv\nasset: orders\n';

test('a job that says nothing gets the documented defaults', async () => {
  const { stored, folder } = await store(`${CSV}source: { path: a.csv }\n`);
  const job = openStoredJob(stored, { env: {} });
  expect(job).toMatchObject({ tenant: 'default', asset: 'orders', objects: ['orders'], name: 'job.yaml' });
  expect(job.source()).toEqual({
    connector: 'csv',
    path: [`${folder}/a.csv`],
    objects: ['orders'],
    incremental: { lookback_hours: 0 },
    compression: 'auto',
    sample_rows: 20_480,
    max_bad_rows: 1000,
    parallel_chunks: 4,
    parallel_objects: 4,
    unsupported_types: 'text',
    chunk_mb: 128,
    batch_rows: 10_000,
    zero_dates: 'refuse',
    statement_timeout_seconds: 3600,
    lock_timeout_seconds: 60,
  });
  expect(job.target()).toEqual({
    connector: 'iceberg',
    namespace: 'default',
    catalog: { type: 'sqlite', name: 'default' },
    warehouse: `${folder}/warehouse`,
    file_format: 'parquet',
    write_mode: 'append',
    shared: false,
    overwrite: 'table',
    target_file_size_mb: 160,
  });
  expect(job.transformations()).toEqual([]);
  expect(job.schemaMode()).toBe('warn');
  expect(job.contract('orders')).toBeUndefined();
});

test('tables of a tenant are in its own namespace unless the job names one', async () => {
  const { stored } = await store(`${CSV}tenant_id: acme\nsource: { path: a.csv }\n`);
  expect(openStoredJob(stored, { env: {} }).target().namespace).toBe('acme');
});

test('secrets are not stored, and each section asks for its own only', async () => {
  const { stored } = await store(
    `${CSV}source: { path: "\${DATA}/a.csv", max_bad_rows: "\${LIMIT}" }\ntransformations:\n- { type: hash, columns: [a], key: "\${KEY}" }\n`,
    { DATA: 'marker', LIMIT: '7', KEY: 'marker' },
  );
  expect(storedJobText(stored)).not.toContain('marker');
  const job = openStoredJob(stored, { env: { DATA: 'in', LIMIT: '9' } });
  expect(job.source()).toMatchObject({ path: [path.join(stored.folder, 'in/a.csv')], max_bad_rows: 9 });
  expect(() => job.transformations()).toThrow(expect.objectContaining({ code: 'VARIABLE_UNSET', kind: 'config' }));
});

test('a variable whose value does not fit where the job runs is named, its value is not', async () => {
  const { stored } = await store(`${CSV}source: { path: a.csv, max_bad_rows: "\${LIMIT}" }\n`, { LIMIT: '7' });
  const open = () => openStoredJob(stored, { env: { LIMIT: 'marker' } }).source();
  expect(open).toThrow(expect.objectContaining({ code: 'JOB_FILE_INVALID' }));
  expect(open).toThrow('${LIMIT}');
  expect(open).not.toThrow('marker');
});

test('a file with a secret is found from the folder of the job', async () => {
  const folder = await jobFolder({
    'job.yaml': `${CSV}source: { path: a.csv }\ntransformations:\n- { type: hash, columns: [a], key: "\${file:key.txt}" }\n`,
    'key.txt': 'k\n',
  });
  const { job } = await validateJob(path.join(folder, 'job.yaml'), { env: {} });
  expect(openStoredJob(job?.stored, { env: {} }).transformations()).toEqual([
    { type: 'hash', name: 'hash_1', columns: ['a'], key: 'k' },
  ]);
});

test('steps without a name get one, and a sql step writes the column of its name', async () => {
  const steps =
    'transformations:\n- { type: sql, name: team, expression: "1" }\n- { type: sql, name: s, column: c, expression: "2" }\n' +
    '- { type: cast, columns: { team: "numeric(10,2)", c: text } }\n';
  const { stored } = await store(`${CSV}source: { path: a.csv }\n${steps}`);
  expect(openStoredJob(stored, { env: {} }).transformations()).toEqual([
    { type: 'sql', name: 'team', column: 'team', expression: '1' },
    { type: 'sql', name: 's', column: 'c', expression: '2' },
    { type: 'cast', name: 'cast_3', columns: { team: 'decimal(10, 2)', c: 'string' } },
  ]);
});

test('the only object of a job fills the table of the asset, several fill one each', () => {
  expect(tableOf('articles', ['raw_articles'], 'raw_articles')).toBe('articles');
  expect(tableOf('shop', ['orders', 'customers'], 'orders')).toBe('orders');
});

test('the placeholder in a path stands for the object', async () => {
  const { stored, folder } = await store(
    'source_connector: csv\nsource: { path: ["{object}/*.csv"], objects: [a, b] }\n',
  );
  expect(pathsOf(openStoredJob(stored, { env: {} }).source(), 'b')).toEqual([`${folder}/b/*.csv`]);
});

test.each([
  ['lake', '/lake'],
  ['../lake', null],
  ['/abs/lake', '/abs/lake'],
  ['file:///abs/lake', '/abs/lake'],
])('a warehouse %s is absolute where the job runs', async (warehouse, expected) => {
  const { stored, folder } = await store(`${CSV}source: { path: a.csv }\ntarget: { warehouse: "${warehouse}" }\n`);
  const opened = openStoredJob(stored, { env: {} }).target().warehouse;
  expect(opened).toBe(
    expected === null ? path.join(folder, '../lake') : expected === '/lake' ? `${folder}/lake` : expected,
  );
});

test('the address of a catalog may be written as other readers of it write it', async () => {
  const { stored } = await store(
    `${CSV}source: { path: a.csv }\ntarget: { catalog: { uri: "sqlite:////abs/c.db" } }\n`,
  );
  expect(openStoredJob(stored, { env: {} }).target().catalog.uri).toBe('/abs/c.db');
});

test('a folder whose name looks like a variable is kept as it is', async () => {
  const folder = await jobFolder({ 'a${B}/job.yaml': `${CSV}source: { path: x.csv }\n` });
  const { job } = await validateJob(path.join(folder, 'a${B}/job.yaml'), { env: {} });
  expect(openStoredJob(job?.stored, { env: {} }).source().path).toEqual([`${folder}/a\${B}/x.csv`]);
});

test('something that is no stored job is refused', () => {
  expect(() => openStoredJob({ format: 2 }, { env: {} })).toThrow(
    expect.objectContaining({ code: 'JOB_DIGEST_MISMATCH' }),
  );
});

const text = fc.string({
  unit: fc.constantFrom('a', 'B', '7', '_', '$', '{', '}', ' ', '"', ':', '#', 'é', '\n'),
  minLength: 1,
});
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);

test('what is loaded is what is opened, and equal jobs have equal digests', async () => {
  const escaped = (value: string) => value.replaceAll('${', () => '$${');
  await fc.assert(
    fc.asyncProperty(
      fc.record({ tenant: name, asset: name, expression: text, nulls: fc.array(text), bad: fc.nat(1000), key: text }),
      async ({ tenant, asset, expression, nulls, bad, key }) => {
        const spec = {
          tenant_id: tenant,
          source_connector: 'csv',
          asset,
          source: { path: 'a.csv', null_strings: nulls.map(escaped), max_bad_rows: bad },
          transformations: [
            { type: 'sql', name: 'x', expression: escaped(expression) },
            { type: 'hash', columns: ['x'], key: '${KEY}' },
          ],
        };
        const file = await jobFile(JSON.stringify(spec));
        const first = (await validateJob(file, { env: { KEY: key } })).job;
        const again = (await validateJob(file, { env: { KEY: 'other' } })).job;
        const stored: unknown = JSON.parse(JSON.stringify(first?.stored));
        const opened = openStoredJob(stored, { env: { KEY: key } });
        expect(opened).toMatchObject({ tenant, asset, objects: [asset] });
        expect(opened.source()).toMatchObject({ null_strings: nulls, max_bad_rows: bad });
        expect(opened.transformations()).toMatchObject([{ expression }, { key }]);
        expect(first?.digest).toBe(again?.digest);
        expect(first && storedJobDigest(first.stored)).toBe(first?.digest);
      },
    ),
    { numRuns: 40 },
  );
});
