import type { ActivityOptions } from '@temporalio/workflow';
import { ActivityCancellationType } from '@temporalio/workflow';
import { NON_RETRYABLE_ERROR_TYPES } from '../contracts/errors.ts';
import { HEAVY_TASK_QUEUE, TASK_QUEUE } from '../contracts/ids.ts';
import type { RunTimeouts } from '../contracts/run.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Activities by the nature of their work: how long they may take, how a lost worker is noticed, how they are retried. */
export interface Profiles {
  /** Catalogs, checkpoints, small files. */
  readonly metadata: ActivityOptions;
  /** One chunk: read, check, write Parquet. Heartbeats come from progress, so silence means a lost or stuck worker. */
  readonly extract: ActivityOptions;
  readonly commit: ActivityOptions;
  /** After the commit: may be late, must not undo anything. */
  readonly publish: ActivityOptions;
  /** Removal of staged files; runs while everything else is being cancelled. */
  readonly cleanup: ActivityOptions;
}

export function profiles(timeouts: RunTimeouts = {}): Profiles {
  const initialInterval = timeouts.retryInitialMs ?? SECOND;
  const heartbeatTimeout = timeouts.heartbeatMs ?? MINUTE;
  // A cancelled activity may still be writing: what it staged is removed only after it has stopped.
  const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;
  const retry = { initialInterval, nonRetryableErrorTypes: NON_RETRYABLE_ERROR_TYPES };
  return {
    metadata: {
      taskQueue: TASK_QUEUE,
      startToCloseTimeout: 10 * MINUTE,
      heartbeatTimeout,
      cancellationType,
      retry: { ...retry, maximumInterval: MINUTE, maximumAttempts: 10 },
    },
    extract: {
      taskQueue: HEAVY_TASK_QUEUE,
      startToCloseTimeout: timeouts.extractStartToCloseMs ?? 2 * HOUR,
      scheduleToCloseTimeout: 24 * HOUR,
      heartbeatTimeout,
      cancellationType,
      retry: { ...retry, maximumInterval: 5 * MINUTE },
    },
    commit: {
      taskQueue: TASK_QUEUE,
      startToCloseTimeout: 10 * MINUTE,
      heartbeatTimeout,
      cancellationType,
      retry: { ...retry, maximumInterval: 10 * SECOND, maximumAttempts: 20 },
    },
    publish: {
      taskQueue: TASK_QUEUE,
      startToCloseTimeout: 5 * MINUTE,
      heartbeatTimeout,
      cancellationType,
      retry: { ...retry, maximumInterval: MINUTE, maximumAttempts: 20 },
    },
    cleanup: {
      taskQueue: TASK_QUEUE,
      startToCloseTimeout: 10 * MINUTE,
      heartbeatTimeout,
      cancellationType,
      retry: { ...retry, maximumInterval: MINUTE, maximumAttempts: 10 },
    },
  };
}
