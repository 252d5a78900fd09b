import fc from 'fast-check';
import { expect, test } from 'vitest';
import { duration, durationText, parseDuration } from '../../contracts/duration.ts';

test('a duration reads in days, hours, minutes and seconds', () => {
  expect(['90s', '15m', '1h30m', '2d', '0s'].map(parseDuration)).toEqual([90_000, 900_000, 5_400_000, 172_800_000, 0]);
});

test.each(['', '15', '1.5h', '30m1h', '1h 30m', '-5m', '1w', 'm'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test('a duration is written as it is read', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000_000 }), (seconds) => {
      expect(parseDuration(durationText(seconds * 1_000))).toBe(seconds * 1_000);
    }),
  );
});

test('a duration beyond its bounds is refused with them', () => {
  const schema = duration('10s', '1d');
  expect(schema.safeParse('10s').data).toBe(10_000);
  expect(schema.safeParse('2d').error?.issues[0]?.message).toContain('from 10s to 1d');
});
