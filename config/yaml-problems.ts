import type { ErrorParts } from '../contracts/errors.ts';

const SPACES = 'keys under each other with the same number of spaces, and deeper ones with more';
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
    received: 'a closing quote, a bracket, a comma or a colon is missing before this point',
    expected: 'each opening quote and bracket closed, and "key: value" with a colon and a space',
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
    received: 'a key goes on over more than one line',
    expected: '"key: value" on one line',
    next: 'check for a missing colon above this point',
  },
  BLOCK_AS_IMPLICIT_KEY: {
    received: 'a value in this line holds another "key: value"',
    expected: `one key in a line, ${QUOTING}`,
    next: 'put the value in quotes',
  },
  RESOURCE_EXHAUSTION: {
    received: 'the file is nested too deeply or repeats too many aliases',
    expected: 'a file of ordinary depth',
    next: 'write repeated parts out',
  },
};

const OTHER: ErrorParts = {
  received: 'this is not valid YAML',
  expected: `"key: value" lines, ${SPACES}`,
  next: 'correct the line or the one above it',
};

export function yamlErrorParts(code: string): ErrorParts {
  return PARTS_OF_CODE[code] ?? OTHER;
}
