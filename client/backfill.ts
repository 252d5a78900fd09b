import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { z } from 'zod';
import { fail } from '../contracts/errors.ts';
import type { Timing } from '../contracts/fire-times.ts';
import { fireWindows } from '../contracts/fire-times.ts';
import { backfillWorkflowId, TASK_QUEUE } from '../contracts/ids.ts';
import type { BackfillInput, BackfillOverlap, BackfillResult, ScheduledIngestInput } from '../contracts/schedule.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type { backfill } from '../workflows/backfill.ts';
import type { BackfillSpan } from './backfill-span.ts';
import { currentDetails } from './current-details.ts';
import { fairShare } from './fairness.ts';
import type { KnownSchedule } from './schedule-store.ts';
import { usage } from './usage.ts';

const LOOK_EVERY_MS = 500;
/** More than this is a mistake in the span, or a job that should be run with --full-refresh. */
const MAX_WINDOWS = 100_000;

/** What a schedule runs, as it was applied. Throws USAGE when another version applied it. */
export function inputOfSchedule(known: KnownSchedule): ScheduledIngestInput {
  const input: unknown = known.description.action.args?.[0];
  if (isInput(input)) return input;
  throw usage(
    `the schedule of ${known.asset}, which another version of Dativo applied`,
    'one that this version applied',
    'apply its folder again',
  );
}

const inputShape = z.looseObject({
  job: z.looseObject({ tenant: z.string(), asset: z.string(), connector: z.string() }),
  timing: z.union([z.looseObject({ cron: z.string(), timezone: z.string() }), z.looseObject({ everyMs: z.number() })]),
});

function isInput(value: unknown): value is ScheduledIngestInput {
  return inputShape.safeParse(value).success;
}

/** How many windows the times of a schedule make of a span. Throws USAGE for too many. */
export function countWindows(timing: Timing, { from, to }: BackfillSpan): number {
  const { length } = fireWindows(timing, from, to, MAX_WINDOWS + 1);
  if (length <= MAX_WINDOWS) return length;
  throw usage(
    `a span of more than ${MAX_WINDOWS} windows`,
    `at most ${MAX_WINDOWS}`,
    'choose a shorter one, or read everything with `dativo run --full-refresh`',
  );
}

/** Starts the backfill; it goes on without this command. Throws ALREADY_RUNNING. */
export async function startBackfill(
  client: Client,
  { job, timing }: ScheduledIngestInput,
  request: BackfillSpan & { readonly windows: number; readonly overlap: BackfillOverlap },
): Promise<WorkflowHandleWithFirstExecutionRunId<typeof backfill>> {
  const { tenant, asset } = job;
  const input: BackfillInput = { job, timing, ...request };
  const attribute = ({ name, type }: (typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES], value: string) => ({
    key: defineSearchAttributeKey(name, type),
    value,
  });
  try {
    return await client.workflow.start<typeof backfill>('backfill', {
      taskQueue: TASK_QUEUE,
      workflowId: backfillWorkflowId(tenant, asset),
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: `${asset}: backfill of ${request.windows} windows`,
      priority: fairShare(tenant),
      typedSearchAttributes: [
        attribute(SEARCH_ATTRIBUTES.tenant, tenant),
        attribute(SEARCH_ATTRIBUTES.asset, asset),
        attribute(SEARCH_ATTRIBUTES.connector, job.connector),
      ],
    });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError') throw error;
    throw fail('ALREADY_RUNNING', {
      received: `a backfill of ${asset} while another one goes on`,
      expected: 'one at a time',
      next: `wait for it, or end it with \`dativo backfill ${asset} --cancel\``,
    });
  }
}

/** Cancels the backfill of an asset and waits until it has cleaned up; false when none goes on. */
export async function cancelBackfill(client: Client, { tenant, asset }: KnownSchedule): Promise<boolean> {
  const handle = client.workflow.getHandle(backfillWorkflowId(tenant, asset));
  const description = await handle.describe().catch((error: unknown) => {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return undefined;
    throw error;
  });
  if (description?.status.name !== 'RUNNING') return false;
  await handle.cancel();
  await handle.result().catch(() => {});
  return true;
}

export type BackfillEnding = BackfillResult | { readonly state: 'cancelled' | 'lost' };

/** Waits for the end of a backfill; `say` is given each new sentence that it says about itself. */
export async function followBackfill(
  client: Client,
  handle: WorkflowHandle<typeof backfill>,
  say: (words: string) => void,
  signal: AbortSignal,
): Promise<BackfillEnding | undefined> {
  let ending: BackfillEnding | undefined;
  const ended = handle.result().then(
    (result) => (ending = result),
    (error: unknown) => (ending = endingIn(error)),
  );
  let said: string | undefined;
  while (!ending && !signal.aborted) {
    await Promise.race([ended, sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})]);
    if (ending || signal.aborted) break;
    const words = await currentDetails(client, handle.workflowId);
    if (words !== undefined && words !== said) say(words);
    said = words ?? said;
  }
  return ending;
}

function endingIn(error: unknown): BackfillEnding {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error)) return { state: 'lost' };
  const [details]: unknown[] = 'details' in cause && Array.isArray(cause.details) ? cause.details : [];
  if (isResult(details)) return details;
  return { state: cause.name === 'CancelledFailure' ? 'cancelled' : 'lost' };
}

function isResult(value: unknown): value is BackfillResult {
  return typeof value === 'object' && value !== null && 'state' in value && 'failures' in value && 'left' in value;
}
