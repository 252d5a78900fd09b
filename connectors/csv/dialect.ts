/** How the text of a CSV file is divided into fields. `quote` and `escape` are '' where there is none. */
export interface Dialect {
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: string;
}

export interface Field {
  readonly text: string;
  readonly quoted: boolean;
}

export type TextRecord = readonly Field[];

/**
 * The first records of a text, as RFC 4180 divides it; a malformed quote ends where the field ends, so that a bad
 * row does not hide the rows after it. Blank lines are no records. For samples: the bulk is read by DuckDB.
 */
export function parseRecords(text: string, dialect: Dialect, limit: number): TextRecord[] {
  const { delimiter, quote, escape } = dialect;
  const records: TextRecord[] = [];
  let record: Field[] = [];
  let position = 0;

  const fieldEnd = new RegExp(`[\\n\\r]|${delimiter.replaceAll(/[$^*+?.()|[\]{}\\]/g, '\\$&')}`, 'g');
  const endOf = (from: number): number => {
    fieldEnd.lastIndex = from;
    return fieldEnd.exec(text)?.index ?? text.length;
  };

  while (position < text.length && records.length < limit) {
    let end: number;
    if (quote !== '' && text[position] === quote) {
      const closing = closingQuote(text, position + 1, quote, escape);
      end = endOf(closing + 1);
      record.push({ text: unescape(text.slice(position + 1, closing), quote, escape), quoted: true });
    } else {
      end = endOf(position);
      record.push({ text: text.slice(position, end), quoted: false });
    }
    if (text.startsWith(delimiter, end) && end < text.length) {
      position = end + delimiter.length;
      if (position === text.length) record.push({ text: '', quoted: false });
      else continue;
    }
    if (record.length > 1 || record[0]?.quoted || record[0]?.text !== '') records.push(record);
    record = [];
    position = text.startsWith('\r\n', end) ? end + 2 : end + 1;
  }
  return records;
}

function closingQuote(text: string, from: number, quote: string, escape: string): number {
  for (let at = from; at < text.length; at++) {
    if (escape !== '' && escape !== quote && text[at] === escape) at++;
    else if (text[at] === quote) {
      if (escape === quote && text[at + 1] === quote) at++;
      else return at;
    }
  }
  return text.length;
}

function unescape(text: string, quote: string, escape: string): string {
  return escape === '' ? text : text.replaceAll(escape + quote, quote);
}

const DELIMITERS = [',', ';', '\t', '|'];
const SNIFFED_RECORDS = 500;

/** The share of records that have as many fields as most of them, and that number. */
export interface Consistency {
  readonly fields: number;
  readonly share: number;
}

export interface SniffedDialect extends Dialect, Consistency {}

/**
 * The dialect that divides a sample most evenly: the greatest share of records with one number of fields, at least
 * two; among equals the one with more fields. What is given is taken as it is.
 */
export function sniffDialect(text: string, given: Partial<Dialect>): SniffedDialect {
  const delimiters = given.delimiter === undefined ? DELIMITERS : [given.delimiter];
  const tried = delimiters.flatMap((delimiter) =>
    quoting(text, given).map(({ quote, escape }) => {
      const dialect = { delimiter, quote, escape };
      return { ...dialect, ...consistency(parseRecords(text, dialect, SNIFFED_RECORDS)) };
    }),
  );
  const [first] = tried;
  if (first === undefined) throw new RangeError('no dialect to try');
  const divided = tried.filter(({ fields, share }) => fields > 1 && share >= ENOUGH);
  return divided.reduce((best, next) => (isBetter(next, best) ? next : best), divided[0] ?? first);
}

/** From this share on a delimiter is believed; malformed rows may be the rest. */
const ENOUGH = 0.6;

function isBetter(a: Consistency, b: Consistency): boolean {
  // A few malformed rows should not let a delimiter win that divides the text into fewer parts.
  const rounded = (share: number) => Math.round(share * 10);
  if (rounded(a.share) !== rounded(b.share)) return a.share > b.share;
  return a.fields > b.fields || (a.fields === b.fields && a.share > b.share);
}

export function consistency(records: readonly TextRecord[]): Consistency {
  const counts = new Map<number, number>();
  for (const { length } of records) counts.set(length, (counts.get(length) ?? 0) + 1);
  const [fields, rows] = [...counts].reduce((best, next) => (next[1] > best[1] ? next : best), [1, 0]);
  return { fields, share: records.length === 0 ? 0 : rows / records.length };
}

function quoting(text: string, given: Partial<Dialect>): { quote: string; escape: string }[] {
  const quotes = given.quote === undefined ? sniffQuotes(text) : [given.quote];
  return quotes.flatMap((quote) => {
    if (quote === '') return [{ quote, escape: '' }];
    const escapes = given.escape === undefined ? sniffEscapes(text, quote) : [given.escape];
    return escapes.map((escape) => ({ quote, escape }));
  });
}

function sniffQuotes(text: string): string[] {
  // An apostrophe quotes only where it stands at both ends of a field and the usual quote does not occur.
  return !text.includes('"') && /(^|[,;\t|\r\n])'[^'\r\n]*'([,;\t|\r\n]|$)/.test(text) ? ["'", '"'] : ['"'];
}

function sniffEscapes(text: string, quote: string): string[] {
  return text.includes(`\\${quote}`) ? [quote, '\\'] : [quote];
}
