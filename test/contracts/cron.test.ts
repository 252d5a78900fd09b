import { describe, expect, test } from 'vitest';
import type { Cron } from '../../contracts/cron.ts';
import { parseCron } from '../../contracts/cron.ts';

function cron(text: string): Cron {
  const parsed = parseCron(text);
  if ('expected' in parsed) throw new Error(parsed.expected);
  return parsed;
}

function refusal(text: string): string {
  const parsed = parseCron(text);
  return 'expected' in parsed ? parsed.expected : 'accepted';
}

describe('a cron expression', () => {
  test('has lists, ranges, steps and names', () => {
    expect(cron('5/20 6-8/2,22 */10 jan-MAR,December Mon')).toEqual({
      minutes: [5, 25, 45],
      hours: [6, 8, 22],
      daysOfMonth: [1, 11, 21, 31],
      months: [1, 2, 3, 12],
      daysOfWeek: [1],
      eitherDay: false,
    });
  });

  test('may call Sunday 0 or 7', () => {
    expect(cron('0 0 * * 7').daysOfWeek).toEqual(cron('0 0 * * sun').daysOfWeek);
    expect(cron('0 0 * * 5-7').daysOfWeek).toEqual([0, 5, 6]);
    expect(cron('0 0 * * */2').daysOfWeek).toEqual([0, 2, 4, 6]);
  });

  test('with both kinds of days goes by either, unless one begins with a star', () => {
    expect(cron('0 0 13 * 5').eitherDay).toBe(true);
    expect(cron('0 0 */2 * 5').eitherDay).toBe(false);
    expect(cron('0 0 13 * *').eitherDay).toBe(false);
  });

  test.each(['0 0 31 2 *', '0 0 30-31 2 *', '0 0 31 4,6,9,11 *'])('that never runs is refused: %s', (text) => {
    expect(refusal(text)).toMatch(/^a date that exists: no year has day \S+ in month \S+, so it would never run$/);
  });

  test.each(['0 0 29 2 *', '0 0 31 2 1', '0 0 31 1,2 *'])('that runs now and then is accepted: %s', (text) => {
    expect(refusal(text)).toBe('accepted');
  });

  test.each([
    ['* * * *', 'five fields'],
    ['0 0 0 * * *', 'five fields'],
    ['', 'five fields'],
    ['@daily', '@daily is "0 0 * * *"'],
    ['60 * * * *', 'in the field minute numbers from 0 to 59 in place of "60"'],
    ['0 24 * * *', 'in the field hour numbers from 0 to 23'],
    ['0 0 0 * *', 'in the field day of the month numbers from 1 to 31'],
    ['0 0 * 13 *', 'in the field month numbers from 1 to 12, or jan to dec, in place of "13"'],
    ['0 0 * * 8', 'in the field day of the week numbers from 0 to 7, or sun to sat, in place of "8"'],
    ['0 0 * * fri-mon', 'in the field day of the week a range from low to high'],
    ['0 0 * * mon#1', 'in place of "mon#1"'],
    ['0 0 L * *', 'in place of "L"'],
    ['0 0 ? * *', 'in place of "?"'],
    ['*/0 * * * *', 'in the field minute a step from 1 to 59'],
    ['*/90 * * * *', 'in the field minute a step from 1 to 59'],
    ['1,,2 * * * *', 'in place of ""'],
    ['*-5 * * * *', 'in place of "*-5"'],
    ['-1 * * * *', 'in place of "-1"'],
  ])('that cannot be read is refused with what is expected: %s', (text, expected) => {
    expect(refusal(text)).toContain(expected);
  });
});
