import type { Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';

/** Their heartbeats come from rows: a clock would hide that the reading hangs. */
const REPORTS_PROGRESS = new Set(['extractChunks', 'extractChunk']);

/**
 * Heartbeats by the clock for short activities that have no progress to tell. They let Temporal notice a lost worker
 * within the heartbeat timeout, and carry a cancellation to the activity; one that hangs is ended by its
 * start-to-close timeout.
 */
export class KeepAlive implements ActivityInboundCallsInterceptor {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const { activityType, heartbeatTimeoutMs } = this.#context.info;
    if (REPORTS_PROGRESS.has(activityType) || heartbeatTimeoutMs === undefined) return next(input);
    const clock = setInterval(() => this.#context.heartbeat(), heartbeatTimeoutMs / 3);
    try {
      return await next(input);
    } finally {
      clearInterval(clock);
    }
  }
}
