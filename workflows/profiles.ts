import type { ActivityOptions } from '@temporalio/workflow';
import { ActivityCancellationType } from '@temporalio/workflow';
import { NON_RETRYABLE_ERROR_TYPES } from '../contracts/errors.ts';
import { HEAVY_TASK_QUEUE, HOLD_TASK_QUEUE, TASK_QUEUE, taskQueueOf } from '../contracts/ids.ts';
import type { JobReference, RunTimeouts } from '../contracts/run.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Activities by the nature of their work: how long they may take, how a lost worker is noticed, how they are retried. */
export interface Profiles {
  /** Catalogs, checkpoints, small files. */
  readonly metadata: ActivityOptions;
  /** One chunk: read, check, write Parquet. Heartbeats come from progress, so silence means a lost or stuck worker. */
  readonly extract: ActivityOptions;
  readonly commit: ActivityOptions;
  /** Lasts as long as the run, and is only ever ended by it: objects tell what is wrong with their source. */
  readonly hold: ActivityOptions;
  /** A step of maintenance that lists, reads manifests and removes files: as long as the table is large. */
  readonly maintain: ActivityOptions;
  /** After the commit: may be late, must not undo anything. */
  readonly publish: ActivityOptions;
  /** Removal of staged files; runs while everything else is being cancelled. */
  readonly cleanup: ActivityOptions;
}

/** What of the input of a workflow decides where its activities work, and for how long. */
export interface WorkInput {
  readonly job: Pick<JobReference, 'host'>;
  readonly timeouts?: RunTimeouts;
}

export function profiles({ job: { host }, timeouts = {} }: WorkInput): Profiles {
  const initialInterval = timeouts.retryInitialMs ?? SECOND;
  const heartbeatTimeout = timeouts.heartbeatMs ?? MINUTE;
  // A cancelled activity may still be writing: what it staged is removed only after it has stopped.
  const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;
  const [light, heavy] = [taskQueueOf(TASK_QUEUE, host), taskQueueOf(HEAVY_TASK_QUEUE, host)];
  const retry = { initialInterval, nonRetryableErrorTypes: NON_RETRYABLE_ERROR_TYPES };
  return {
    metadata: {
      taskQueue: light,
      startToCloseTimeout: 10 * MINUTE,
      heartbeatTimeout,
      cancellationType,
      retry: { ...retry, maximumInterval: MINUTE, maximumAttempts: 10 },
    },
    extract: {
      taskQueue: heavy,
      startToCloseTimeout: timeouts.extractStartToCloseMs ?? 2 * HOUR,
      scheduleToCloseTimeout: 24 * HOUR,
      heartbeatTimeout,
      cancellationType,
      retry: { ...retry, maximumInterval: 5 * MINUTE },
    },
    commit: {
      taskQueue: light,
      startToCloseTimeout: 10 * MINUTE,
      heartbeatTimeout,
      cancellationType,
      retry: { ...retry, maximumInterval: 10 * SECOND, maximumAttempts: 20 },
    },
    hold: {
      taskQueue: taskQueueOf(HOLD_TASK_QUEUE, host),
      startToCloseTimeout: 7 * DAY,
      heartbeatTimeout,
      cancellationType: ActivityCancellationType.TRY_CANCEL,
      retry: { initialInterval, maximumInterval: 10 * SECOND },
    },
    maintain: {
      taskQueue: light,
      startToCloseTimeout: timeouts.extractStartToCloseMs ?? 2 * HOUR,
      heartbeatTimeout,
      cancellationType,
      retry: { ...retry, maximumInterval: MINUTE, maximumAttempts: 10 },
    },
    publish: {
      taskQueue: light,
      startToCloseTimeout: 5 * MINUTE,
      heartbeatTimeout,
      cancellationType,
      retry: { ...retry, maximumInterval: MINUTE, maximumAttempts: 20 },
    },
    cleanup: {
      taskQueue: light,
      startToCloseTimeout: 10 * MINUTE,
      heartbeatTimeout,
      cancellationType,
      retry: { ...retry, maximumInterval: MINUTE, maximumAttempts: 10 },
    },
  };
}
