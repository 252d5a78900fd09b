import path from 'node:path';
import { expect, test } from 'vitest';
import { loadJob } from '../../config/load-job.ts';
import { formatProblem } from '../../config/problem.ts';
import { validateJob } from '../../config/validate.ts';
import { jobFile, jobFolder } from '../support/job-folder.ts';

const USER_FILES = path.join(import.meta.dirname, '../fixtures/user-files');

async function problemsOf(content: string, env: Record<string, string> = {}): Promise<string[]> {
  const { problems } = await validateJob(await jobFile(content), { env });
  return problems.map((p) => `${p.line}:${p.column} ${p.code} ${p.received}`);
}

const CSV = 'source_connector: csv\nasset: orders\n';

test.each([
  [
    'aws_billing_to_iceberg.yaml',
    [
      '3:1 NOT_AVAILABLE_YET source_connector: "aws_cost_explorer" is not available yet',
      '10:5 NOT_AVAILABLE_YET data_contract.quality_checks.soda is not available yet',
      '29:5 NOT_AVAILABLE_YET data_contract.quality_checks.custom is not available yet',
      '52:1 NOT_AVAILABLE_YET alert_rules is not available yet',
    ],
  ],
  [
    'zendesk_articles_to_markdown_kv.yaml',
    [
      '3:1 NOT_AVAILABLE_YET source_connector: "zendesk" is not available yet',
      '7:13 CONTRACT_UNREADABLE /app/assets/zendesk/v1.0/articles_markdown_kv.yaml does not exist',
      '16:3 NOT_AVAILABLE_YET target.file_format: "markdown_kv" is not available yet',
      '17:3 NOT_AVAILABLE_YET target.storage_pattern: "document_level" is not available yet',
      '22:3 NOT_AVAILABLE_YET data_contract.quality_checks is not available yet',
    ],
  ],
  [
    'compliance.yaml',
    [
      '2:1 NOT_AVAILABLE_YET compliance is not available yet',
      '12:15 VARIABLE_UNSET the variable MYSQL_HOST, which compliance.discovery.data_stores[1].host uses, is not set',
    ],
  ],
])("the users' file %s is accepted by the schema and refused by name", async (name, refusals) => {
  const file = path.join(USER_FILES, name);
  expect((await loadJob(file, { env: {} })).problems).toEqual([]);
  const { job, problems } = await validateJob(file, { env: {} });
  expect(problems.map((p) => `${p.line}:${p.column} ${p.code} ${p.received}`)).toEqual(refusals);
  expect(job).toBeUndefined();
});

test('a job of three lines is enough', async () => {
  const { job, problems } = await validateJob(
    await jobFile('source_connector: csv\nsource:\n  path: a.csv\n', 'Daily Orders.v2.yaml'),
    {
      env: {},
    },
  );
  expect(problems).toEqual([]);
  expect(job).toMatchObject({ tenant: 'default', asset: 'daily_orders_v2', objects: ['daily_orders_v2'] });
});

test('a problem is one line that an editor can jump from', async () => {
  const file = await jobFile(`${CSV}source: { path: a.csv, headr: true }\n`);
  const [problem] = (await validateJob(file, { env: {} })).problems;
  expect(problem && formatProblem(problem)).toMatch(/job\.yaml:3:24: .*write "header" instead\. \(JOB_FILE_INVALID\)$/);
});

test('a job without a connector, or with one that nobody knows, is refused', async () => {
  expect(await problemsOf('asset: a\n')).toEqual(['1:1 JOB_FILE_INVALID the job has no "source_connector"']);
  expect(await problemsOf('source_connector: csvv\n')).toEqual([
    '1:19 UNKNOWN_CONNECTOR source_connector is "csvv", which is no connector\'s name',
  ]);
  expect(await problemsOf('compliance: { enabled: false }\n')).toEqual([
    expect.stringContaining('has no "source_connector"'),
  ]);
});

test.each([
  ['primary_key: [id]', '4:11', 'target.primary_key has no meaning when target.write_mode is append'],
  [
    'write_mode: overwrite, latest_by: at',
    '4:34',
    'target.latest_by has no meaning when target.write_mode is overwrite',
  ],
])('a key of an upsert in another write mode is refused: %s', async (target, place, received) => {
  const text = `${CSV}source: { path: a.csv }\ntarget: { ${target} }\n`;
  expect(await problemsOf(text)).toEqual([`${place} JOB_FILE_INVALID ${received}`]);
});

test('an upsert into plain files is refused', async () => {
  const text = `${CSV}target_connector: parquet\nsource: { path: a.csv }\ntarget: { write_mode: upsert }\n`;
  expect(await problemsOf(text)).toEqual([
    '5:23 JOB_FILE_INVALID target.write_mode is upsert for target_connector parquet',
  ]);
});

test('a file name that gives no name for the table asks for one', async () => {
  const { problems } = await validateJob(
    await jobFile('source_connector: csv\nsource: { path: a.csv }\n', '数据.yaml'),
    { env: {} },
  );
  expect(problems.map((p) => p.received)).toEqual(['the job has no "asset", and the file name 数据.yaml gives none']);
});

