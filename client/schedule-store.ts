import type { Client, ScheduleDescription, ScheduleSummary } from '@temporalio/client';
import { z } from 'zod';
import type { Timing } from '../contracts/fire-times.ts';
import type { JobReference } from '../contracts/run.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type { DesiredSchedule } from './schedule-desired.ts';
import type { Owner } from './schedule-memo.ts';
import { readOwner, readRunMemo } from './schedule-memo.ts';
import { readCronComment, scheduleOptions } from './schedule-options.ts';
import { registerSearchAttributes } from './search-attributes.ts';

/** A schedule of ours as the server lists it; the list may be a moment behind. */
export interface ListedSchedule extends Owner {
  readonly scheduleId: string;
  readonly digest: string | undefined;
  readonly timing: Timing | undefined;
  readonly paused: boolean;
  readonly note: string | undefined;
  /** ISO 8601. */
  readonly nextRun?: string;
  readonly lastRun?: ScheduledRun;
}

/** What a schedule started. */
export interface ScheduledRun {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly workflowId: string;
  readonly runId: string;
}

/** A schedule of ours as it is now. */
export interface KnownSchedule extends Owner {
  readonly scheduleId: string;
  readonly digest: string | undefined;
  /** The job file, relative to the folder that was applied. */
  readonly file: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Undefined when it was applied by another version in a form that this one does not know. */
  readonly job: JobReference | undefined;
  readonly description: ScheduleDescription;
}

/** All schedules of ours in the namespace. `query` is one of Temporal's over the search attributes of schedules. */
export async function listSchedules(client: Client, query?: string): Promise<ListedSchedule[]> {
  const listed: ListedSchedule[] = [];
  for await (const summary of client.schedule.list(query === undefined ? {} : { query })) {
    const owner = readOwner(summary.memo);
    if (owner) listed.push(listedSchedule(summary, owner));
  }
  return listed;
}

function listedSchedule(summary: ScheduleSummary, owner: Owner): ListedSchedule {
  const { info, state, spec } = summary;
  const [next] = info.nextActionTimes;
  const last = info.recentActions.at(-1);
  const [interval] = spec?.intervals ?? [];
  return {
    ...owner,
    scheduleId: summary.scheduleId,
    digest: digestIn(summary),
    timing: interval ? { everyMs: Number(interval.every) } : readCronComment(spec?.calendars?.[0]?.comment),
    paused: state.paused,
    note: state.note || undefined,
    ...(next ? { nextRun: next.toISOString() } : {}),
    ...(last
      ? {
          lastRun: {
            startedAt: last.takenAt.toISOString(),
            workflowId: last.action.workflow.workflowId,
            runId: last.action.workflow.firstExecutionRunId,
          },
        }
      : {}),
  };
}

function digestIn({ typedSearchAttributes }: ScheduleSummary): string | undefined {
  const found = typedSearchAttributes?.getAll().find(({ key }) => key.name === SEARCH_ATTRIBUTES.digest.name);
  return typeof found?.value === 'string' ? found.value : undefined;
}

/** A schedule as it is now; `foreign` when it is there and not ours, undefined when there is none. */
export async function describeSchedule(client: Client, id: string): Promise<KnownSchedule | 'foreign' | undefined> {
  let description: ScheduleDescription;
  try {
    description = await client.schedule.getHandle(id).describe();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  const owner = readOwner(description.memo);
  if (!owner) return 'foreign';
  const memo = readRunMemo(description.action.memo);
  return {
    ...owner,
    scheduleId: id,
    // The search attribute says the same, a moment later.
    digest: memo?.digest,
    file: memo?.file ?? '',
    fields: memo?.fields ?? {},
    job: inputSchema.safeParse(description.action.args?.[0]).data,
    description,
  };
}

const referenceSchema = z.object({ uri: z.string(), sha256: z.string() });
/** Of runs, and of maintenances. */
const inputSchema = z.union([
  z.object({ job: z.object({ job: referenceSchema }) }).transform(({ job }) => job.job),
  z.object({ maintenance: z.object({ job: referenceSchema }) }).transform(({ maintenance }) => maintenance.job),
]);

const PAUSED_BY_FILE = 'paused by its job file (enabled: false)';

/** Creates a schedule; the search attributes are registered where the namespace lacks them. */
export async function createSchedule(client: Client, desired: DesiredSchedule, project: string): Promise<void> {
  const { tenant, asset, kind } = desired;
  const owner: Owner = { project, tenant, asset, kind };
  const options = await scheduleOptions(desired, project);
  const create = () =>
    client.schedule.create({
      ...options,
      scheduleId: desired.scheduleId,
      memo: { dativo: owner },
      state: desired.rules.enabled ? {} : { paused: true, note: PAUSED_BY_FILE },
    });
  try {
    await create();
  } catch (error) {
    if (!(await registerSearchAttributes(client, error))) throw error;
    await create();
  }
}

/** Updates a schedule. That somebody paused it stays, unless `enabled` of the job has changed. */
export async function updateSchedule(
  client: Client,
  desired: DesiredSchedule,
  { project, fields }: KnownSchedule,
): Promise<void> {
  const options = await scheduleOptions(desired, project);
  const enabled = String(desired.rules.enabled);
  const isSwitched = fields['enabled'] !== enabled;
  await client.schedule.getHandle(desired.scheduleId).update(({ state }) => ({
    ...options,
    state: isSwitched
      ? { paused: !desired.rules.enabled, note: desired.rules.enabled ? '' : PAUSED_BY_FILE }
      : { paused: state.paused, ...(state.note === undefined ? {} : { note: state.note }) },
  }));
}

/** Deletes a schedule; what it started goes on. One that is gone already is fine. */
export async function deleteSchedule(client: Client, id: string): Promise<void> {
  try {
    await client.schedule.getHandle(id).delete();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** By name, so that the client is loaded only where it is used. */
function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'ScheduleNotFoundError';
}
