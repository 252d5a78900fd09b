import { fromLocalTime, toLocalText } from '../contracts/fire-times.ts';
import { usage } from './usage.ts';

/** The span of a backfill: [from, to), milliseconds since 1970. */
export interface BackfillSpan {
  readonly from: number;
  readonly to: number;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const LOCAL = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?$/;
const ABSOLUTE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})$/;

/**
 * Reads both ends of a span; what has no offset is a time in `timezone`. Throws USAGE for what is no time, and for a
 * span that is empty or not over.
 */
export function readSpan(from: string, to: string, timezone: string, now: number): BackfillSpan {
  const span = { from: readTime('--from', from, timezone), to: readTime('--to', to, timezone) };
  if (span.from >= span.to) throw usage(`--from ${from} and --to ${to}`, 'a start before the end', 'exchange them');
  if (span.to > now) {
    throw usage(
      `--to ${to}, which is yet to come`,
      'a span that is over',
      `choose an end up to ${toLocalText(now, timezone)}`,
    );
  }
  return span;
}

function readTime(option: string, text: string, timezone: string): number {
  const time = ABSOLUTE.test(text) ? Date.parse(text) : localTime(text, timezone);
  if (time !== undefined && !Number.isNaN(time)) return time;
  throw usage(
    `${option} ${JSON.stringify(text.slice(0, 40))}`,
    'a date, or a date and time, such as 2026-01-31, 2026-01-31T06:00 or 2026-01-31T06:00:00Z',
    `correct it; without an offset it is a time in ${timezone}`,
  );
}

function localTime(text: string, timezone: string): number | undefined {
  if (!DATE.test(text) && !LOCAL.test(text)) return undefined;
  const wall = Date.parse(`${DATE.test(text) ? `${text}T00:00` : text.replace(' ', 'T')}Z`);
  if (Number.isNaN(wall) || !new Date(wall).toISOString().startsWith(text.slice(0, 10))) return undefined;
  return fromLocalTime(wall, timezone);
}