test.each([
  ['source:\n  path: gs://bucket/a.csv\n', '4:3', 'source.path: "gs://bucket/a.csv"'],
  ['source: { path: a.csv }\ntarget:\n  warehouse: gs://b/lake\n', '5:3', 'target.warehouse: "gs://b/lake"'],
  [
    'source: { path: a.csv }\ntarget:\n  catalog: { type: glue, uri: "http://c" }\n',
    '5:14',
    'target.catalog.type: "glue"',
  ],
  ['source: { path: a.csv }\nasset_path: https://c/x.yaml\n', '4:1', 'asset_path: "https://c/x.yaml"'],
])('a part that does not run yet is refused by name: %j', async (text, place, name) => {
  expect(await problemsOf(CSV + text)).toEqual([`${place} NOT_AVAILABLE_YET ${name} is not available yet`]);
});

test('parts that are switched off are not refused', async () => {
  const off =
    'source: { path: a.csv }\nschedule: { cron: "0 * * * *", enabled: false }\nalert_rules: []\n' +
    'data_contract: { enabled: false, quality_checks: [{ name: a }] }\ncompliance: { enabled: false }\n';
  expect(await problemsOf(CSV + off)).toEqual([]);
});

test.each([
  ['', '1:1', 'source has no "path"'],
  ['source: { objects: [a, b], path: x.csv }\n', '3:34', 'source.path is the same for all 2 objects'],
  ['source: { objects: [a, a], path: "{object}.csv" }\n', '3:24', 'source.objects names "a" a second time'],
  ['source: { path: x.csv, incremental: { strategy: updated_after } }\n', '3:24', 'updated_after has no cursor_field'],
  [
    'source: { path: x.csv, incremental: { cursor_field: at } }\n',
    '3:39',
    'source.incremental.cursor_field has no meaning when the strategy is new_files',
  ],
  [
    'source: { path: x.csv, connection: abc }\n',
    '3:24',
    'source.connection has no meaning when source_connector is csv',
  ],
  [
    'source: { path: x.csv, incremental: { strategy: updated_after, cursor_field: at, lookback_hours: 1 } }\n',
    '3:82',
    'source.incremental.lookback_hours with target.write_mode append would append rows a second time',
  ],
  ['source: { path: x.csv, delimiter: "|", quote: "|" }\n', '3:47', 'source.quote is the same as source.delimiter'],
  ['source: { path: x.csv }\ntarget: { catalog: { type: sql } }\n', '4:28', 'a catalog of type sql without its "uri"'],
  [
    'source: { path: x.csv }\ntarget: { catalog: { type: polaris, uri: "https://c" } }\n',
    '4:28',
    'a catalog of type polaris without its "warehouse"',
  ],
  [
    'source: { path: x.csv }\ntarget: { catalog: { type: rest, uri: "https://c", ref: dev } }\n',
    '4:52',
    'target.catalog.ref has no meaning when target.catalog.type is rest',
  ],
  [
    'source: { path: x.csv }\ntarget_connector: parquet\ntarget: { catalog: { uri: c.db } }\n',
    '5:11',
    'target.catalog has no meaning when target_connector is parquet',
  ],
  ['source: { path: ~/a.csv }\n', '3:17', 'source.path is the text "~/a.csv"'],
])('settings that do not go together are refused: %j', async (text, place, received) => {
  expect(await problemsOf(CSV + text)).toEqual([`${place} JOB_FILE_INVALID ${received}`]);
});

test('a lookback is allowed where rows that are read again replace those that were there', async () => {
  const lookback =
    'source: { path: x.csv, incremental: { strategy: updated_after, cursor_field: at, lookback_hours: 1 } }\n';
  for (const mode of ['upsert', 'overwrite']) {
    const problems = await problemsOf(`${CSV}${lookback}target: { write_mode: ${mode} }\n`);
    expect(problems.filter((problem) => problem.includes('lookback'))).toEqual([]);
  }
});

test.each([
  ['- { type: drop, columns: [a, a] }', '4:30', 'transformation 1 (drop) names the column "a" twice'],
  ['- { type: rename, columns: { a: c, b: c } }', '4:36', 'transformation 1 (rename) gives two columns the name "c"'],
  ['- { type: cast, columns: {} }', '4:17', 'transformation 1 (cast) names no columns'],
  [
    '- { type: filter, name: x, expression: a }\n- { type: drop, name: x, columns: [a] }',
    '5:17',
    'the transformations 1 and 2 have one name',
  ],
])('transformations that cannot fit any columns are refused: %j', async (steps, place, received) => {
  const text = `source_connector: csv\nsource: { path: a.csv }\ntransformations:\n${steps}\n`;
  expect(await problemsOf(text)).toEqual([`${place} TRANSFORMATION_INVALID ${received}`]);
});

test('an unset variable is a problem here, unless variables are needed only where the job runs', async () => {
  const file = await jobFile(`${CSV}source: { path: "\${DATA}/a.csv" }\n`);
  expect((await validateJob(file, { env: {} })).problems).toMatchObject([
    { line: 3, column: 17, code: 'VARIABLE_UNSET' },
  ]);
  expect((await validateJob(file, { env: {}, variables: 'deferred' })).job).toBeDefined();
});

