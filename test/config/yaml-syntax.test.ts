import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../config/yaml-file.ts';

const CODES = { unreadable: 'JOB_FILE_UNREADABLE', syntax: 'JOB_FILE_SYNTAX', invalid: 'JOB_FILE_INVALID' } as const;

/** Line, column and what was received, of each problem. */
function problemsOf(text: string): string[] {
  const { problems } = parseYaml('job.yaml', text, 'job file', CODES);
  return problems.map(({ line, column, received }) => `${line}:${column} ${received}`);
}

const DEEPER = 'the value here goes on in the next line, because that one is indented deeper';
const BRACE = 'what "{" opens here is not closed, or goes on in a line that is not indented';
const BRACKET = 'what "[" opens here is not closed, or goes on in a line that is not indented';

describe('one mistake is told once, where it was made', () => {
  test.each([
    ['asset: a\nsource: { path: "a/*.csv\n', '2:17 what a double quote opens here is not closed'],
    ["asset: 'a\nsource_connector: csv\n", '1:8 what a single quote opens here is not closed'],
    ['"asset: a\nsource_connector: csv\n', '1:1 what a double quote opens here is not closed'],
    ['asset: a\nsource: { path: a.csv\ntarget: { warehouse: x }\n', `2:9 ${BRACE}`],
    ['asset: a\nsource:\n  objects: [a, b\ntarget: {}\n', `3:12 ${BRACKET}`],
    ['source: { path: a.csv, objects: [a, b }\n', `1:33 ${BRACKET}`],
    ['source:\n  path: a.csv\n   objects: x\n', `2:9 ${DEEPER}`],
    ['asset: a\n  source: x\n', `1:8 ${DEEPER}`],
    ['source:\n  path: a\n objects: [x]\ntarget: {}\n', '3:1 the line is indented wrongly'],
    ['source:\n\tpath: a.csv\n', '2:1 the line is indented with a tab'],
    ['asset: a\nsource\n  path: x\n', '2:1 what should be a key has no colon in its line'],
    ['asset: a\nsource\n', '2:1 this stands where a key should be, and has no colon'],
    ['source: path: a.csv\n', '1:9 the value here holds another "key: value"'],
    ['- a\n- b: c\n d: e\n', '3:1 this stands in a list, and does not begin with "- "'],
    ["asset: 'it's'\n", '1:12 this cannot follow what stands before it'],
    ['source: { path: x }}\n', '1:20 this cannot follow what stands before it'],
    ['source: { path: x,, y: 1 }\n', '1:19 this cannot follow what stands before it'],
    ['{}}}]\n', '1:3 this cannot follow what stands before it'],
    ['asset: @a\n', '1:8 a value begins with a character that is reserved in YAML'],
    ['asset: *a\n', '1:8 an alias (*name) has no anchor (&name) before it'],
  ])('%j', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });
});

test('mistakes that have nothing to do with each other are all told', () => {
  expect(problemsOf('asset: a\nasset: b\nsource: !x c\ntarget: !y d\n')).toEqual([
    '2:1 the key stands here a second time',
    '3:9 a tag (!name) is not known',
    '4:9 a tag (!name) is not known',
  ]);
  expect(problemsOf('asset: a\nasset: b\nsource: { path: "a\n').map((text) => text.slice(0, 4))).toEqual([
    '2:1 ',
    '3:17',
  ]);
});

test('an alias that stands in what it stands for is refused, and does not go on for ever', () => {
  const refused = ['1:1 the file is nested too deeply or repeats too many aliases'];
  expect(problemsOf('&a [*a]')).toEqual(refused);
  expect(problemsOf('a: &x { b: [*x] }\n')).toEqual(refused);
});

test('no text is so broken that it is told twice, nor can it make the reader fail', () => {
  const pieces = fc.constantFrom(
    'asset',
    ': ',
    '\n',
    '  ',
    '\t',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    ', ',
    '- ',
    '*a',
    '&a ',
    '#',
    '|',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const places = problemsOf(parts.join('')).map((problem) => problem.slice(0, problem.indexOf(' ')));
      expect(new Set(places).size).toBe(places.length);
    }),
    { numRuns: 2_000 },
  );
});
