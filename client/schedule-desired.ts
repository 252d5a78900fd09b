import { createHash } from 'node:crypto';
import path from 'node:path';
import type { JsonTree } from '../config/json-tree.ts';
import { canonicalJson } from '../config/json-tree.ts';
import { openStoredJob } from '../config/open-job.ts';
import type { StoredJob } from '../config/stored-job.ts';
import type { LoadedJob } from '../config/validate.ts';
import { durationText } from '../contracts/duration.ts';
import type { Timing } from '../contracts/fire-times.ts';
import { scheduledWorkflowId, scheduleId } from '../contracts/ids.ts';
import type { ScheduleSpec } from '../contracts/job-schedule.ts';
import type { ScheduledMaintenanceInput } from '../contracts/maintenance.ts';
import type { JobReference } from '../contracts/run.ts';
import type { ScheduledIngestInput } from '../contracts/schedule.ts';
import type { ScheduleKind } from './job-name.ts';
import { connectorOf, ingestInput } from './start-run.ts';

/** A job as it is stored for the workflows that a schedule starts. */
export interface ScheduledStoredJob {
  readonly stored: StoredJob;
  readonly digest: string;
}

/** What a schedule starts. */
export interface ScheduledWork {
  readonly workflowType: 'scheduledIngest' | 'scheduledMaintenance';
  readonly workflowId: string;
  readonly input: ScheduledIngestInput | ScheduledMaintenanceInput;
  readonly summary: string;
  /** The source's, where there is one. */
  readonly connector?: string;
}

/** When that happens, and when not. */
export type ScheduleRules = Pick<
  ScheduleSpec,
  'overlap' | 'catchup_window' | 'jitter' | 'start_at' | 'end_at' | 'pause_on_failure' | 'enabled'
>;

/** The schedule that a job file asks for. */
export interface DesiredSchedule {
  readonly scheduleId: string;
  readonly kind: ScheduleKind;
  readonly tenant: string;
  /** The asset that is run, or `namespace.table` that is maintained. */
  readonly asset: string;
  readonly job: ScheduledStoredJob;
  /** The one that the stored job has. */
  readonly reference: JobReference;
  /** The job file, relative to the folder that is applied. */
  readonly file: string;
  readonly rules: ScheduleRules;
  readonly timing: Timing;
  readonly work: ScheduledWork;
  /** The section of the job with its defaults and variables, as text, for telling what has changed. */
  readonly fields: Readonly<Record<string, string>>;
  /** Of everything that the server is told. */
  readonly digest: string;
}

/** Grows when the same job is to be told to the server in another way. */
const FORMAT = 2;

/**
 * The schedule of a job, undefined if it has none. `reference` is the one that the stored job has.
 * Throws VARIABLE_UNSET or JOB_FILE_INVALID for a variable in `schedule` or in the source's parallelism.
 */
export function desiredSchedule(
  job: LoadedJob,
  folder: string,
  env: NodeJS.ProcessEnv,
  referenceOf: (job: ScheduledStoredJob) => JobReference,
): DesiredSchedule | undefined {
  const spec = openStoredJob(job.stored, { env }).schedule();
  if (!spec) return undefined;
  const { tenant, asset } = job;
  const timing = timingOf(spec);
  const reference = referenceOf(job);
  const connector = connectorOf(job);
  const input: ScheduledIngestInput = {
    job: { ...ingestInput(job, reference, env), connector },
    mode: spec.mode,
    overlap: spec.overlap,
    timing,
  };
  const fields = fieldsOf(spec);
  return {
    scheduleId: scheduleId(tenant, asset),
    kind: 'run',
    ...{ tenant, asset, job, reference, timing, fields },
    file: path.relative(folder, job.file),
    rules: spec,
    work: {
      workflowType: 'scheduledIngest',
      workflowId: scheduledWorkflowId(tenant, asset),
      input,
      summary: `${asset}: by schedule`,
      connector,
    },
    digest: toldDigest(input, fields),
  };
}

/** Of everything that the server is told about a schedule. */
export function toldDigest(input: ScheduledWork['input'], fields: DesiredSchedule['fields']): string {
  const told: JsonTree = JSON.parse(JSON.stringify({ format: FORMAT, input, fields }));
  return createHash('sha256').update(canonicalJson(told)).digest('hex').slice(0, 32);
}

function timingOf({ cron, every, timezone }: ScheduleSpec): Timing {
  // One of the two is there: the job was validated.
  return cron === undefined ? { everyMs: every ?? 0 } : { cron, timezone };
}

function fieldsOf(spec: ScheduleSpec): Record<string, string> {
  const { cron, every, timezone, start_at: startAt, end_at: endAt } = spec;
  return {
    ...(cron === undefined ? {} : { cron, timezone }),
    ...(every === undefined ? {} : { every: durationText(every) }),
    mode: spec.mode,
    overlap: spec.overlap,
    catchup_window: durationText(spec.catchup_window),
    jitter: durationText(spec.jitter),
    ...(startAt === undefined ? {} : { start_at: startAt }),
    ...(endAt === undefined ? {} : { end_at: endAt }),
    pause_on_failure: String(spec.pause_on_failure),
    enabled: String(spec.enabled),
  };
}
