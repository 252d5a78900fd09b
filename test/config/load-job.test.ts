import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { loadJob } from '../../config/load-job.ts';
import { jobFile, jobFolder } from '../support/job-folder.ts';

/** The problems of a job file without its path: `3:1 CODE message`. */
async function problemsOf(content: string, env: Record<string, string> = {}): Promise<string[]> {
  const { problems } = await loadJob(await jobFile(content), { env });
  return problems.map((p) => `${p.line}:${p.column} ${p.code} ${p.message}`);
}

test('an unknown key is named at its place with the nearest known key', async () => {
  expect(await problemsOf('source_connector: csv\nsource:\n  delimter: ";"\n')).toEqual([
    expect.stringMatching(
      /^3:3 JOB_FILE_INVALID source has the unknown key "delimter"; expected one of connection, path, .*; write "delimiter" instead\.$/,
    ),
  ]);
});

test('a key in camel case is recognised as the one in snake case', async () => {
  const [problem] = await problemsOf('source:\n  incremental: { cursorField: id }\n');
  expect(problem).toMatch(/^2:18 .*write "cursor_field" instead\.$/);
});

test('a key that belongs into another section is sent there', async () => {
  const [problem] = await problemsOf('delimiter: ","\n');
  expect(problem).toMatch(/^1:1 .*the job file has the unknown key "delimiter"; .*; move it under "source"\.$/);
});

test('a value outside of a list of values is shown with the values and the nearest of them', async () => {
  expect(await problemsOf('source:\n  compression:   gzipp\n')).toEqual([
    '2:18 JOB_FILE_INVALID source.compression is the text "gzipp"; expected one of auto, none, gzip, zstd; write gzip instead.',
  ]);
});

test('a value of the wrong kind is shown with the kind that is expected', async () => {
  expect(await problemsOf('asset: 2024\nsource:\n  header: yes\n  path: { a: 1 }\n  sample_rows: 1.5\n')).toEqual([
    '1:8 JOB_FILE_INVALID asset is 2024; expected a text; put it in quotes: "2024".',
    '3:11 JOB_FILE_INVALID source.header is the text "yes"; expected true or false; correct the value.',
    '4:9 JOB_FILE_INVALID source.path is a mapping; expected a text or a list; correct the value.',
    '5:16 JOB_FILE_INVALID source.sample_rows is 1.5; expected a whole number from 1 to 10000000; correct the value.',
  ]);
});

test('a number outside of its limits is shown with the limits', async () => {
  expect(await problemsOf('source:\n  parallel_chunks: 0\n  incremental: { lookback_hours: -1 }\n')).toEqual([
    '2:20 JOB_FILE_INVALID source.parallel_chunks is 0; expected a whole number from 1 to 256; correct the value.',
    '3:34 JOB_FILE_INVALID source.incremental.lookback_hours is -1; expected a number of at least 0; correct the value.',
  ]);
});

test('a key without a value and a key that is missing are told apart', async () => {
  expect(await problemsOf('schedule:\ntransformations:\n  - type: sql\n    name: team\n')).toEqual([
    '1:1 JOB_FILE_INVALID schedule has no value; expected a mapping of keys to values; give it a value or remove the line.',
    '3:5 JOB_FILE_INVALID transformations[0] has no "expression"; expected expression: a text; add "expression".',
  ]);
});

test('a transformation of an unknown type is shown with the types there are', async () => {
  expect(await problemsOf('transformations:\n  - { type: filtre, expression: a > 1 }\n  - { name: x }\n')).toEqual([
    '2:13 JOB_FILE_INVALID transformations[0].type is the text "filtre"; expected one of sql, filter, select, drop, rename, cast, hash, mask; write filter instead.',
    '3:5 JOB_FILE_INVALID transformations[1] has no "type"; expected type: one of sql, filter, select, drop, rename, cast, hash, mask; add "type".',
  ]);
});

test('the name of a column type that nobody knows is refused where it stands', async () => {
  const problems = await problemsOf('source:\n  types:\n    a: bigint\n    b: varcar\n    c: decimal\n');
  expect(problems.map((p) => p.slice(0, 60))).toEqual([
    expect.stringMatching(/^4:8 JOB_FILE_INVALID source\.types\.b is the text "varcar"/),
    expect.stringMatching(/^5:8 JOB_FILE_INVALID source\.types\.c is the text "decimal"/),
  ]);
});

test('names that could climb out of a folder or meet a quarantine table are refused', async () => {
  const problems = await problemsOf(
    'tenant_id: ../other\nasset: a/b\nsource:\n  objects: [orders__quarantine, ".."]\ntarget:\n  namespace: _dativo\n',
  );
  expect(problems.map((p) => p.split(' ')[0])).toEqual(['1:12', '2:8', '4:13', '4:33', '6:14']);
});

test('every problem of a file is reported at once, in the order of its lines', async () => {
  const problems = await problemsOf(
    [
      'tenant: a',
      'asset: [x]',
      'source:',
      '  delimeter: ","',
      '  header: 1',
      'target:',
      '  write_mode: apend',
      '',
    ].join('\n'),
  );
  expect(problems.map((p) => p.split(' ')[0])).toEqual(['1:1', '2:8', '4:3', '5:11', '7:15']);
});

