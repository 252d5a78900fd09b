import type { ErrorCode, ErrorParts } from '../../contracts/errors.ts';
import { DativoError, fail } from '../../contracts/errors.ts';

interface Translation {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly parts: (match: RegExpExecArray) => ErrorParts;
}

/** A name that DuckDB quotes from the query, not from the data: short, and made of what names are made of. */
const NAME = /^[\p{L}\p{N}_$ .-]{1,128}$/u;

function safeName(text: string | undefined): string {
  return text !== undefined && NAME.test(text) ? `"${text}"` : 'a name';
}

function candidates(message: string): string {
  const line = /^Candidate bindings: (.+)$/m.exec(message)?.[1];
  const names = [...(line ?? '').matchAll(/"([^"]+)"/g)].map((match) => safeName(match[1])).slice(0, 5);
  return names.length > 0 ? `one of its columns, such as ${names.join(', ')}` : 'a name that exists there';
}

const FULL: (match: RegExpExecArray) => ErrorParts = () => ({
  received: 'a disk without free space, or temporary files at their limit',
  expected: 'room for the data files and for what does not fit in memory',
  next: 'free some space, or move the warehouse or the temporary folder to a larger disk, then run again',
});

const INVALID_QUERY: ErrorParts = {
  received: 'a SQL expression that DuckDB cannot use',
  expected: "DuckDB's SQL, with types that fit together",
  next: 'check the expression against the columns and their types',
};

/**
 * DuckDB's messages hold values, paths and query text. Each known one becomes a code and a sentence that is built
 * from names alone; the order matters, the first match wins.
 */
const TRANSLATIONS: readonly Translation[] = [
  {
    pattern: /No space left on device|max_temp_directory_size|failed to offload data block/i,
    code: 'STORAGE_FULL',
    parts: FULL,
  },
  {
    pattern: /^Out of Memory Error/i,
    code: 'OUT_OF_MEMORY',
    parts: () => ({
      received: 'work that needs more memory than this worker gives to one activity',
      expected: 'rows and window functions that fit the memory budget',
      next: 'give the worker more memory, run fewer activities at once, or narrow the window functions',
    }),
  },
  {
    pattern: /Permission denied/i,
    code: 'STORAGE_DENIED',
    parts: () => ({
      received: 'a file or folder that this user may not open',
      expected: 'read access to the source and write access to the lake and the temporary folder',
      next: 'give the user of the worker access to them',
    }),
  },
  {
    pattern: /^IO Error: (?:Cannot open file|No files found|Could not (?:open|read))/i,
    code: 'SOURCE_UNREADABLE',
    parts: () => ({
      received: 'a file that cannot be opened',
      expected: 'every planned file to be readable while the run lasts',
      next: 'check that the source files still exist and can be read, then run again',
    }),
  },
  {
    pattern: /^Invalid Input Error: (?:CSV Error|The CSV Parser)/,
    code: 'SOURCE_MISCOUNTED',
    parts: () => ({
      received: "a CSV file whose form DuckDB's reader cannot follow",
      expected: 'well-formed quotes and one kind of line end',
      next: 'the file is read again, more carefully',
    }),
  },
  {
    pattern: /^Binder Error: Referenced column "([^"]*)" not found/,
    code: 'QUERY_INVALID',
    parts: (match) => ({
      received: `the unknown column ${safeName(match[1])}`,
      expected: candidates(match.input),
      next: 'correct the name',
    }),
  },
  {
    pattern:
      /^Catalog Error: (?:Scalar |Aggregate |Table |Macro )*(?:Function|Table) with name "?([^"\s!]+)"? does not exist/i,
    code: 'QUERY_INVALID',
    parts: (match) => ({
      received: `the unknown name ${safeName(match[1])}`,
      expected: 'a table or function that exists',
      next: 'correct the name',
    }),
  },
  {
    pattern: /^Binder Error: No function matches the given name and argument types '([\w+*/%<>=!~|&-]+)\(/,
    code: 'QUERY_INVALID',
    parts: (match) => ({
      received: `the function or operator ${match[1]} with arguments of types that it does not take`,
      expected: 'arguments of types that it takes',
      next: 'cast the arguments',
    }),
  },
  {
    pattern: /^(?:Parser|Binder|Catalog|Syntax|Not implemented) Error/i,
    code: 'QUERY_INVALID',
    parts: () => INVALID_QUERY,
  },
  {
    pattern: /^(?:IO|HTTP|Connection) Error/i,
    code: 'STORAGE_IO',
    parts: () => ({
      received: 'a failed read or write of a file',
      expected: 'the disk or storage to answer',
      next: 'check the storage; the step is tried again',
    }),
  },
];

/** The class that DuckDB's message begins with, such as `Conversion Error`; never more of the text. */
function errorClass(message: string): string {
  return /^([A-Z][A-Za-z ]{2,40} Error):/.exec(message)?.[1] ?? 'an error without a class';
}

/**
 * An error of DuckDB as an error of the catalogue, rebuilt without its text. An error that Dativo raised itself
 * passes unchanged, and so does one that is not an `Error`.
 */
export function translateDuckDbError(error: unknown): unknown {
  if (error instanceof DativoError || !(error instanceof Error)) return error;
  for (const { pattern, code, parts } of TRANSLATIONS) {
    const match = pattern.exec(error.message);
    if (match) return fail(code, parts(match));
  }
  return fail('UNEXPECTED', {
    received: `DuckDB's ${errorClass(error.message)}`,
    expected: 'the query to run',
    next: 'report it together with the job file',
  });
}
