import type { ExitCode } from './exit-code.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Calls `first` at the first Ctrl-C (or SIGTERM) and ends the process at the second. Returns how to stop listening.
 */
export function onInterrupt(first: () => void): () => void {
  let seen = false;
  const listener = (signal: NodeJS.Signals) => {
    if (seen) die(signal);
    seen = true;
    first();
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}

/**
 * Ends the process as the signal does by itself. `process.exit` would wait for DuckDB's threads, which may be waiting
 * for this one.
 */
function die(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** Ends the process where nothing is at work yet; what was started on the way ends with it (`end-with-us.ts`). */
export function leave(code: ExitCode): void {
  process.exit(code);
}

/** Resolves at the first Ctrl-C or SIGTERM. */
export function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    onInterrupt(resolve);
  });
}
