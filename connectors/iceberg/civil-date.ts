/** Dates as days since 1970-01-01. `Date` is of no use here: it reads the years 0–99 as 19xx. */
export interface CivilDate {
  /** Astronomical: the year before 1 is 0. */
  readonly year: number;
  /** 1–12. */
  readonly month: number;
  readonly day: number;
}

const DAYS_PER_ERA = 146_097;
/** From 0000-03-01, which the algorithm counts from, to 1970-01-01. */
const EPOCH = 719_468;

/** Howard Hinnant's days_from_civil: the year begins in March, so that the leap day is its last. */
export function daysFromCivil({ year, month, day }: CivilDate): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * DAYS_PER_ERA + dayOfEra - EPOCH;
}

/** Howard Hinnant's civil_from_days. */
export function civilFromDays(days: number): CivilDate {
  const shifted = days + EPOCH;
  const era = Math.floor(shifted / DAYS_PER_ERA);
  const dayOfEra = shifted - era * DAYS_PER_ERA;
  const leaps = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch + (monthFromMarch < 10 ? 3 : -9);
  return { year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day };
}
