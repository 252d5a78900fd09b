import type { TextRecord } from './dialect.ts';
import { FIELD_WORDS } from './field-words.ts';
import { placeName } from './header.ts';
import { inferType, looksLikeValue, NULL_TOKENS } from './infer-type.ts';

/** Whether the first record of a file holds the names of its columns. */
export interface HeaderVerdict {
  readonly header: boolean;
  /** False where it could well be the other way. */
  readonly certain: boolean;
}

/** What speaks for a header, in natural logarithms of odds: most files have one. */
const PRIOR = 2;
const CERTAIN = 3;
const CERTAINLY_NOT = -1.5;

/**
 * Names differ from the values below them. A column of numbers or dates under a text tells it at once; so do names
 * that are known, and a first line that all files share. Columns of text are compared value by value: what occurs
 * again below is a value, a text that has another length or other kinds of characters than all of the values is a
 * name, and one that is unique above values that recur most likely too. What is left open by all of that is said.
 *
 * `files`: the first records of some files of one object; the first of them is judged. `known`: names of columns that
 * the job, its contract or an earlier run has. DuckDB's own sniffer has no vote: it takes the first line of every file
 * of text for a header.
 */
export function judgeHeader(files: readonly (readonly TextRecord[])[], known: readonly string[]): HeaderVerdict {
  const [records = [], ...others] = files;
  const first = (records[0] ?? []).map(({ text }) => text.replace(/^\ufeff/, '').trim());
  if (first.every((text) => text === '')) return { header: false, certain: true };
  if (first.some((text) => known.includes(text))) return { header: true, certain: true };
  if (known.includes(placeName(0))) return { header: false, certain: true };

  const below = records.slice(1).filter((record) => record.length === first.length);
  const columns = first.map((name, index) => ({ name, values: below.flatMap((record) => record[index]?.text || []) }));
  const typed = columns.some(({ name, values }) => isNameOfTyped(name, values));
  const values = first.filter((text) => text !== '' && looksLikeValue(text));
  if (values.length > 0) {
    // A table with a column for each year has years for names, above values that are none.
    const years = columns.filter(({ name }) => looksLikeValue(name));
    const hasYears = years.every((year) => isYear(year.name) && year.values.length > 0 && !year.values.some(isYear));
    return { header: hasYears, certain: !hasYears && !typed };
  }
  if (typed) return { header: true, certain: true };

  const score = PRIOR + sharedFirstLine(records, others) + textEvidence(withoutRepeatedHeaders(columns, below));
  return { header: score > 0, certain: score >= CERTAIN || score <= CERTAINLY_NOT };
}

interface NamedValues {
  /** The text in the first line. */
  readonly name: string;
  /** What is below it, without the empty ones. */
  readonly values: readonly string[];
}

function isNameOfTyped(name: string, values: readonly string[]): boolean {
  return (
    name !== '' &&
    !looksLikeValue(name) &&
    !NULL_TOKENS.includes(name) &&
    inferType(values, NULL_TOKENS).type !== 'string'
  );
}

/** Files that were put together have their header several times; a line that occurs more often than that is a row. */
function withoutRepeatedHeaders(columns: readonly NamedValues[], below: readonly TextRecord[]): readonly NamedValues[] {
  const other = below.filter((record) => record.some(({ text }, index) => text.trim() !== columns[index]?.name));
  if (columns.length === 1 || other.length < below.length * 0.95) return columns;
  return columns.map(({ name }, index) => ({ name, values: other.flatMap((record) => record[index]?.text || []) }));
}

function isYear(text: string): boolean {
  return /^(?:19|20)\d\d$/.test(text);
}

/** Other files that begin with the same line have a header; ones that share nothing with it are of rows. */
function sharedFirstLine(records: readonly TextRecord[], others: readonly (readonly TextRecord[])[]): number {
  const line = (record: TextRecord | undefined) => JSON.stringify((record ?? []).map(({ text }) => text));
  const comparable = others.filter(
    (other) => other[0]?.length === records[0]?.length && line(other[1]) !== line(records[1]),
  );
  if (comparable.length === 0) return 0;
  if (comparable.every(([first]) => line(first) === line(records[0]))) return 6;
  const names = new Set(records[0]?.map(({ text }) => text));
  const strangers = comparable.filter(([first]) => !first?.some(({ text }) => names.has(text)));
  return Math.max(-3, strangers.length * -1.5);
}

/** Fewer values than this show no pattern. */
const ENOUGH = 3;

function textEvidence(columns: readonly NamedValues[]): number {
  let recurring = 0;
  let familiar = 0;
  let alike = 0;
  let other = 0;
  for (const { name, values } of columns) {
    if (isFieldName(name)) familiar += 2;
    if (!/\p{L}/u.test(name) || /@|:\/\//.test(name)) other -= 3;
    if (values.length < ENOUGH) continue;
    if (values.some((value) => value.trim() === name)) other -= 3;
    else recurring += uniqueAboveRecurring(values);
    const difference = shapeDifference(name, values);
    if (difference > 0) other += Math.min(3, difference);
    else alike += difference;
  }
  // Columns resemble each other, so their evidence of one kind does not add up without end.
  return other + Math.min(3, recurring) + Math.min(4, familiar) + Math.max(-3, alike);
}

/** How likely a value would occur again if it was one of these: by Good and Turing, unless it is like the single ones. */
function uniqueAboveRecurring(values: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const singles = [...counts.values()].filter((count) => count === 1).length;
  return Math.min(2, -Math.log(Math.max(singles, 1) / values.length));
}

/** Traits of a text that the values of a column mostly have in common, and how much it says when a name differs. */
const TRAITS: readonly (readonly [trait: (text: string) => boolean, weight: number])[] = [
  [(text) => /^\p{Lu}/u.test(text), 1.5],
  [(text) => /\p{Ll}/u.test(text), 1.5],
  [(text) => /\d/.test(text), 1.5],
  [(text) => /\s/.test(text), 1],
  [(text) => /_/.test(text), 1],
  [(text) => /[^\p{L}\p{N}\s_]/u.test(text), 1],
];

/** Positive where a name differs from all values, negative where it could be one of them. */
function shapeDifference(name: string, values: readonly string[]): number {
  let difference = 0;
  for (const [trait, weight] of TRAITS) {
    const having = values.filter(trait).length / values.length;
    if (having > 0.05 && having < 0.95) continue;
    if (trait(name) !== having > 0.5) difference += weight;
  }
  const lengths = values.map((value) => value.length);
  const [shortest, longest] = [Math.min(...lengths), Math.max(...lengths)];
  const isFixed = shortest === longest && new Set(values).size > 1;
  if (isFixed && name.length !== longest) difference += 2;
  else if (name.length > longest * 2 || name.length * 2 < shortest) difference += 0.7;
  if (difference > 0) return difference;
  // A digit in every value, or one length of all, is a pattern that a name would hardly have by chance.
  return isFixed || values.every((value) => /\d/.test(value)) ? -1.5 : -0.7;
}

/** `customerName`, `created_at` and `E-Mail` are made of words that fields are called by. */
function isFieldName(text: string): boolean {
  const words = text
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u);
  return words.length <= 4 && words.some((word) => FIELD_WORDS.has(word));
}
