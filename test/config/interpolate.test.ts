import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeTemplate, referencesIn, resolveVariables, secretsIn } from '../../config/interpolate.ts';
import { jobFolder } from '../support/job-folder.ts';

const env = { NAME: 'orders', EMPTY: '', DOLLAR: '${NAME}' };

function resolved(text: string, baseFolder = '.') {
  return resolveVariables({ key: text }, { env, baseFolder });
}

test.each([
  ['${NAME}', 'orders'],
  ['a-${NAME}-${NAME}', 'a-orders-orders'],
  ['${EMPTY}', ''],
  ['${EMPTY:-none}', 'none'],
  ['${UNSET:-}', ''],
  ['${UNSET:-a:-b}', 'a:-b'],
  ['$${NAME}', '${NAME}'],
  ['$$${NAME}', '$${NAME}'],
  ['$NAME costs $5', '$NAME costs $5'],
  ['${DOLLAR}', '${NAME}'],
])('%s stands for %s', (text, value) => {
  expect(resolved(text)).toEqual({ tree: { key: value }, unresolved: [] });
});

test('an unset variable is named with its place, and its text stays', () => {
  const { tree, unresolved } = resolveVariables({ a: [{ b: 'x ${MISSING}' }] }, { env, baseFolder: '.' });
  expect(tree).toEqual({ a: [{ b: 'x ${MISSING}' }] });
  expect(unresolved).toMatchObject([
    { path: ['a', 0, 'b'], code: 'VARIABLE_UNSET', next: expect.stringContaining('${MISSING:-') },
  ]);
});

test('names that every object has are not variables', () => {
  expect(resolved('${constructor}').unresolved).toHaveLength(1);
});

test.each(['${', '${}', '${A B}', '${file:}', '${1}', '${NAME'])('%s is no variable, and is refused', (text) => {
  expect(resolved(text).unresolved).toMatchObject([{ code: 'JOB_FILE_INVALID' }]);
});

test('a file gives its content without the last line break', async () => {
  const folder = await jobFolder({ 'secrets/token.txt': 'a\nb\n\n' });
  expect(resolved('${file:secrets/token.txt}', folder).tree).toEqual({ key: 'a\nb\n' });
});

test('a file that cannot be read is named', async () => {
  const folder = await jobFolder({});
  expect(resolved('${file:token.txt}', folder).unresolved).toMatchObject([
    { code: 'SECRET_FILE_UNREADABLE', received: 'the file "token.txt", which key uses, cannot be read' },
  ]);
});

test('what a text refers to is known by name, and defaults are not', () => {
  expect(referencesIn('${A:-secret} $${B} ${file:c.txt}')).toEqual(['${A}', '${file:c.txt}']);
});

test('an escaped text resolves to itself, whatever it holds', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', ':', '-') }), (text) => {
      expect(resolved(escapeTemplate(text))).toEqual({ tree: { key: text }, unresolved: [] });
    }),
  );
});

test.each([
  ['${vault:secret/data/db#password}', { store: 'vault', path: 'secret/data/db', key: 'password' }],
  ['${vault:/kv/db/#a#b}', { store: 'vault', path: 'kv/db', key: 'a#b' }],
  ['${vault:secret/data/db?version=3#password}', { path: 'secret/data/db', version: '3', key: 'password' }],
  ['${aws:prod/token}', { store: 'aws', path: 'prod/token', key: undefined }],
  ['${aws:prod/db?stage=AWSPREVIOUS#password}', { path: 'prod/db', stage: 'AWSPREVIOUS', key: 'password' }],
  ['${aws:arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCdEf#k}', { key: 'k' }],
])('%s names a secret', (text, reference) => {
  expect(secretsIn({ key: [text] })).toMatchObject([reference]);
  expect(resolved(text).unresolved).toMatchObject([{ code: 'SECRET_NOT_FOUND' }]);
});

test.each([
  '${vault:secret/data/db}',
  '${vault:#password}',
  '${vault:secret/data/../other/db#password}',
  '${vault:secret/./db#password}',
  '${vault:secret/%2e%2e/db#password}',
  '${vault:secret//db#password}',
  '${vault:secret/data/db?version=0#password}',
  '${vault:secret/data/db?stage=AWSCURRENT#password}',
  '${vault:a b#password}',
  '${aws:}',
  '${aws:#k}',
  '${aws:../x}',
  '${aws:prod/db?stage=#k}',
])('%s is malformed', (text) => {
  expect(resolved(text).unresolved).toMatchObject([{ code: 'JOB_FILE_INVALID' }]);
  expect(secretsIn({ key: text })).toEqual([]);
});

test('a secret that was read takes the place of its name, also within a text', () => {
  const text = 'postgresql://${NAME}:${vault:kv/db#password}@host/db';
  const secrets = new Map([['vault:kv/db#password', 'p4ss']]);
  expect(resolveVariables({ uri: text }, { env, baseFolder: '.', secrets }).tree).toEqual({
    uri: 'postgresql://orders:p4ss@host/db',
  });
  expect(referencesIn(text)).toEqual(['${NAME}', '${vault:kv/db#password}']);
});

test('a variable may be called as a store is', () => {
  expect(resolveVariables('${vault}-${aws:-b}', { env: { vault: 'a' }, baseFolder: '.' }).tree).toBe('a-b');
});
