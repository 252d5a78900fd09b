import { parseDuration } from '../contracts/duration.ts';
import { textOption } from './command.ts';
import { usage } from './usage.ts';

/** The value of an option that takes a duration, in milliseconds; `least` is a duration too. Throws USAGE. */
export function durationOption(
  options: Readonly<Record<string, unknown>>,
  name: string,
  flag: string,
  least = '1s',
): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined && milliseconds >= (parseDuration(least) ?? 0)) return milliseconds;
  throw usage(`${flag} ${text}`, `a duration of at least ${least}, such as 90s, 15m, 1h30m or 2d`, 'correct it');
}
