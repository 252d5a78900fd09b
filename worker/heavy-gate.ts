import type { Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';

/**
 * Places for heavy activities, from whichever task queue they come: the memory that each may take is the process's
 * divided by their number.
 */
export class HeavyPlaces {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  get isFull(): boolean {
    return this.#free === 0;
  }

  async take(): Promise<void> {
    if (this.isFull) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
  }

  give(): void {
    // The place goes to the next one as it is.
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}

/** Lets an activity wait for its place, and keeps it alive as long. */
export class HeavyGate implements ActivityInboundCallsInterceptor {
  readonly #context: Context;
  readonly #places: HeavyPlaces;

  constructor(context: Context, places: HeavyPlaces) {
    this.#context = context;
    this.#places = places;
  }

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    await this.#enter();
    try {
      return await next(input);
    } finally {
      this.#places.give();
    }
  }

  async #enter(): Promise<void> {
    // A heartbeat replaces what the one before it said, and the attempt after this one may need that.
    const { heartbeatTimeoutMs, heartbeatDetails } = this.#context.info;
    const keepAlive =
      this.#places.isFull && heartbeatTimeoutMs !== undefined
        ? setInterval(() => this.#context.heartbeat(heartbeatDetails), heartbeatTimeoutMs / 3)
        : undefined;
    try {
      await this.#places.take();
    } finally {
      clearInterval(keepAlive);
    }
  }
}
