import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeTemplate, referencesIn, resolveVariables } from '../../config/interpolate.ts';
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
