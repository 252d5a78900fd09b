import type { ChunkRange } from '../contracts/run.ts';

/** More would say too much in one heartbeat, and keep a worker for too long. */
const MOST_AT_ONCE = 16;
/** Of all chunks, so small a part is not worth an activity of its own: it costs six events of history. */
const SMALLEST_PART = 1 / 50;

/**
 * The chunks of an object, handed out so that few activities do them and all lanes end together: each takes a lane's
 * share of what is left ("guided self-scheduling", Polychronopoulos and Kuck, 1987).
 */
export class ChunkQueue {
  readonly #lanes: number;
  readonly #atLeast: number;
  readonly #waiting: ChunkRange[];

  constructor(chunks: number, lanes: number) {
    this.#lanes = lanes;
    this.#atLeast = Math.ceil(chunks * SMALLEST_PART);
    this.#waiting = chunks === 0 ? [] : [{ first: 0, count: chunks, firstAttempt: 1 }];
  }

  take(): ChunkRange | undefined {
    const left = this.#waiting.reduce((sum, { count }) => sum + count, 0);
    const next = this.#waiting.shift();
    if (next === undefined) return undefined;
    const share = Math.max(Math.ceil(left / this.#lanes), this.#atLeast);
    const count = Math.min(share, MOST_AT_ONCE, next.count);
    if (count < next.count) this.#waiting.unshift({ ...next, first: next.first + count, count: next.count - count });
    return { ...next, count };
  }

  /** Chunks that an activity did not come to. */
  giveBack(range: ChunkRange): void {
    this.#waiting.push(range);
  }
}
