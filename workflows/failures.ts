import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, isCancellation } from '@temporalio/workflow';
import type { ErrorCode } from '../contracts/errors.ts';
import type { RunFailure } from '../contracts/run.ts';

/** The failure that Dativo's own code raised, under the layers that Temporal wraps around it. */
export function applicationCause(error: unknown): ApplicationFailure | undefined {
  let cause: unknown = error;
  while (cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) cause = cause.cause;
  return cause instanceof ApplicationFailure ? cause : undefined;
}

function isRunFailure(value: unknown): value is RunFailure {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

/** Code and sentence of a failure, as activities attach them (`worker/error-interceptor.ts`). */
export function toRunFailure(error: unknown): RunFailure {
  if (isCancellation(error)) return { code: 'CANCELLED' satisfies ErrorCode, message: 'The run was cancelled.' };
  const failure = applicationCause(error);
  const detail: unknown = failure?.details?.[0];
  if (isRunFailure(detail)) return { code: detail.code, message: detail.message };
  return {
    code: 'UNEXPECTED' satisfies ErrorCode,
    message:
      failure?.message ??
      'A worker was lost or an activity timed out; expected it to finish within its limits; see the run in Temporal.',
  };
}

export function hasCode(error: unknown, code: ErrorCode): boolean {
  return !isCancellation(error) && toRunFailure(error).code === code;
}
