import { expect, test } from 'vitest';
import { readSpan } from '../../client/backfill-span.ts';

const now = Date.parse('2026-11-24T12:00:00Z');
const span = (from: string, to: string, zone = 'Europe/Zurich') => {
  const { from: start, to: end } = readSpan(from, to, zone, now);
  return [new Date(start).toISOString(), new Date(end).toISOString()];
};

test('a time without an offset is one of the schedule’s zone', () => {
  expect(span('2026-01-01', '2026-07-01T06:30')).toEqual(['2025-12-31T23:00:00.000Z', '2026-07-01T04:30:00.000Z']);
  expect(span('2026-01-01', '2026-01-02', 'UTC')).toEqual(['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z']);
});

test('a time with an offset is what it says', () => {
  expect(span('2026-01-01T00:00:00Z', '2026-01-01T12:00:00+01:00')).toEqual([
    '2026-01-01T00:00:00.000Z',
    '2026-01-01T11:00:00.000Z',
  ]);
});

test.each([
  ['2026-02-30', '2026-03-01', /--from "2026-02-30"; expected a date, or a date and time/],
  ['yesterday', '2026-03-01', /--from "yesterday"/],
  ['2026-03-29T02:30', '2026-04-01', /without an offset it is a time in Europe\/Zurich/],
  ['2026-03-01', '2026-03-01', /expected a start before the end/],
  ['2026-03-01', '2026-11-25', /which is yet to come; expected a span that is over/],
])('%s to %s is refused', (from, to, message) => {
  expect(() => span(from, to)).toThrow(message);
});
