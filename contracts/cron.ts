/** A cron expression of five fields as the values that each field allows, in rising order. */
export interface Cron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  /** From 1. */
  readonly months: readonly number[];
  /** 0 = Sunday. */
  readonly daysOfWeek: readonly number[];
  /**
   * True when both kinds of days are restricted: then either one is enough, as crontab(5) has it. A field that begins
   * with `*` is not restricted.
   */
  readonly eitherDay: boolean;
}

/** What is expected in place of a text that is no cron expression, as a clause. */
export interface CronRefusal {
  readonly expected: string;
}

interface FieldRule {
  readonly title: string;
  readonly low: number;
  readonly high: number;
  readonly names?: readonly string[];
}

const MONTHS = 'january february march april may june july august september october november december'.split(' ');
const DAYS = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ');
const SHORT_NAME = 3;

const FIELDS = [
  { title: 'minute', low: 0, high: 59 },
  { title: 'hour', low: 0, high: 23 },
  { title: 'day of the month', low: 1, high: 31 },
  { title: 'month', low: 1, high: 12, names: MONTHS },
  // 7 is Sunday as well, so that 5-7 can be written.
  { title: 'day of the week', low: 0, high: 7, names: DAYS },
] as const satisfies readonly FieldRule[];

const FIVE_FIELDS = 'five fields (minute, hour, day of the month, month, day of the week) such as "0 6 * * 1-5"';

const MACROS: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

/** Days of each month in a leap year. */
const MONTH_LENGTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Reads a cron expression: five fields of crontab(5) with lists, ranges, steps and English names. Extensions that
 * others add (seconds, `L`, `#`, `@daily`) are refused rather than guessed, and so is a date that no year has.
 */
export function parseCron(text: string): Cron | CronRefusal {
  const macro = MACROS[text.trim().toLowerCase()];
  if (macro !== undefined) return { expected: `${FIVE_FIELDS}; ${text.trim()} is "${macro}"` };
  const words = text.trim().split(/\s+/);
  if (words.length !== FIELDS.length) return { expected: FIVE_FIELDS };
  const sets: number[][] = [];
  for (const [index, rule] of FIELDS.entries()) {
    const values = fieldValues(words[index] ?? '', rule);
    if (!Array.isArray(values)) return values;
    sets.push(values);
  }
  const [minutes = [], hours = [], daysOfMonth = [], months = [], weekdays = []] = sets;
  const daysOfWeek = rising(weekdays.map((day) => day % DAYS.length));
  const isRestricted = (word: string | undefined) => word !== undefined && !word.startsWith('*');
  const cron = { minutes, hours, daysOfMonth, months, daysOfWeek };
  const eitherDay = isRestricted(words[2]) && isRestricted(words[4]);
  const everyDate = months.some((month) => daysOfMonth.some((day) => day <= (MONTH_LENGTHS[month - 1] ?? 0)));
  if (everyDate || eitherDay) return { ...cron, eitherDay };
  return { expected: `a date that exists: no year has day ${words[2]} in month ${words[3]}, so it would never run` };
}

/** The values of one field, or what was expected in its place. */
function fieldValues(word: string, rule: FieldRule): number[] | CronRefusal {
  const values: number[] = [];
  for (const part of word.split(',')) {
    const match = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d{1,4}))?$/i.exec(part);
    const [, first = '', last, stepText] = match ?? [];
    const isStar = first === '*';
    const low = isStar ? rule.low : valueOf(first, rule);
    const top = rule.names === DAYS && isStar ? rule.high - 1 : rule.high;
    // `5/20` is from 5 on; `5` alone is 5.
    const end = last === undefined ? (isStar || stepText !== undefined ? top : low) : valueOf(last, rule);
    const step = stepText === undefined ? 1 : Number(stepText);
    if (!match || (isStar && last !== undefined) || low === undefined || end === undefined) return refusal(rule, part);
    if (low > end) {
      return { expected: `in the field ${rule.title} a range from low to high in place of ${quote(part)}` };
    }
    if (step < 1 || step > rule.high - rule.low) {
      return { expected: `in the field ${rule.title} a step from 1 to ${rule.high - rule.low} in ${quote(part)}` };
    }
    for (let value = low; value <= end; value += step) values.push(value);
  }
  return rising(values);
}

function valueOf(word: string, { low, high, names }: FieldRule): number | undefined {
  if (/^\d{1,4}$/.test(word)) {
    const value = Number(word);
    return value >= low && value <= high ? value : undefined;
  }
  const lower = word.toLowerCase();
  const index = names?.findIndex((name) => name === lower || name.slice(0, SHORT_NAME) === lower) ?? -1;
  return index < 0 ? undefined : index + low;
}

function refusal({ title, low, high, names }: FieldRule, part: string): CronRefusal {
  const shortName = (name = '') => name.slice(0, SHORT_NAME);
  const words = names ? `, or ${shortName(names[0])} to ${shortName(names.at(-1))},` : '';
  return { expected: `in the field ${title} numbers from ${low} to ${high}${words} in place of ${quote(part)}` };
}

function quote(part: string): string {
  return JSON.stringify(part.slice(0, 20));
}

function rising(values: readonly number[]): number[] {
  return [...new Set(values)].toSorted((a, b) => a - b);
}

/** The expression, or the two of which either is enough, in numbers: the same for everyone who reads cron. */
export function plainCrons({ minutes, hours, daysOfMonth, months, daysOfWeek, eitherDay }: Cron): string[] {
  const field = (values: readonly number[], all: number) => (values.length === all ? '*' : values.join(','));
  const [minute, hour, day, month, weekday] = [
    field(minutes, 60),
    field(hours, 24),
    field(daysOfMonth, 31),
    field(months, 12),
    field(daysOfWeek, 7),
  ];
  const time = `${minute} ${hour}`;
  if (!eitherDay) return [`${time} ${day} ${month} ${weekday}`];
  return [`${time} ${day} ${month} *`, `${time} * ${month} ${weekday}`];
}

/** True when the expression lets it run in every hour of every day, so that its days and hours say nothing. */
export function runsEveryHour(cron: Cron): boolean {
  return (
    cron.hours.length === 24 &&
    cron.daysOfMonth.length === 31 &&
    cron.months.length === 12 &&
    cron.daysOfWeek.length === 7
  );
}
