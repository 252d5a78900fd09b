import { formatDuration } from '../contracts/figures.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** A time in the zone of whoever reads it: `today 14:00`, `tomorrow 06:00`, `Mon 30 Nov 06:00`, `1 Mar 2028 06:00`. */
export function timeInWords(at: number, now: number): string {
  const date = new Date(at);
  const time = `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
  const days = Math.round((startOfDay(at) - startOfDay(now)) / DAY);
  if (days === 0) return `today ${time}`;
  if (days === 1) return `tomorrow ${time}`;
  if (days === -1) return `yesterday ${time}`;
  const day = `${date.getDate()} ${MONTHS[date.getMonth()]}`;
  if (date.getFullYear() !== new Date(now).getFullYear()) return `${day} ${date.getFullYear()} ${time}`;
  return `${WEEKDAYS[date.getDay()]} ${day} ${time}`;
}

/** `in 12 min`, `5 s ago`, in the one or two units that matter. */
export function distanceInWords(at: number, now: number): string {
  const away = Math.abs(at - now);
  // Minutes say nothing about next week.
  const text = away >= 2 * DAY ? `${Math.round(away / DAY)} days` : formatDuration(rounded(away));
  return at >= now ? `in ${text}` : `${text} ago`;
}

function rounded(milliseconds: number): number {
  const unit = milliseconds >= 10 * MINUTE ? MINUTE : 1_000;
  return Math.max(1_000, Math.round(milliseconds / unit) * unit);
}

function startOfDay(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
