import { z } from 'zod';

const SECOND = 1_000;
/** From the longest to the shortest: a duration names each unit once, in this order. */
const UNITS = [
  ['d', 86_400 * SECOND],
  ['h', 3_600 * SECOND],
  ['m', 60 * SECOND],
  ['s', SECOND],
] as const;

const DURATION = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/;

/** `15m`, `1h30m`, `2d`, `90s` or `0s` as milliseconds; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const match = text === '' ? undefined : DURATION.exec(text);
  if (!match) return undefined;
  return UNITS.reduce((sum, [, length], index) => sum + Number(match[index + 1] ?? 0) * length, 0);
}

/** Milliseconds in the fewest units, as `parseDuration` reads them; a part of a second is left out. */
export function durationText(milliseconds: number): string {
  let rest = Math.floor(milliseconds / SECOND) * SECOND;
  let text = '';
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * length;
  }
  return text === '' ? '0s' : text;
}

/** A duration in a job file, at least `minimum` and at most `maximum`, both written as durations. In milliseconds. */
export function duration(minimum: string, maximum: string) {
  const [low = 0, high = 0] = [minimum, maximum].map(parseDuration);
  const error = `a duration from ${minimum} to ${maximum} such as 90s, 15m, 1h30m or 2d`;
  return z.string({ error }).transform((text, context) => {
    const milliseconds = parseDuration(text);
    if (milliseconds !== undefined && milliseconds >= low && milliseconds <= high) return milliseconds;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
}
