import type { DativoError } from '../contracts/errors.ts';

/** What a command tells the shell. */
export const EXIT = {
  success: 0,
  /** Nothing of what was asked for was done, or it was cancelled. */
  failed: 1,
  /** The command line, a job file, its environment or a name in it is wrong; nothing was started. */
  usage: 2,
  /** Some of it was done. */
  partial: 3,
  /** Ended by a second Ctrl-C: 128 + SIGINT, as shells have it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export function exitCodeOfError(error: DativoError): ExitCode {
  return error.kind === 'config' ? EXIT.usage : EXIT.failed;
}

/** Of several jobs, each with its `RunState`: success when all are, failed when none is, else partial. */
export function exitCodeOfRuns(states: readonly string[]): ExitCode {
  const good = states.filter((state) => state === 'success' || state === 'unchanged').length;
  if (good === states.length) return EXIT.success;
  return good > 0 || states.includes('partial') ? EXIT.partial : EXIT.failed;
}
