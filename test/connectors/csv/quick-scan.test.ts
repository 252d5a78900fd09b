import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { QuickScan } from '../../../connectors/csv/quick-scan.ts';
import { RecordScan } from '../../../connectors/csv/record-scan.ts';
import { quickScanFile } from './assemble-quick-scan.ts';

const DIALECT = { delimiter: ',', quote: '"', escape: '"' };
const TEXT = { quote: 0x22, delimiter: 0x2c, crlf: false };
const START = { inQuotes: false, closed: false, atFieldStart: true, atRecordStart: true, returned: false };

test('the committed code is what its source is assembled to (else: npm run assemble)', async () => {
  const { path, content } = await quickScanFile();
  expect(await readFile(path, 'utf8')).toBe(content);
});

/** The count of a text that comes in pieces of these lengths, the first line alone so that the quick way is open. */
function count(text: string, lengths: readonly number[]): { records: number; irregular: boolean } {
  const bytes = Buffer.from(text);
  const scan = new RecordScan(DIALECT, 3);
  let start = 0;
  for (const length of [...lengths, bytes.length]) {
    scan.push(bytes.subarray(start, start + length));
    start += length;
  }
  scan.end();
  return { records: scan.irregular ? -1 : scan.records, irregular: scan.irregular };
}

/** The same by one look at each character, for text that is well formed. */
function plainCount(text: string): number {
  let inQuotes = false;
  let records = 0;
  let length = 0;
  for (const character of text) {
    if (character === '"') inQuotes = !inQuotes;
    if (character === '\n' && !inQuotes) {
      if (length > 0) records++;
      length = 0;
    } else if (character !== '\r' || inQuotes) length++;
  }
  return length > 0 ? records + 1 : records;
}

const field = fc.oneof(
  fc.stringMatching(/^[a-zé0-9 ]{0,90}$/),
  fc
    .array(fc.constantFrom('a', '""', ',', '\n', '\r\n', 'ß', ' '), { maxLength: 90 })
    .map((parts) => `"${parts.join('')}"`),
);

test.each(['\n', '\r\n'])('records of well-formed text with %j are counted wherever it is cut', (end) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(field, field, field), { minLength: 1, maxLength: 40 }),
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 12 }),
      (rows, ended, cuts) => {
        const lines = rows.map((row) => row.join(','));
        const text = `a,b,c${end}${lines.join(end)}${ended ? end : ''}`;
        expect(count(text, ['a,b,c'.length + end.length, ...cuts])).toEqual({
          records: plainCount(text),
          irregular: false,
        });
      },
    ),
    { numRuns: 300 },
  );
});

test.each(['\n', '\r\n'])(
  'text of any kind after %j is judged the same in one piece as in pieces of one byte',
  (end) => {
    const character = fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'bcd', '""', ',"', '",', '"\n', '\r\n');
    fc.assert(
      fc.property(fc.array(character, { maxLength: 150 }), (parts) => {
        const text = `a,b,c${end}${parts.join('')}`;
        const bytes = Array.from({ length: Buffer.byteLength(text) }, () => 1);
        expect(count(text, [5 + end.length])).toEqual(count(text, bytes));
      }),
      { numRuns: 1000 },
    );
  },
);

test.each([
  ['a quote in the middle of a field', 'a,5" pipe,c\n'],
  ['something behind a closing quote', 'a,"b"x,c\n'],
  ['a carriage return among lines without', 'a,b,c\r\n'],
  ['a blank line', 'a,b,c\n\nd,e,f\n'],
])('%s is left to the slow way', (_, text) => {
  expect(QuickScan.get().scan(Buffer.from(text), START, TEXT)).toBeUndefined();
});

test('a file of many blocks has its line ends counted and placed', () => {
  const line = `1,${'x'.repeat(70)},"y,\n${'z'.repeat(70)}"\n`;
  const result = QuickScan.get().scan(Buffer.from(line.repeat(500)), START, TEXT);
  const length = Buffer.byteLength(line);
  expect(result).toMatchObject({ ends: 500, firstEnd: length - 1, lastEnd: 500 * length - 1, inQuotes: false });
});
