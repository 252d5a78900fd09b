import type { DuckDbSession } from './session.ts';

/**
 * Runs a query that no gate watches, and reports progress whenever DuckDB has moved on with it: a query that hangs is
 * told from one that is slow. It is looked at every second.
 */
export async function reportingProgress<T>(
  session: DuckDbSession,
  onProgress: (() => void) | undefined,
  query: () => Promise<T>,
  lookEveryMs = 1000,
): Promise<T> {
  let seen = 0n;
  const timer = setInterval(() => {
    const { rows_processed: done } = session.connection.progress;
    if (done !== seen) onProgress?.();
    seen = done;
  }, lookEveryMs);
  try {
    return await query();
  } finally {
    clearInterval(timer);
  }
}
