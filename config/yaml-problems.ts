import type { ErrorParts } from '../contracts/errors.ts';

export const SPACES = 'keys under each other with the same number of spaces, and deeper ones with more';
const QUOTING = 'a text in quotes when it holds any of : # { } [ ] , & * ! | > \' " % @ `';

/** The parser's error codes in the words of somebody who writes job files; the parser's own texts quote the file. */
const PARTS_OF_CODE: Readonly<Record<string, ErrorParts>> = {
  DUPLICATE_KEY: {
    received: 'the key stands here a second time',
    expected: 'each key once',
    next: 'remove one of the two',
  },
  BAD_INDENT: { received: 'the line is indented wrongly', expected: SPACES, next: 'correct the spaces at its start' },
  TAB_AS_INDENT: { received: 'the line is indented with a tab', expected: 'spaces', next: 'replace the tab by spaces' },
  MISSING_CHAR: {
    received: 'a bracket, a comma, a colon or a space is missing before this point',
    expected: 'each opening bracket closed, and "key: value" with a colon and a space',
    next: 'add what is missing',
  },
  BAD_ALIAS: {
    received: 'an alias (*name) has no anchor (&name) before it',
    expected: 'an anchor of that name above it, or a text in quotes',
    next: 'put the value in quotes if a text is meant',
  },
  BAD_DQ_ESCAPE: {
    received: 'a backslash in a text in double quotes is followed by a character that has no meaning there',
    expected: 'an escape such as \\n or \\\\',
    next: 'double the backslash or use single quotes',
  },
  BAD_SCALAR_START: {
    received: 'a value begins with a character that is reserved in YAML',
    expected: QUOTING,
    next: 'put the value in quotes',
  },
  UNEXPECTED_TOKEN: {
    received: 'this cannot follow what stands before it',
    expected: `each quote, bracket and comma in its place, and ${QUOTING}`,
    next: "remove it; inside of single quotes a ' is written twice",
  },
  MULTIPLE_DOCS: {
    received: 'a second document begins here',
    expected: 'one document in the file',
    next: 'move what follows "---" into a file of its own',
  },
  NON_STRING_KEY: { received: 'a key is not a text', expected: 'a text as each key', next: 'put the key in quotes' },
  TAG_RESOLVE_FAILED: {
    received: 'a tag (!name) is not known',
    expected: 'plain values',
    next: 'remove the tag; secrets are written ${VARIABLE} or ${file:path}',
  },
  MULTILINE_IMPLICIT_KEY: {
    received: 'what should be a key has no colon in its line',
    expected: '"key: value", or "key:" above lines that are indented deeper',
    next: 'add the colon',
  },
  BLOCK_AS_IMPLICIT_KEY: {
    received: 'the value here holds another "key: value"',
    expected: `one key in a line, or ${QUOTING}`,
    next: 'put the value in quotes, or the inner key on a line of its own, indented deeper',
  },
  RESOURCE_EXHAUSTION: {
    received: 'the file is nested too deeply or repeats too many aliases',
    expected: 'a file of ordinary depth',
    next: 'write repeated parts out',
  },
};

/** Where the parser gives one code to different mistakes, what its text begins with tells them apart. */
const PARTS_OF_TEXT: readonly (readonly [begins: string, parts: ErrorParts])[] = [
  [
    'Sequence item without',
    {
      received: 'this stands in a list, and does not begin with "- "',
      expected: 'a "- " before each item, all of them with the same number of spaces before it',
      next: 'add it or correct the spaces',
    },
  ],
  [
    'Implicit map keys need',
    {
      received: 'this stands where a key should be, and has no colon',
      expected: '"key: value"',
      next: 'add the colon',
    },
  ],
];

/** For a quote or bracket that is opened and not closed. */
export function unclosedParts(opening: string): ErrorParts {
  const closing = CLOSING[opening] ?? opening;
  const isBracket = closing !== opening;
  return {
    received: `what ${QUOTED[opening] ?? 'a bracket'} opens here is not closed${isBracket ? ', or goes on in a line that is not indented' : ''}`,
    expected: isBracket
      ? `a "${closing}" for it, and the lines up to there indented deeper than the key`
      : 'the same quote at the end of the text',
    next: isBracket ? 'add it, or indent the lines' : 'add it',
  };
}

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']' };
const QUOTED: Readonly<Record<string, string>> = {
  '{': '"{"',
  '[': '"["',
  '"': 'a double quote',
  "'": 'a single quote',
};

const OTHER: ErrorParts = {
  received: 'this is not valid YAML',
  expected: `"key: value" lines, ${SPACES}`,
  next: 'correct the line or the one above it',
};

/** What to say of an error of the parser; its text is looked at only to tell mistakes apart, never passed on. */
export function yamlErrorParts(code: string, text = ''): ErrorParts {
  return PARTS_OF_TEXT.find(([begins]) => text.startsWith(begins))?.[1] ?? PARTS_OF_CODE[code] ?? OTHER;
}
