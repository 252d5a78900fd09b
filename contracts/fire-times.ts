import type { Cron } from './cron.ts';
import { parseCron, runsEveryHour } from './cron.ts';

/** When something recurs: by cron in a time zone, or every so many milliseconds since 1970. */
export type Timing = { readonly cron: string; readonly timezone: string } | { readonly everyMs: number };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A 29 February that is a Monday comes every 28 years, and 40 years apart around 2100. */
const LONGEST_GAP_DAYS = 41 * 366;

/** The first time after a moment (both in milliseconds since 1970); undefined if there is none. */
export function nextFireTime(timing: Timing, after: number): number | undefined {
  if ('everyMs' in timing) return (Math.floor(after / timing.everyMs) + 1) * timing.everyMs;
  return search(timing, after, 1, (time) => time > after);
}

/** The last time at or before a moment. */
export function lastFireTime(timing: Timing, at: number): number | undefined {
  if ('everyMs' in timing) return Math.floor(at / timing.everyMs) * timing.everyMs;
  return search(timing, at, -1, (time) => time <= at);
}

/** Half-open, as `--from` and `--to` are. */
export interface FireWindow {
  readonly from: number;
  readonly to: number;
}

/** The last interval between two times that is over at a moment. */
export function lastFireWindow(timing: Timing, at: number): FireWindow | undefined {
  const to = lastFireTime(timing, at);
  const from = to === undefined ? undefined : lastFireTime(timing, to - 1);
  return from === undefined || to === undefined ? undefined : { from, to };
}

/** [from, to) divided at its times, so that nothing of it is left out; at most `limit` windows, the earliest. */
export function fireWindows(timing: Timing, from: number, to: number, limit: number): FireWindow[] {
  const windows: FireWindow[] = [];
  for (let start = from; start < to && windows.length < limit; ) {
    const end = Math.min(nextFireTime(timing, start) ?? to, to);
    windows.push({ from: start, to: end });
    start = end;
  }
  return windows;
}

/**
 * The zone that a cron expression is best read in: one that runs in every hour means the same in UTC, where no hour
 * is repeated, unless the zone's offset is not of whole hours. (Temporal leaves out up to an hour where clocks are
 * put back.)
 */
export function effectiveTimezone({ cron, timezone }: Extract<Timing, { cron: string }>): string {
  const wholeHours = SAMPLE_MOMENTS.every((moment) => offsetAt(moment, timezone) % HOUR === 0);
  return wholeHours && runsEveryHour(readCron(cron)) ? 'UTC' : timezone;
}

/** Summer and winter of both hemispheres. */
const SAMPLE_MOMENTS = [Date.UTC(2026, 0, 15), Date.UTC(2026, 6, 15)];

/**
 * The moment at which the clocks of a zone show a time (`wall`: what they show, read as if it were UTC): the first one
 * where clocks are put back; undefined where they leave it out.
 */
export function fromLocalTime(wall: number, timezone: string): number | undefined {
  const offsets = [wall - DAY, wall + DAY].map((near) => offsetAt(near, timezone));
  const moments = offsets
    .map((offset) => wall - offset)
    .filter((moment) => moment + offsetAt(moment, timezone) === wall);
  return moments.length === 0 ? undefined : Math.min(...moments);
}

/** ISO 8601 in the time of the zone with its offset, so that the date in it is the date there. */
export function toLocalText(moment: number, timezone: string): string {
  const offset = offsetAt(moment, timezone);
  const size = Math.abs(offset) / MINUTE;
  const [hours, minutes] = [Math.floor(size / 60), size % 60].map((part) => String(part).padStart(2, '0'));
  const wall = new Date(moment + offset).toISOString().replace(/\.000Z$|Z$/, '');
  return offset === 0 ? `${wall}Z` : `${wall}${offset < 0 ? '-' : '+'}${hours}:${minutes}`;
}

/** Goes through the days from the one of `start`, forward or back, until a time on one of them is wanted. */
function search(
  timing: Extract<Timing, { cron: string }>,
  start: number,
  direction: 1 | -1,
  isWanted: (time: number) => boolean,
): number | undefined {
  const cron = readCron(timing.cron);
  const timezone = effectiveTimezone(timing);
  const first = Math.floor((start + offsetAt(start, timezone)) / DAY) * DAY;
  for (let days = 0; days <= LONGEST_GAP_DAYS; days++) {
    const day = first + direction * days * DAY;
    if (!isDue(cron, day)) continue;
    const found = timesOf(cron, day, timezone, direction).find(isWanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isDue(cron: Cron, day: number): boolean {
  const date = new Date(day);
  if (!cron.months.includes(date.getUTCMonth() + 1)) return false;
  const byDate = cron.daysOfMonth.includes(date.getUTCDate());
  const byWeekday = cron.daysOfWeek.includes(date.getUTCDay());
  return cron.eitherDay ? byDate || byWeekday : byDate && byWeekday;
}

/** The times of a day, in their order or backwards. Times that the clocks leave out are not there. */
function timesOf({ hours, minutes }: Cron, day: number, timezone: string, direction: 1 | -1): number[] {
  const walls = hours.flatMap((hour) => minutes.map((minute) => day + hour * HOUR + minute * MINUTE));
  // On most days the clocks are left alone, and one question is enough.
  const [before = 0, after = 0] = [day - DAY, day + 2 * DAY].map((near) => offsetAt(near, timezone));
  const moments = walls.map((wall) => (before === after ? wall - before : fromLocalTime(wall, timezone)));
  const known = moments.filter((moment) => moment !== undefined).toSorted((a, b) => a - b);
  return direction === 1 ? known : known.toReversed();
}

function readCron(text: string): Cron {
  const cron = parseCron(text);
  if ('expected' in cron) throw new RangeError('a cron expression that was not checked');
  return cron;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Milliseconds that the zone's clocks are ahead of UTC at a moment. */
function offsetAt(moment: number, timezone: string): number {
  let format = formats.get(timezone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, hourCycle: 'h23', ...NUMERIC });
    formats.set(timezone, format);
  }
  const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return wall - Math.floor(moment / 1_000) * 1_000;
}

const NUMERIC = {
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
} as const;
