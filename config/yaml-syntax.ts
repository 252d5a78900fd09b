import type { Document, Node, YAMLError } from 'yaml';
import { isCollection, isScalar, visit } from 'yaml';
import type { ErrorParts } from '../contracts/errors.ts';
import { SPACES, unclosedParts, yamlErrorParts } from './yaml-problems.ts';

/** A mistake in the form of a YAML file, at an offset in its text. */
export interface SyntaxFinding {
  readonly offset: number;
  readonly parts: ErrorParts;
}

export interface SyntaxFindings {
  readonly findings: readonly SyntaxFinding[];
  /** The content cannot be trusted: more is wrong with it than a key that stands there twice. */
  readonly broken: boolean;
}

/** Mistakes that leave the parser where it was: each stands for itself. Any other one brings others in its wake. */
const INDEPENDENT = new Set(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED', 'BAD_ALIAS', 'BAD_DQ_ESCAPE', 'BAD_SCALAR_START']);

/**
 * What is wrong with the form of a file, each mistake once and where it was made: the parser goes on after an error, and
 * then finds fault with what follows from it, and it sees a missing end only where the text ends.
 */
export function syntaxFindings(documents: readonly Document[], text: string): SyntaxFindings {
  const errors = documents.flatMap((document) =>
    [...document.errors, ...document.warnings].map((error) => ({ error, document })),
  );
  const [structural, ...echoes] = errors.filter(({ error }) => !INDEPENDENT.has(error.code));
  const first = structural && told(structural.error, structural.document, text, echoes[0]?.error);
  const independent = errors
    .filter(({ error }) => INDEPENDENT.has(error.code) && error.pos[0] < (first?.offset ?? text.length + 1))
    .map(({ error }) => ({ offset: error.pos[0], parts: yamlErrorParts(error.code) }));
  const aliases = structural ? [] : documents.flatMap(unknownAliases);
  return {
    findings: [...independent, ...aliases, ...(first ? [first] : [])],
    broken: aliases.length > 0 || errors.some(({ error }) => error.code !== 'DUPLICATE_KEY'),
  };
}

function told(error: YAMLError, document: Document, text: string, echo: YAMLError | undefined): SyntaxFinding {
  const [offset] = error.pos;
  const opening = /^Missing closing .quote|^Flow .* end with a /.test(error.message)
    ? unclosed(document, text, error)
    : undefined;
  if (opening !== undefined) return { offset: opening, parts: unclosedParts(text[opening] ?? '') };
  const goesOn = error.code === 'BLOCK_AS_IMPLICIT_KEY' && echo?.code === 'MULTILINE_IMPLICIT_KEY';
  if (goesOn && echo.pos[0] === offset) return { offset, parts: DEEPER_BELOW };
  return { offset, parts: yamlErrorParts(error.code, error.message) };
}

/** `path: a` with a line below it that is indented deeper: the parser takes both for one text. */
const DEEPER_BELOW: ErrorParts = {
  received: 'the value here goes on in the next line, because that one is indented deeper',
  expected: SPACES,
  next: 'correct the spaces of the next line',
};

/** Where the quote or bracket stands that the error misses the end of: the last that was opened before it. */
function unclosed(document: Document, text: string, error: YAMLError): number | undefined {
  const isQuote = error.code === 'MISSING_CHAR' && error.message.startsWith('Missing closing');
  let found: number | undefined;
  visit(document, {
    Node(_, node) {
      const [start, end] = node.range ?? [];
      if (start === undefined || end === undefined || start >= error.pos[0]) return;
      const isOpen = isQuote
        ? isScalar(node) && /^["']/.test(text.slice(start, end)) && end >= error.pos[0]
        : isFlow(node) && text[end - 1] !== CLOSING[text[start] ?? ''];
      if (isOpen) found = Math.max(found ?? 0, start);
    },
  });
  return found;
}

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']' };

function isFlow(node: Node): boolean {
  return isCollection(node) && node.flow === true;
}

/** The parser leaves it to whoever reads the document to find that an alias stands for nothing. */
function unknownAliases(document: Document): SyntaxFinding[] {
  const findings: SyntaxFinding[] = [];
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined) {
        findings.push({ offset: alias.range?.[0] ?? 0, parts: yamlErrorParts('BAD_ALIAS') });
      }
    },
  });
  return findings;
}
