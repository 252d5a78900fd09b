import { stripVTControlCharacters } from 'node:util';

export interface TableColumn {
  readonly title: string;
  /** Numbers stand on the right. */
  readonly align?: 'left' | 'right';
}

const GAP = '  ';

/** Lines of a table with a title line, columns as wide as their widest cell; colours do not count. */
export function tableLines(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ title }, i) => Math.max(width(title), ...rows.map((row) => width(row[i] ?? ''))));
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, i) => pad(cells[i] ?? '', widths[i] ?? 0, align ?? 'left'))
      .join(GAP)
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)];
}

function pad(text: string, to: number, align: 'left' | 'right'): string {
  const fill = ' '.repeat(Math.max(0, to - width(text)));
  return align === 'right' ? fill + text : text + fill;
}

/** Columns that a text takes on a terminal. */
export function width(text: string): number {
  const plain = stripVTControlCharacters(text);
  // Most cells are ASCII; only the others need to be looked at sign by sign.
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  let sum = 0;
  for (const { segment } of new Intl.Segmenter().segment(plain)) sum += WIDE.test(segment) ? 2 : 1;
  return sum;
}

/** East Asian wide signs and pictures (Unicode Standard Annex #11). */
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uff01-\uff60]/u;

/** The text in at most `columns` columns, with `…` where something was cut off. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let kept = '';
  let sum = 0;
  for (const { segment } of new Intl.Segmenter().segment(stripVTControlCharacters(text))) {
    sum += width(segment);
    if (sum > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
