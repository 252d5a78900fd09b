import type { PrimitiveType } from '../../contracts/schema.ts';

/** Texts that often mean "no value". One is only believed where it keeps a column from having a type. */
export const NULL_TOKENS = ['NA', 'N/A', '#N/A', 'n/a', 'NULL', 'null', 'Null', '\\N', 'NaN', 'nan', 'None', '-', '?'];

const LONG_DIGITS = 18;

/** From the narrowest to the widest; a type is kept while every text so far is one of its values. */
const TESTS: readonly (readonly [type: PrimitiveType, fits: (text: string) => boolean])[] = [
  ['boolean', (text) => /^(?:true|false)$/i.test(text)],
  // Digits with a zero in front are codes (zip, account), which a number would cut.
  ['long', (text) => /^ *[+-]?(?:0|[1-9]\d*) *$/.test(text) && text.length <= LONG_DIGITS],
  // A whole number with more digits than a double keeps is a code too.
  [
    'double',
    (text) =>
      /^ *[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})? *$/.test(text) &&
      !/\d{16}/.test(text.split('.')[0] ?? ''),
  ],
  ['date', (text) => isDate(/^(\d{4})-(\d{2})-(\d{2})$/.exec(text))],
  ['time', (text) => /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?$/.test(text)],
  [
    'timestamp',
    (text) =>
      isDate(/^(\d{4})-(\d{2})-(\d{2})(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?)?$/.exec(text)),
  ],
  [
    'timestamptz',
    (text) =>
      isDate(
        /^(\d{4})-(\d{2})-(\d{2})[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-]\d{2}(?::?\d{2})?)$/.exec(
          text,
        ),
      ),
  ],
  ['uuid', (text) => /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)],
];

function isDate(match: RegExpExecArray | null): boolean {
  if (!match) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return day <= (days[month - 1] ?? 0);
}

/** What the sample says about one column. */
export interface InferredType {
  readonly type: PrimitiveType;
  /** Tokens that were taken for null, without which the column would be text. */
  readonly nullTokens: readonly string[];
  /** Texts that are no value of the type. */
  readonly misfits: number;
  /** Texts that are not null. */
  readonly values: number;
}

/** Is the text a value of some type other than text? Such a text is no column's name. */
export function looksLikeValue(text: string): boolean {
  return TESTS.some(([, fits]) => fits(text));
}

/** One misfit in so many values is a malformed row; more of them, and the column is text. */
const VALUES_PER_MISFIT = 200;
const MAX_MISFITS = 20;

/**
 * The narrowest type that holds every text of a column; failing that, the one that holds all but very few, whose
 * rows then go to quarantine; `string` for none. Empty texts and the given tokens count for nothing.
 */
export function inferType(texts: Iterable<string>, tokens: readonly string[]): InferredType {
  const nulls = new Set(tokens);
  const nullTokens = new Set<string>();
  let candidates = TESTS.map(([type, fits]) => ({ type, fits, misfits: 0 }));
  let values = 0;
  for (const raw of texts) {
    if (raw === '') continue;
    if (nulls.has(raw)) {
      nullTokens.add(raw);
      continue;
    }
    values++;
    let spent = false;
    for (const candidate of candidates) {
      if (!candidate.fits(raw) && ++candidate.misfits > MAX_MISFITS) spent = true;
    }
    if (spent) candidates = candidates.filter(({ misfits }) => misfits <= MAX_MISFITS);
    if (candidates.length === 0) break;
  }
  const [best] = candidates.toSorted((a, b) => a.misfits - b.misfits);
  if (values === 0 || best === undefined || best.misfits > values / VALUES_PER_MISFIT) {
    return { type: 'string', nullTokens: [], misfits: 0, values };
  }
  return { type: best.type, nullTokens: [...nullTokens], misfits: best.misfits, values };
}

/** The type that most values of a column of text have, though not enough of them to read it as that. */
export interface NearMiss {
  readonly type: PrimitiveType;
  readonly fitting: number;
  readonly values: number;
}

/** From this share of its values on a column of text seems to be of another type. */
const SEEMS = 0.5;
const LOOKED_AT = 1000;

/** Undefined where less than half of the values have a type in common. */
export function nearMiss(texts: readonly string[], tokens: readonly string[]): NearMiss | undefined {
  const nulls = new Set(tokens);
  const values = texts.filter((text) => text !== '' && !nulls.has(text));
  const step = Math.max(1, Math.floor(values.length / LOOKED_AT));
  const some = values.filter((_, index) => index % step === 0);
  const fitting = TESTS.map(([type, fits]) => ({ type, fits, count: some.filter(fits).length }));
  const best = fitting.reduce((most, next) => (next.count > most.count ? next : most));
  const all = values.filter(best.fits).length;
  return all === 0 || all < values.length * SEEMS
    ? undefined
    : { type: best.type, fitting: all, values: values.length };
}
