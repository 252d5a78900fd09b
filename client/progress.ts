import type { ObjectProgress, ObjectResult } from '../contracts/run.ts';

export type Stage = 'waiting' | ObjectProgress['stage'];

/** What is known of one object of a run while it runs. */
export interface ObjectView {
  readonly object: string;
  readonly stage: Stage;
  readonly chunks: number;
  readonly chunksDone: number;
  /** Rows read so far, those of running chunks included. */
  readonly rows: number;
  /** The last attempt of an activity failed and another one follows. */
  readonly retry?: RetryView;
  /** How it ended. */
  readonly result?: ObjectResult;
}

export interface RetryView {
  readonly attempt: number;
  /** Milliseconds since 1970; undefined when it runs already. */
  readonly nextAt?: number;
  readonly message: string;
}

/** What an object looked like, and when. */
interface Observation {
  readonly at: number;
  readonly rows: number;
}

const RATE_WINDOW_MS = 5_000;

/** Rows per second over the last seconds, so that a slow source shows at once and a fast start is forgotten. */
export class RateMeter {
  #seen: Observation[] = [];

  observe(rows: number, at: number): void {
    const last = this.#seen.at(-1);
    // Fewer rows than before: a chunk is read again from its start.
    if (last && rows < last.rows) this.#seen = [];
    this.#seen.push({ at, rows });
    while (this.#seen.length > 2 && at - (this.#seen[1]?.at ?? at) > RATE_WINDOW_MS) this.#seen.shift();
  }

  /** Undefined until two moments are known. */
  rate(): number | undefined {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (!first || !last || last.at === first.at) return undefined;
    return ((last.rows - first.rows) * 1000) / (last.at - first.at);
  }
}

/** Parts of whole runs: all objects of a job, under the job's name. */
export interface RunView {
  readonly asset: string;
  readonly objects: readonly ObjectView[];
}
