import type { Client } from '@temporalio/client';
import type { StoredJob } from '../config/stored-job.ts';
import type { DativoError } from '../contracts/errors.ts';
import { fail } from '../contracts/errors.ts';
import type { JobReference } from '../contracts/run.ts';
import { mapBounded } from './bounded.ts';
import type { FieldChange } from './schedule-changes.ts';
import { fieldChanges, jobChanges } from './schedule-changes.ts';
import type { DesiredSchedule, ScheduledStoredJob } from './schedule-desired.ts';
import type { KnownSchedule, ListedSchedule } from './schedule-store.ts';
import { describeSchedule, listSchedules } from './schedule-store.ts';
import { usage } from './usage.ts';

/** What has to be done so that the schedules of a project are those of its folder. */
export interface SchedulePlan {
  readonly project: string;
  readonly create: readonly DesiredSchedule[];
  readonly update: readonly ScheduleUpdate[];
  readonly remove: readonly ListedSchedule[];
  readonly unchanged: readonly DesiredSchedule[];
  /** Tables that another project has a schedule for already: it maintains them. */
  readonly elsewhere: readonly DesiredSchedule[];
}

export interface ScheduleUpdate {
  readonly desired: DesiredSchedule;
  readonly known: KnownSchedule;
  readonly changes: readonly FieldChange[];
}

export interface PlanRequest {
  readonly project: string;
  /** False: the project's name is only that of the folder, which others may have too. */
  readonly isNamed: boolean;
  readonly desired: readonly DesiredSchedule[];
  /** Update what looks unchanged too, in case somebody changed it in Temporal. */
  readonly force: boolean;
  /** The job as it was applied before, if it can still be read. */
  readonly readStoredJob: (reference: JobReference, job: ScheduledStoredJob) => Promise<StoredJob | undefined>;
}

const DESCRIBED_AT_ONCE = 20;

/**
 * Holds the schedules of a folder against the server's. The list is asked for once; only what it does not know as
 * unchanged is looked at by itself, because it may be a moment behind.
 * Throws SCHEDULE_NOT_OURS when a schedule is somebody else's, USAGE when the folder seems to be another one.
 */
export async function planSchedules(client: Client, request: PlanRequest): Promise<SchedulePlan> {
  const { project, desired, force } = request;
  const own = (await listSchedules(client)).filter((listed) => listed.project === project);
  const byId = new Map(own.map((listed) => [listed.scheduleId, listed]));
  const isListedAsIs = ({ scheduleId, digest }: DesiredSchedule) => !force && byId.get(scheduleId)?.digest === digest;
  const doubtful = desired.filter((schedule) => !isListedAsIs(schedule));
  const looked = await mapBounded(doubtful, DESCRIBED_AT_ONCE, async (schedule) => ({
    schedule,
    known: ownedBy(project, schedule, await describeSchedule(client, schedule.scheduleId)),
  }));

  const elsewhere = looked.flatMap(({ schedule, known }) => (known === 'elsewhere' ? [schedule] : []));
  const create = looked.flatMap(({ schedule, known }) => (known === undefined ? [schedule] : []));
  const present = looked.flatMap(({ schedule, known }) =>
    known === undefined || known === 'elsewhere' ? [] : [{ desired: schedule, known }],
  );
  const differing = present.filter((pair) => force || pair.known.digest !== pair.desired.digest);
  const update = await mapBounded(differing, DESCRIBED_AT_ONCE, async (pair) => ({
    ...pair,
    changes: await changesOf(pair.desired, pair.known, request),
  }));
  const wanted = new Set(desired.map(({ scheduleId }) => scheduleId));
  const remove = own.filter(({ scheduleId }) => !wanted.has(scheduleId));
  refuseStrangeFolder(request, own, remove);
  const others = new Set([...create, ...elsewhere, ...update.map((one) => one.desired)]);
  const unchanged = desired.filter((schedule) => !others.has(schedule));
  return { project, create, update, remove, unchanged, elsewhere };
}

function ownedBy(
  project: string,
  { scheduleId, kind, file }: DesiredSchedule,
  known: KnownSchedule | 'foreign' | undefined,
): KnownSchedule | 'elsewhere' | undefined {
  if (known === undefined) return undefined;
  if (known !== 'foreign' && known.project === project) return known;
  // Projects share lakes, and some of them tables: whoever came first maintains those.
  if (known !== 'foreign' && kind === 'maintenance') return 'elsewhere';
  throw notOurs(
    known === 'foreign'
      ? `a schedule ${scheduleId} that Dativo did not make`
      : `a schedule ${scheduleId} that belongs to the project "${known.project}"`,
    `the job in ${file} to have its schedule for itself`,
    known === 'foreign'
      ? 'remove that schedule in Temporal, or give the job another asset'
      : `apply it with --project ${JSON.stringify(known.project)}, or give the job another asset`,
  );
}

function notOurs(received: string, expected: string, next: string): DativoError {
  return fail('SCHEDULE_NOT_OURS', { received, expected, next });
}

/** Two folders of one name would delete each other's schedules. */
function refuseStrangeFolder(
  { project, isNamed }: PlanRequest,
  own: readonly ListedSchedule[],
  remove: readonly ListedSchedule[],
): void {
  // Folders may share a lake, and with it the maintenance of its records: their jobs tell them apart.
  const runs = own.filter(({ kind }) => kind === 'run');
  const [had, words] = runs.length > 0 ? [runs, 'scheduled jobs'] : [own, 'maintained tables'];
  const going = new Set(remove.map(({ scheduleId }) => scheduleId));
  if (isNamed || had.length === 0 || !had.every(({ scheduleId }) => going.has(scheduleId))) return;
  throw usage(
    `a folder that has none of the ${had.length} ${words} of the project "${project}"`,
    'the folder that they were applied from',
    `name the project with --project: the same to delete them, another one for another folder`,
  );
}

async function changesOf(
  desired: DesiredSchedule,
  known: KnownSchedule,
  { readStoredJob }: PlanRequest,
): Promise<FieldChange[]> {
  const changes = fieldChanges(known.fields, desired.fields, desired.kind === 'run' ? 'schedule.' : 'maintenance.');
  if (known.job?.sha256 === desired.reference.sha256) return changes;
  const before = known.job && (await readStoredJob(known.job, desired.job));
  if (before) return [...changes, ...jobChanges(before, desired.job.stored)];
  return [...changes, { field: 'job', old: 'as it was applied before', new: 'as it is in its file' }];
}
