import type { ErrorParts } from '../../contracts/errors.ts';

const ONLY_READ = 'a SELECT, SHOW, DESCRIBE, SUMMARIZE or EXPLAIN, because queries only read';
export const EXAMPLE = 'for example `dativo query "show tables"`';

/** White space and comments. */
export const BLANK = String.raw`(?:\s|--[^\n]*(?:\n|$)|/\*[\s\S]*?\*/)*`;
const FIRST_WORD = new RegExp(`^(?:${BLANK}[;(]?)*([A-Za-z]+)`);
const SECOND_STATEMENT = new RegExp(String.raw`;${BLANK}[^\s;]`);

/** Statements that would change a table; after WITH comes one of them, or it would be a query. */
const WRITES = 'INSERT UPDATE DELETE MERGE TRUNCATE CREATE ALTER DROP WITH'.split(' ');

/** What to say of a text that can be parsed and is not one query: its first word tells what it is. */
export function notAQuery(sql: string): ErrorParts {
  if (SECOND_STATEMENT.test(sql)) return severalStatements();
  if (/\bPIVOT\b/i.test(sql)) {
    return {
      received: 'a PIVOT that does not name the values which become columns',
      expected: 'PIVOT … ON column IN (value, …)',
      next: 'name them',
    };
  }
  const word = FIRST_WORD.exec(sql)?.[1]?.toUpperCase() ?? '';
  const received = `${/^[AEIOU]/.test(word) ? 'an' : 'a'} ${word} statement`;
  if (WRITES.includes(word)) {
    return {
      received: `${received}, which would change the lake`,
      expected: ONLY_READ,
      next: 'change tables with jobs (`dativo run`)',
    };
  }
  if (word === 'COPY' || word === 'EXPORT') {
    return { received, expected: ONLY_READ, next: 'write a result with --csv or --json, and `> file`' };
  }
  return { received, expected: ONLY_READ, next: EXAMPLE };
}

export function severalStatements(count?: number): ErrorParts {
  return {
    received: `${count ?? 'several'} statements`,
    expected: 'one statement',
    next: 'ask them one after the other',
  };
}

/** Of the parser's message only the word that it stumbled over, which is the query's own. `position` is from 0. */
export function syntaxError(message: string, position: string | undefined): ErrorParts {
  const near = /^syntax error at or near "([\w$]{1,60})"/.exec(message)?.[1];
  const place = position === undefined ? '' : `, character ${Number(position) + 1}`;
  return {
    received: near ? `a query that DuckDB cannot parse at "${near}"${place}` : 'a query that DuckDB cannot parse',
    expected: "DuckDB's SQL",
    next:
      near?.toLowerCase() === 'default'
        ? 'put double quotes around it: "default" is a word of SQL'
        : 'correct the query; a name that is a word of SQL too needs double quotes',
  };
}
