import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseRecords } from '../../../connectors/csv/dialect.ts';
import { judgeHeader } from '../../../connectors/csv/judge-header.ts';

const DATA = path.join(import.meta.dirname, '../../../examples/data');
const records = (text: string) => parseRecords(text, { delimiter: ',', quote: '"', escape: '"' }, 500);
const judge = (...lines: string[]) => judgeHeader([records(lines.join('\n'))], []);

/** Real files of columns of numbers and text, cut down to their columns of text. */
function textColumns(name: string): string[] {
  const rows = records(gunzipSync(readFileSync(path.join(DATA, `${name}.csv.gz`))).toString());
  const kept = (rows[0] ?? []).flatMap((_, index) => {
    const texts = rows.slice(1).map((row) => row[index]?.text ?? '');
    return texts.some((text) => /[A-Za-z]{2}/.test(text) && text !== 'NA') ? [index] : [];
  });
  return rows.map((row) => kept.map((index) => JSON.stringify(row[index]?.text ?? '')).join(','));
}

describe('the first line of a file', () => {
  it.each(['airlines', 'airports', 'planes', 'weather', 'flights'])(
    'of text columns alone is a header where it is one, and never surely where it is none: %s',
    (name) => {
      const lines = textColumns(name);
      expect(judge(...lines)).toEqual({ header: true, certain: true });
      for (const start of [1, 2, 3]) expect(judge(...lines.slice(start))).not.toEqual({ header: true, certain: true });
    },
  );

  it.each(['airports', 'planes', 'weather', 'flights'])('of values that recur is data, and surely: %s', (name) => {
    const lines = textColumns(name);
    for (const start of [1, 2, 3]) expect(judge(...lines.slice(start))).toEqual({ header: false, certain: true });
  });

  it.each([
    ['names above values of one length', ['country,status', 'DE,open', 'FR,open', 'DE,done', 'US,open']],
    ['names above numbers and text', ['id,what', '1,a', '2,b']],
    ['a name above dates', ['since', '2024-01-01', '2024-01-02']],
    ['words that fields are called by', ['name,city', 'john,berlin', 'mary,paris', 'anna,rome']],
    ['small letters above capitals', ['prénom,ville', 'Jean,Lyon', 'Anne,Nice', 'Luc,Brest']],
    ['names of e-mail addresses', ['email,who', 'a@x.com,Ann Lee', 'b@y.com,Bob Ray', 'c@z.org,Cy Fox']],
    ['the header of files that were put together', ['sku,tone', ...pairs(60), 'sku,tone', ...pairs(60)]],
  ])('is a header when it holds %s', (_, lines) => {
    expect(judge(...lines)).toEqual({ header: true, certain: true });
  });

  it.each([
    ['a number', ['1,a', '2,b']],
    ['values that occur again', ['DE,open', 'FR,open', 'DE,done', 'FR,open', 'US,done']],
    ['nothing', [',', 'a,b']],
  ])('is data when it holds %s', (_, lines) => {
    expect(judge(...lines)).toEqual({ header: false, certain: true });
  });

  it.each([
    ['text that could be either', ['john,berlin', 'mary,paris', 'anna,rome']],
    ['an e-mail address', ['a@x.com,Ann Lee', 'b@y.com,Bob Ray', 'c@z.org,Cy Fox']],
    ['a code as long as the others', ['DE,Germany', 'FR,France', 'US,America', 'ES,Spain']],
    ['years above numbers', ['country,2019,2020', 'DE,1,2', 'FR,3,4']],
    ['too few lines to tell', ['a,b', 'x,y']],
  ])('is in doubt when it holds %s', (_, lines) => {
    expect(judge(...lines).certain).toBe(false);
  });

  it('is a header where other files begin with the same one, and their rows differ', () => {
    const files = ['foo,bar\nabc,def', 'foo,bar\nxyz,uvw', 'foo,bar\nrst,mno'].map(records);
    expect(judgeHeader(files, [])).toEqual({ header: true, certain: true });
    expect(judgeHeader([files[0] ?? [], files[0] ?? []], []).certain).toBe(false);
    const rows = ['abc,def\nghi,jkl', 'mno,pqr\nstu,vwx', 'fgh,rst\nklm,nop'].map(records);
    expect(judgeHeader(rows, []).header).toBe(false);
  });

  it('is what the job, its contract or an earlier run say by the names that they know', () => {
    const lines = [records('DE,open\nFR,open\nDE,done\nDE,open')];
    expect(judgeHeader(lines, ['DE'])).toEqual({ header: true, certain: true });
    expect(judgeHeader([records('name,city\njohn,berlin')], ['column_1', 'column_2'])).toEqual({
      header: false,
      certain: true,
    });
  });
});

function pairs(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${String(index).padStart(3, '0')}-X,red${index % 3}`);
}
