import { expect, test } from 'vitest';
import { distanceInWords, timeInWords } from '../../client/clock-words.ts';

const at = (text: string) => new Date(text).getTime();
const now = at('2026-11-24T13:48:00');

test.each([
  ['2026-11-24T14:00:00', 'today 14:00', 'in 12 min'],
  ['2026-11-25T06:05:00', 'tomorrow 06:05', 'in 16 h 17 min'],
  ['2026-11-23T23:00:00', 'yesterday 23:00', '14 h 48 min ago'],
  ['2026-11-30T06:00:00', 'Mon 30 Nov 06:00', 'in 6 days'],
  ['2028-02-29T00:00:00', '29 Feb 2028 00:00', 'in 461 days'],
  ['2026-11-24T13:47:55', 'today 13:47', '5.0 s ago'],
])('%s is told as a person would', (time, words, distance) => {
  expect(timeInWords(at(time), now)).toBe(words);
  expect(distanceInWords(at(time), now)).toBe(distance);
});
