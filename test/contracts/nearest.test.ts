import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../contracts/nearest.ts';

test.each([
  ['', '', 0],
  ['abc', '', 3],
  ['abc', 'acb', 1],
  ['kitten', 'sitting', 3],
  ['ca', 'abc', 3],
])('from %j to %j it is %i edits', (a, b, edits) => {
  expect(editDistance(a, b)).toBe(edits);
});

test('it is as far back as it is there', () => {
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => editDistance(a, b) === editDistance(b, a)));
});

test('the nearest known word is offered only when it is near', () => {
  const known = ['cursor_field', 'strategy', 'lookback_hours'];
  expect(nearest('cursorField', known)).toBe('cursor_field');
  expect(nearest('stategy', known)).toBe('strategy');
  expect(nearest('columns', known)).toBeUndefined();
});