test('values behind anchors and merged keys are checked', async () => {
  const problems = await problemsOf(
    'source: &s\n  header: maybe\ntarget:\n  warehouse: &w lake\n  catalog:\n    uri: *w\n    tipe: sqlite\n',
  );
  expect(problems.map((p) => p.split(' ')[0])).toEqual(['2:11', '7:5']);
});

test('syntax errors are told with their place and without the text of the file', async () => {
  expect(await problemsOf('asset: "orders\nsource: {}\n')).toEqual([
    expect.stringMatching(/^1:8 JOB_FILE_SYNTAX what a double quote opens here is not closed/),
  ]);
  expect(await problemsOf('source:\n\tpath: a\n')).toContainEqual(expect.stringMatching(/^2:1 JOB_FILE_SYNTAX .*tab/));
  expect(await problemsOf('asset: a\n---\nasset: b\n')).toEqual([
    expect.stringMatching(/^2:1 JOB_FILE_SYNTAX a second document/),
  ]);
  expect(await problemsOf('connection: !vault secret-of-mine\n')).toEqual([
    expect.stringMatching(/^1:13 JOB_FILE_SYNTAX a tag/),
  ]);
});

test('a key that stands there twice is refused, and the rest is still checked', async () => {
  expect(await problemsOf('asset: a\nasset: b\nschema_mode: lax\n')).toEqual([
    expect.stringMatching(/^2:1 JOB_FILE_SYNTAX the key stands here a second time/),
    expect.stringMatching(/^3:14 JOB_FILE_INVALID schema_mode is the text "lax"/),
  ]);
});

test.each([
  ['', 'is empty'],
  ['# only a comment\n', 'is empty'],
  ['- a\n', 'the job file is a list'],
  ['just words\n', 'the job file has a value that does not fit (not shown)'],
])('a file that is no mapping is refused: %j', async (content, message) => {
  expect(await problemsOf(content)).toEqual([expect.stringContaining(message)]);
});

test('aliases that unfold to far too much are refused', async () => {
  const levels = Array.from(
    { length: 20 },
    (_, i) =>
      `a${i}: &a${i} [${Array(10)
        .fill(i === 0 ? 'x' : `*a${i - 1}`)
        .join(', ')}]`,
  );
  expect(await problemsOf(levels.join('\n'))).toEqual([expect.stringContaining('nested too deeply')]);
});

test('a file that cannot be read says why', async () => {
  const folder = await jobFolder({ 'file.yaml': 'a: 1', 'binary.yaml': 'a', 'large.yaml': 'x'.repeat(1_100_000) });
  await mkdir(path.join(folder, 'folder.yaml'));
  const reason = async (name: string) => {
    const { problems } = await loadJob(path.join(folder, name), { env: {} });
    return problems.map((p) => `${p.line}:${p.column} ${p.code} ${p.received.replace(`${folder}/`, '')}`);
  };
  expect(await reason('missing.yaml')).toEqual(['1:1 JOB_FILE_UNREADABLE missing.yaml does not exist']);
  expect(await reason('folder.yaml')).toEqual(['1:1 JOB_FILE_UNREADABLE folder.yaml is a folder']);
  expect(await reason('file.yaml/x.yaml')).toEqual([expect.stringContaining('a part of its path is a file')]);
  expect(await reason('large.yaml')).toEqual(['1:1 JOB_FILE_UNREADABLE large.yaml is larger than 1 MiB']);
});

test('a file that is not UTF-8 is refused', async () => {
  const file = await jobFile('');
  const { writeFile } = await import('node:fs/promises');
  await writeFile(file, Buffer.from([0x61, 0x3a, 0x20, 0xff]));
  const { problems } = await loadJob(file, { env: {} });
  expect(problems.map((p) => p.received)).toEqual([expect.stringContaining('is not UTF-8 text')]);
});

test('a number or truth value may come out of a variable', async () => {
  const text = 'source:\n  max_bad_rows: ${LIMIT}\n  header: ${HEADER:-true}\n  parallel_chunks: ${UNSET_HERE}\n';
  expect(await problemsOf(text, { LIMIT: '5' })).toEqual([]);
});

test('a variable with a value that does not fit is named, and its value is not', async () => {
  const problems = await problemsOf('source:\n  max_bad_rows: ${LIMIT}\n  compression: x${KIND}\n', {
    LIMIT: 'marker-7',
    KIND: 'marker-8',
  });
  expect(problems).toEqual([
    expect.stringMatching(
      /^2:17 JOB_FILE_INVALID the value of \$\{LIMIT\} does not fit source\.max_bad_rows; .*; set \$\{LIMIT\}/,
    ),
    expect.stringMatching(/^3:16 JOB_FILE_INVALID the value of \$\{KIND\} does not fit source\.compression/),
  ]);
  expect(problems.join()).not.toContain('marker');
});
