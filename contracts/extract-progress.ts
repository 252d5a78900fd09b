/** Heartbeat of an extract activity: read by `dativo run` and `dativo status`, and by the next attempt if this one is lost. */
export interface ExtractProgress {
  /** The chunk that is being read. */
  readonly chunk: number;
  /** Rows that were read, of this chunk and of those that are done. */
  readonly rows: number;
  /** How often this chunk was begun. */
  readonly tries: number;
  /** For each chunk that is done, in order from the first one of the activity, the attempt that staged it. */
  readonly attempts: readonly number[];
}

/** What came back from Temporal; undefined where it is no such heartbeat. Earlier versions told only chunk and rows. */
export function toExtractProgress(value: unknown): ExtractProgress | undefined {
  if (typeof value !== 'object' || value === null || !('chunk' in value) || !('rows' in value)) return undefined;
  const { chunk, rows } = value;
  if (typeof chunk !== 'number' || typeof rows !== 'number') return undefined;
  const tries = 'tries' in value && typeof value.tries === 'number' ? value.tries : 1;
  const attempts = 'attempts' in value && Array.isArray(value.attempts) ? value.attempts.map(Number) : [];
  return { chunk, rows, tries, attempts };
}
