import type { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { BugError, DativoError, fail, hasErrnoCode, RETRYABLE_KINDS } from '../contracts/errors.ts';

/** Larger messages belong in the lake, behind a reference. */
const MAX_RESULT_BYTES = 64 * 1024;

/**
 * The one boundary where errors leave an activity for Temporal's history. Dativo's own errors pass with their code
 * and sentence; of a foreign one only the class and the place are kept, since its text may quote a row.
 */
export class ErrorBoundary implements ActivityInboundCallsInterceptor {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const activity = this.#context.info.activityType;
    try {
      const result = await next(input);
      assertSmall(activity, result);
      return result;
    } catch (error) {
      const cancelled: unknown = this.#context.cancellationSignal.aborted && this.#context.cancellationSignal.reason;
      if (error instanceof CancelledFailure) throw error;
      if (cancelled instanceof Error && (error === cancelled || isAbort(error))) throw cancelled;
      throw toApplicationFailure(activity, error);
    }
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

export function toApplicationFailure(activity: string, error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const known = error instanceof DativoError ? error : unexpected(activity, error);
  const failure = ApplicationFailure.create({
    message: known.message,
    type: known.name,
    nonRetryable: !RETRYABLE_KINDS.includes(known.kind),
    details: [{ code: known.code, message: known.message }],
  });
  failure.stack = placeOf(known.code === 'UNEXPECTED' ? error : known);
  return failure;
}

function unexpected(activity: string, error: unknown): DativoError {
  const name = error instanceof Error ? error.constructor.name : typeof error;
  const code = hasErrnoCode(error) ? ` ${error.code}` : '';
  return fail('UNEXPECTED', {
    received: `${name}${code} in ${activity}`,
    expected: 'a failure that Dativo has a name for',
    next: 'report it with the stack that the run shows in Temporal',
  });
}

const FRAME = /^\s+at .*?\(?(?:file:|node:|\/|[A-Za-z]:\\)[^\s]*:\d+:\d+\)?$/;

/** Where an error was raised: the frames of its stack without the message, which may look like one of them. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const stack = error.stack ?? '';
  const message = stack.indexOf(error.message);
  const frames = message < 0 ? stack : stack.slice(message + error.message.length);
  return frames
    .split('\n')
    .filter((line) => FRAME.test(line))
    .join('\n');
}

function assertSmall(activity: string, result: unknown): void {
  const bytes = result === undefined ? 0 : Buffer.byteLength(JSON.stringify(result));
  if (bytes <= MAX_RESULT_BYTES) return;
  throw new BugError('PAYLOAD_TOO_LARGE', {
    received: `a result of ${bytes} bytes from ${activity}`,
    expected: `at most ${MAX_RESULT_BYTES} bytes`,
    next: 'report it: this must go through a reference',
  });
}
