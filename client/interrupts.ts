import { EXIT } from './exit-code.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Calls `first` at the first Ctrl-C (or SIGTERM) and ends the process at the second. Returns how to stop listening.
 */
export function onInterrupt(first: () => void): () => void {
  let seen = false;
  const listener = () => {
    if (seen) process.exit(EXIT.interrupted);
    seen = true;
    first();
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}

/** Resolves at the first Ctrl-C or SIGTERM. */
export function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    onInterrupt(resolve);
  });
}
