import { formatPlural } from '../contracts/figures.ts';
import type { CellValue, QueryResult } from '../contracts/lake-view.ts';
import { cut, tableLines } from './table.ts';
import type { Paint } from './terminal.ts';

/** A longer value is cut in a table; JSON and CSV have it whole. */
const CELL_WIDTH = 60;
const NUMBER_TYPE = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\b.*)$/;

/** A table with its row count; numbers on the right, a missing value told from an empty text. A plan as it is drawn. */
export function resultLines({ columns, rows }: QueryResult, paint: Paint): string[] {
  if (columns.map(({ name }) => name).join() === 'explain_key,explain_value') {
    return rows.flatMap((row) => cellText(row[1] ?? '').split('\n'));
  }
  const [title = '', ...lines] = tableLines(
    columns.map(({ name, type }) => ({ title: name, align: NUMBER_TYPE.test(type) ? 'right' : 'left' })),
    rows.map((row) =>
      row.map((value) => (value === null ? paint.dim('NULL') : cut(oneLine(cellText(value)), CELL_WIDTH))),
    ),
  );
  return [paint.bold(title), ...lines, paint.dim(`(${formatPlural(rows.length, 'row')})`)];
}

/** RFC 4180 with line feeds; a missing value is empty, an empty text is quoted. */
export function toCsv({ columns, rows }: QueryResult): string {
  const line = (cells: readonly CellValue[]) => `${cells.map(csvCell).join(',')}\n`;
  return line(columns.map(({ name }) => name)) + rows.map(line).join('');
}

function csvCell(value: CellValue): string {
  if (value === null) return '';
  const text = cellText(value);
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function cellText(value: CellValue): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** Line breaks and other signs that would break the table are shown as what they are. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (sign) => JSON.stringify(sign).slice(1, -1));
}
