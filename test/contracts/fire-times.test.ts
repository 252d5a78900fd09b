import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Timing } from '../../contracts/fire-times.ts';
import {
  effectiveTimezone,
  fireWindows,
  fromLocalTime,
  lastFireTime,
  lastFireWindow,
  nextFireTime,
  toLocalText,
} from '../../contracts/fire-times.ts';

const at = (text: string) => Date.parse(text);
const text = (time: number | undefined) => (time === undefined ? 'never' : new Date(time).toISOString());
const zurich = (cron: string): Timing => ({ cron, timezone: 'Europe/Zurich' });

function following(timing: Timing, after: string, count: number): string[] {
  const times: string[] = [];
  for (let time: number | undefined = at(after); times.length < count; ) {
    time = nextFireTime(timing, time ?? 0);
    times.push(text(time).slice(0, 16));
  }
  return times;
}

describe('the times of a schedule', () => {
  test('follow the clocks of its zone', () => {
    expect(following(zurich('0 6 * * 1-5'), '2026-10-22T12:00:00Z', 3)).toEqual([
      '2026-10-23T04:00',
      '2026-10-26T05:00',
      '2026-10-27T05:00',
    ]);
  });

  test('leave out an hour that the clocks leave out', () => {
    expect(following(zurich('30 2 * * *'), '2027-03-27T00:00:00Z', 2)).toEqual([
      '2027-03-27T01:30',
      '2027-03-29T00:30',
    ]);
  });

  test('come once in an hour that the clocks repeat', () => {
    expect(following(zurich('30 2 * * *'), '2027-10-30T12:00:00Z', 2)).toEqual([
      '2027-10-31T00:30',
      '2027-11-01T01:30',
    ]);
  });

  test('that come in every hour go by UTC where the zone is whole hours away from it', () => {
    expect(effectiveTimezone({ cron: '*/15 * * * *', timezone: 'Europe/Zurich' })).toBe('UTC');
    expect(effectiveTimezone({ cron: '*/15 * * * *', timezone: 'Asia/Kathmandu' })).toBe('Asia/Kathmandu');
    expect(effectiveTimezone({ cron: '*/15 8-18 * * *', timezone: 'Europe/Zurich' })).toBe('Europe/Zurich');
    expect(following(zurich('*/30 * * * *'), '2027-10-31T00:00:00Z', 4)).toEqual([
      '2027-10-31T00:30',
      '2027-10-31T01:00',
      '2027-10-31T01:30',
      '2027-10-31T02:00',
    ]);
  });

  test('come on the 13th and on Fridays when both are given', () => {
    const both: Timing = { cron: '0 0 13 * 5', timezone: 'UTC' };
    expect(following(both, '2026-11-12T12:00:00Z', 3)).toEqual([
      '2026-11-13T00:00',
      '2026-11-20T00:00',
      '2026-11-27T00:00',
    ]);
  });

  test('are found across years', () => {
    const rare: Timing = { cron: '0 0 29 2 *', timezone: 'UTC' };
    expect(text(nextFireTime(rare, at('2096-03-01T00:00:00Z')))).toBe('2104-02-29T00:00:00.000Z');
    expect(text(lastFireTime(rare, at('2104-02-28T00:00:00Z')))).toBe('2096-02-29T00:00:00.000Z');
  });

  test('of an interval are counted from 1970', () => {
    expect(following({ everyMs: 900_000 }, '2026-11-12T12:07:00Z', 2)).toEqual([
      '2026-11-12T12:15',
      '2026-11-12T12:30',
    ]);
    expect(text(lastFireTime({ everyMs: 900_000 }, at('2026-11-12T12:15:00Z')))).toBe('2026-11-12T12:15:00.000Z');
  });

  test('are the same forwards and backwards', () => {
    const crons = ['*/20 1,2,3 * * *', '0 6 * * 1-5', '30 2 * * *', '15 */6 1,15 * *', '0 0 13 * 5'];
    const zones = ['UTC', 'Europe/Zurich', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo', 'Asia/Kathmandu'];
    const moment = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2028-01-01T00:00:00Z') });
    fc.assert(
      fc.property(fc.constantFrom(...crons), fc.constantFrom(...zones), moment, (cron, timezone, start) => {
        const timing: Timing = { cron, timezone };
        const next = nextFireTime(timing, start) ?? 0;
        expect(next).toBeGreaterThan(start);
        expect(lastFireTime(timing, next)).toBe(next);
        expect(lastFireTime(timing, next - 1)).toBeLessThanOrEqual(start);
      }),
      { numRuns: 300 },
    );
  });
});

describe('windows', () => {
  const daily = zurich('0 0 * * *');

  test('divide a span at the times in it, and leave nothing out', () => {
    const span = [at('2027-03-26T12:00:00Z'), at('2027-03-29T12:00:00Z')] as const;
    const windows = fireWindows(daily, ...span, 100).map(({ from, to }) => `${text(from)} ${text(to)}`);
    expect(windows).toEqual([
      '2027-03-26T12:00:00.000Z 2027-03-26T23:00:00.000Z',
      '2027-03-26T23:00:00.000Z 2027-03-27T23:00:00.000Z',
      '2027-03-27T23:00:00.000Z 2027-03-28T22:00:00.000Z',
      '2027-03-28T22:00:00.000Z 2027-03-29T12:00:00.000Z',
    ]);
    expect(fireWindows(daily, ...span, 2)).toHaveLength(2);
  });

  test('of a run end at its time, also when it starts late', () => {
    const expected = { from: at('2027-03-27T23:00:00Z'), to: at('2027-03-28T22:00:00Z') };
    expect(lastFireWindow(daily, at('2027-03-28T22:00:00Z'))).toEqual(expected);
    expect(lastFireWindow(daily, at('2027-03-29T09:00:00Z'))).toEqual(expected);
  });

  test('are written with the date of the zone', () => {
    expect(toLocalText(at('2027-03-27T23:00:00Z'), 'Europe/Zurich')).toBe('2027-03-28T00:00:00+01:00');
    expect(toLocalText(at('2027-03-27T23:00:00Z'), 'America/St_Johns')).toBe('2027-03-27T20:30:00-02:30');
    expect(toLocalText(at('2027-03-27T23:00:00Z'), 'UTC')).toBe('2027-03-27T23:00:00Z');
  });

  test('begin where the clocks show the time that is asked for', () => {
    expect(text(fromLocalTime(at('2027-03-28T00:00:00Z'), 'Europe/Zurich'))).toBe('2027-03-27T23:00:00.000Z');
    expect(fromLocalTime(at('2027-03-28T02:30:00Z'), 'Europe/Zurich')).toBeUndefined();
  });
});
