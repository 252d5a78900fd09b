import { expect, test } from 'vitest';
import { openStoredJob } from '../../config/open-job.ts';
import { validateJob } from '../../config/validate.ts';
import { jobFile, jobFolder } from '../support/job-folder.ts';

const CSV = 'source_connector: csv\nasset: orders\nsource: { path: a.csv }\n';
const CONTRACT = `apiVersion: v3.0.2
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - { name: id, logicalType: integer }
      - { name: placed, logicalType: date }
      - { name: country, logicalType: string }
`;

async function problemsOf(content: string): Promise<string[]> {
  const { problems } = await validateJob(await jobFile(content), { env: { BY: 'day(x' } });
  return problems.map((p) => `${p.line}:${p.column} ${p.code} ${p.message}`);
}

test('partitions and a sort order reach the run as they are written', async () => {
  const target = 'target: { partition_by: [day(placed), bucket(16, id), country], sort_by: [id desc] }\n';
  const { job, problems } = await validateJob(await jobFile(CSV + target), { env: {} });
  expect(problems).toEqual([]);
  expect(openStoredJob(job?.stored, { env: {} }).target()).toMatchObject({
    partition_by: [
      { transform: 'day', column: 'placed' },
      { transform: 'bucket[16]', column: 'id' },
      { transform: 'identity', column: 'country' },
    ],
    sort_by: [{ column: 'id', direction: 'desc', nulls: 'last' }],
    overwrite: 'table',
  });
});

test.each([
  ['partition_by: [country, dya(placed)]', '4:35', 'write day(placed) instead'],
  ['partition_by: [bucket(id)]', '4:26', 'such as bucket(16, id)'],
  ['partition_by: [year(at), "day(at)"]', '4:36', 'day(at) beside year(at)'],
  ['partition_by: [a, day(at]', '4:29', 'a whole transform'],
  ['partition_by: [a, id)]', '4:29', 'a whole transform'],
  ['partition_by: country', '4:25', 'expected a list'],
  ['sort_by: [amount upwards nulls]', '4:21', 'amount desc nulls last'],
  ['sort_by: [id, id desc]', '4:25', 'each column once'],
])('what cannot be read is refused where it stands: %s', async (target, place, text) => {
  const [problem, ...others] = await problemsOf(`${CSV}target: { ${target} }\n`);
  expect(others).toEqual([]);
  expect(problem).toMatch(new RegExp(`^${place} JOB_FILE_INVALID `));
  expect(problem).toContain(text);
});

test.each([
  ['overwrite: partitions', '4:22', 'write_mode is append'],
  ['overwrite: partitions, write_mode: overwrite, partition_by: []', '4:22', 'partition_by is empty'],
  ['overwrite: files, write_mode: overwrite', '4:22', 'one of table, partitions'],
])('an overwrite of partitions needs partitions: %s', async (target, place, text) => {
  expect(await problemsOf(`${CSV}target: { ${target} }\n`)).toEqual([
    expect.stringMatching(new RegExp(`^${place} .*${text}`)),
  ]);
});

test('an overwrite of partitions by some of their rows is refused', async () => {
  const source = 'source: { path: a.csv, incremental: { strategy: updated_after, cursor_field: at } }\n';
  const target = 'target: { write_mode: overwrite, overwrite: partitions, partition_by: [day(at)] }\n';
  expect(await problemsOf(`source_connector: csv\nasset: orders\n${source}${target}`)).toEqual([
    expect.stringMatching(/^4:45 LAYOUT_INVALID .*only some of the rows/),
  ]);
});

test.each([
  ['[{ type: drop, columns: [country] }]', 'the step "drop_1" leaves out'],
  ['[{ type: select, columns: [id] }]', 'the step "select_1" leaves out'],
  ['[{ type: rename, columns: { country: land } }]', 'the step "rename_1" leaves out'],
  ['[{ type: drop, columns: [country] }, { type: sql, name: country, expression: "1" }]', undefined],
  ['[{ type: rename, columns: { country: land, land: country } }]', undefined],
])('a partition column that a step drops is refused: %s', async (steps, text) => {
  const problems = await problemsOf(`${CSV}target: { partition_by: [country] }\ntransformations: ${steps}\n`);
  if (text === undefined) expect(problems).toEqual([]);
  else expect(problems).toEqual([expect.stringMatching(new RegExp(`^4:26 LAYOUT_INVALID .*${text}`))]);
});

test('columns are held to a strict contract, where other columns cannot come', async () => {
  const problems = async (mode: string, target: string) => {
    const folder = await jobFolder({
      'c.yaml': CONTRACT,
      'job.yaml': `${CSV}asset_path: c.yaml\nschema_mode: ${mode}\ntarget: { ${target} }\n`,
    });
    const found = await validateJob(`${folder}/job.yaml`, { env: {} });
    return found.problems.map((p) => `${p.line}:${p.column} ${p.code} ${p.message}`);
  };
  const [missing, wrong, none] = await problems('strict', 'partition_by: [contry, day(country), bucket(4, id)]');
  expect(missing).toMatch(/^6:26 LAYOUT_INVALID .*the contract does not have; .*write country instead/);
  expect(wrong).toMatch(/^6:34 LAYOUT_INVALID .*is string; expected a date or timestamp/);
  expect(none).toBeUndefined();
  expect(await problems('warn', 'partition_by: [contry]')).toEqual([]);
});

test('files in a plain folder are not divided yet', async () => {
  const target = 'target_connector: parquet\ntarget: { partition_by: [country], sort_by: [id] }\n';
  expect(await problemsOf(CSV + target)).toEqual([
    expect.stringMatching(/^5:11 NOT_AVAILABLE_YET target\.partition_by/),
    expect.stringMatching(/^5:36 NOT_AVAILABLE_YET target\.sort_by/),
  ]);
});
