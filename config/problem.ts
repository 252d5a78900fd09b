import type { ErrorCode, ErrorParts } from '../contracts/errors.ts';
import { errorSentence } from '../contracts/errors.ts';

/** One thing that is wrong with a file that the user wrote, and where. Never holds the value of a variable. */
export interface Problem extends ErrorParts {
  /** As the user named it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  readonly code: ErrorCode;
  /** The three parts in one sentence. */
  readonly message: string;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

export const FILE_START: Position = { line: 1, column: 1 };

export function problem(file: string, at: Position, code: ErrorCode, parts: ErrorParts): Problem {
  return { file, line: at.line, column: at.column, code, message: errorSentence(parts), ...parts };
}

/** In the order of the files' lines; the problems of one file stay together, files in order of appearance. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map((p) => p.file))];
  return problems.toSorted(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}

/** One line that editors and terminals can jump from: `job.yaml:3:1: message (CODE)`. */
export function formatProblem(p: Problem): string {
  return `${p.file}:${p.line}:${p.column}: ${p.message} (${p.code})`;
}