test('names are needed where the run is started, because they go into ids', async () => {
  const file = await jobFile('source_connector: csv\ntenant_id: ${TENANT}\nsource: { path: a.csv }\n');
  expect((await validateJob(file, { env: {}, variables: 'deferred' })).problems).toMatchObject([
    { code: 'VARIABLE_UNSET' },
  ]);
  expect((await validateJob(file, { env: { TENANT: 'acme' } })).job).toMatchObject({ tenant: 'acme' });
});

test('the value of a variable is in no problem, wherever the variable stands', async () => {
  const secret = 'marker-secret-0815';
  const keys = [
    'tenant_id',
    'source_connector',
    'target_connector',
    'asset',
    'schema_mode',
    'data_contract',
    'schedule',
    'maintenance',
    'compliance',
    'transformations',
  ];
  const sections = [
    ...keys.map((key) => `${key}: "\${SECRET}"`),
    'source: { path: "s3://${SECRET}", connection: "${SECRET}", types: { a: "${SECRET}" }, objects: ["${SECRET}/x"], sample_rows: "${SECRET}" }',
    'target: { warehouse: "s3://${SECRET}", file_format: "${SECRET}", catalog: { type: rest, token: "${SECRET}", name: " ${SECRET}" } }',
    'transformations:\n- { type: drop, name: "${SECRET}", columns: ["${SECRET}", "${SECRET}"] }\n- { type: drop, name: "${SECRET}", columns: ["x"] }',
    'source: { objects: ["${SECRET}", "${SECRET}"] }',
  ];
  for (const text of sections) {
    const { problems } = await validateJob(await jobFile(`${text}\n`), { env: { SECRET: secret } });
    expect(problems.length, text).toBeGreaterThan(0);
    expect(JSON.stringify(problems), text).not.toContain(secret);
  }
});

test('a setting of another type of catalog is refused, and a secret that is written out is not shown', async () => {
  const catalog = (settings: string) => problemsOf(`${CSV}source: { path: x.csv }\ntarget: { catalog: ${settings} }\n`);
  expect(await catalog('{ token: marker }')).toEqual([
    '4:22 JOB_FILE_INVALID target.catalog.token has no meaning when target.catalog.type is sqlite',
    '4:29 JOB_FILE_INVALID target.catalog.token is written out in the file (not shown)',
  ]);
  expect(await catalog('{ type: sql, uri: "postgresql://me:marker@db/lake" }')).toEqual([
    '4:38 JOB_FILE_INVALID the password in target.catalog.uri is written out in the file (not shown)',
  ]);
});

test('a secret that stands in the file itself is not shown either', async () => {
  const problems = await problemsOf(
    `${CSV}source: { path: a.csv }\ntransformations:\n- { type: hash, columns: [a], key: [marker] }\n`,
  );
  expect(problems).toEqual(['5:36 JOB_FILE_INVALID transformations[0].key has a value that does not fit (not shown)']);
});

const CONTRACT = `apiVersion: v3.0.2
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - { name: id, logicalType: integer, primaryKey: true }
`;

test('the contract becomes a part of the job', async () => {
  const folder = await jobFolder({
    'jobs/job.yaml': `${CSV}asset_path: ../orders.contract.yaml\nsource: { path: a.csv }\n`,
    'orders.contract.yaml': CONTRACT,
  });
  const { job, problems } = await validateJob(path.join(folder, 'jobs/job.yaml'), { env: {} });
  expect(problems).toEqual([]);
  expect(job?.stored.contracts).toEqual({
    orders: { columns: [{ name: 'id', type: 'long', required: true }], primaryKey: ['id'] },
  });
});

test('problems of the contract come with those of the job, in their own file', async () => {
  const folder = await jobFolder({
    'job.yaml':
      'source_connector: csv\nasset_path: c.yaml\nsource: { path: "{object}.csv", objects: [orders, ordres], headr: true }\n',
    'c.yaml': CONTRACT,
  });
  const { problems } = await validateJob(path.join(folder, 'job.yaml'), { env: {} });
  expect(problems.map((p) => `${path.basename(p.file)}:${p.line}:${p.column} ${p.code}`)).toEqual([
    'job.yaml:3:60 JOB_FILE_INVALID',
  ]);
  const folder2 = await jobFolder({
    'job.yaml':
      'source_connector: csv\nasset_path: c.yaml\nsource: { path: "{object}.csv", objects: [orders, ordres] }\ntarget: { storage_pattern: raw }\n',
    'c.yaml': CONTRACT,
  });
  const { problems: both } = await validateJob(path.join(folder2, 'job.yaml'), { env: {} });
  expect(both.map((p) => `${path.basename(p.file)}:${p.line}:${p.column} ${p.code} ${p.received}`)).toEqual([
    'job.yaml:4:11 NOT_AVAILABLE_YET target.storage_pattern: "raw" is not available yet',
    'c.yaml:6:1 CONTRACT_INVALID the contract describes no "ordres"',
  ]);
});
