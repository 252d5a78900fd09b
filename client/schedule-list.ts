import type { Client } from '@temporalio/client';
import { durationText } from '../contracts/duration.ts';
import { mapBounded } from './bounded.ts';
import { distanceInWords, timeInWords } from './clock-words.ts';
import { jobName } from './job-name.ts';
import { listedRun, stateColour } from './run-list.ts';
import type { ListedSchedule, ScheduledRun } from './schedule-store.ts';
import { tableLines } from './table.ts';
import type { Paint } from './terminal.ts';

const ASKED_AT_ONCE = 20;

/** A schedule with what became of the last run that it started. */
export interface ScheduleEntry extends ListedSchedule {
  /** As `dativo runs` names it, `skipped`, or `unknown` when Temporal has forgotten it. */
  readonly lastState?: string;
}

/** Adds how the last runs ended, and puts the schedules in the order of their names. */
export async function withLastStates(client: Client, listed: readonly ListedSchedule[]): Promise<ScheduleEntry[]> {
  const entries = await mapBounded(listed, ASKED_AT_ONCE, async (schedule) =>
    schedule.lastRun ? { ...schedule, lastState: await stateOf(client, schedule.lastRun) } : schedule,
  );
  return entries.toSorted((a, b) => jobName(a).localeCompare(jobName(b)));
}

async function stateOf(client: Client, { workflowId, runId }: ScheduledRun): Promise<string> {
  try {
    return listedRun(await client.workflow.getHandle(workflowId, runId).describe()).state;
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return 'unknown';
    throw error;
  }
}

/** For programs: everything that is known, with absent values as null. */
export function scheduleJson({ timing, lastRun, lastState, ...schedule }: ScheduleEntry) {
  const { kind, project, tenant, asset, paused, note, nextRun } = schedule;
  const cron = timing && 'cron' in timing ? timing : undefined;
  const every = timing && 'everyMs' in timing ? durationText(timing.everyMs) : undefined;
  return {
    kind,
    project,
    tenant,
    asset,
    cron: cron?.cron ?? null,
    every: every ?? null,
    timezone: cron?.timezone ?? null,
    paused,
    note: note ?? null,
    nextRun: nextRun ?? null,
    lastRun: lastRun ? { ...lastRun, state: lastState ?? null } : null,
  };
}

const COLUMNS = [
  { title: 'job' },
  { title: 'when' },
  { title: 'time zone' },
  { title: 'next run' },
  { title: 'last run' },
  { title: 'project' },
] as const;

/** A table in the words and the time zone of whoever reads it. */
export function scheduleLines(entries: readonly ScheduleEntry[], now: number, paint: Paint): string[] {
  const rows = entries.map((entry) => [
    paint.bold(jobName(entry)),
    ...whenWords(entry),
    nextWords(entry, now, paint),
    lastWords(entry, now, paint),
    paint.dim(entry.project),
  ]);
  const [title = '', ...lines] = tableLines(COLUMNS, rows);
  return [paint.dim(title), ...lines];
}

function whenWords({ timing }: ListedSchedule): [when: string, zone: string] {
  if (!timing) return ['changed in Temporal', ''];
  return 'cron' in timing ? [timing.cron, timing.timezone] : [`every ${durationText(timing.everyMs)}`, ''];
}

function nextWords({ paused, note, nextRun }: ListedSchedule, now: number, paint: Paint): string {
  if (paused) return paint.warn(note === undefined ? 'paused' : `paused: ${note}`);
  if (nextRun === undefined) return paint.dim('none any more');
  const at = Date.parse(nextRun);
  return `${timeInWords(at, now)} (${distanceInWords(at, now)})`;
}

function lastWords({ lastRun, lastState }: ScheduleEntry, now: number, paint: Paint): string {
  if (!lastRun || lastState === undefined) return paint.dim('none yet');
  return `${stateColour(lastState, paint)(lastState)}, ${distanceInWords(Date.parse(lastRun.startedAt), now)}`;
}
