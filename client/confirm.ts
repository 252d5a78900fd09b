import { createInterface } from 'node:readline/promises';
import type { CommandContext } from './command.ts';
import { usage } from './usage.ts';

/** Where an answer comes from: the standard input of the process, but in tests. */
export interface Asked {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
}

/**
 * Asks a question that is answered with yes or no; no answer, Ctrl-C and Ctrl-D are no. Asks on the error output, so
 * that the output stays what it is. Throws USAGE where nobody can answer.
 */
export async function confirm(
  { terminal }: Pick<CommandContext, 'terminal'>,
  question: string,
  { input }: Asked = { input: process.stdin },
): Promise<boolean> {
  requireSomebody({ terminal }, { input });
  const lines = createInterface({ input });
  terminal.err.write(`${question} [y/N] `);
  const ended = new AbortController();
  lines.on('SIGINT', () => ended.abort());
  lines.on('close', () => ended.abort());
  try {
    const answer = await lines.question('', { signal: ended.signal });
    return /^(y|yes)$/i.test(answer.trim());
  } catch {
    terminal.err.write('\n');
    return false;
  } finally {
    lines.close();
  }
}

/** For a command that works before it asks. Throws USAGE where nobody can answer. */
export function requireSomebody(
  { terminal }: Pick<CommandContext, 'terminal'>,
  { input }: Asked = { input: process.stdin },
): void {
  if (input.isTTY === true && terminal.err.isTerminal) return;
  throw usage('a question, and no terminal to ask it in', 'somebody to answer it', 'add --yes to go on without it');
}
