import path from 'node:path';
import { openStoredJob } from '../config/open-job.ts';
import type { StoredJob } from '../config/stored-job.ts';
import { storedJobDigest } from '../config/stored-job.ts';
import type { LoadedJob } from '../config/validate.ts';
import { durationText } from '../contracts/duration.ts';
import type { Timing } from '../contracts/fire-times.ts';
import {
  MAINTENANCE_TABLE,
  maintenanceScheduleId,
  quarantineTableName,
  RUNS_NAMESPACE,
  RUNS_TABLE,
  scheduledMaintenanceWorkflowId,
} from '../contracts/ids.ts';
import type { MaintenanceSpec } from '../contracts/job-maintenance.ts';
import { maintenanceSchema, USUAL_MAINTENANCE_MS } from '../contracts/job-maintenance.ts';
import type { MaintenanceSettings, ScheduledMaintenanceInput } from '../contracts/maintenance.ts';
import { MAINTENANCE_STEPS } from '../contracts/maintenance.ts';
import type { JobReference } from '../contracts/run.ts';
import { lakeId } from './lake-id.ts';
import type { DesiredSchedule, ScheduledStoredJob } from './schedule-desired.ts';
import { toldDigest } from './schedule-desired.ts';
import { usage } from './usage.ts';

/**
 * The schedules that keep the tables of jobs healthy: one for each table with its quarantine, and one for the records of
 * each lake. Jobs without `schedule` and without `maintenance` have none.
 * Throws USAGE when two jobs that share a table want it to be maintained differently, VARIABLE_UNSET.
 */
export function desiredMaintenance(
  jobs: readonly LoadedJob[],
  folder: string,
  env: NodeJS.ProcessEnv,
  referenceOf: (job: ScheduledStoredJob) => JobReference,
): DesiredSchedule[] {
  const desired = new Map<string, DesiredSchedule>();
  const records = new Map<string, DesiredSchedule>();
  for (const job of jobs) {
    const open = openStoredJob(job.stored, { env });
    const spec = open.maintenance() ?? (open.schedule() && USUAL);
    const target = spec?.enabled ? open.place() : undefined;
    if (!spec || target?.connector !== 'iceberg') continue;
    const file = path.relative(folder, job.file);
    const stored = lakeOnly(job.stored);
    const of = { job: stored, reference: referenceOf(stored), file, tenant: job.tenant };
    for (const object of job.objects) {
      const table = open.table(object);
      const one = scheduleOf(of, spec, target.namespace, [table, quarantineTableName(table)]);
      const other = desired.get(one.scheduleId);
      if (other && settingsOf(other) !== settingsOf(one)) throw differing(one, other);
      if (!other) desired.set(one.scheduleId, one);
    }
    const own = scheduleOf(of, USUAL, RUNS_NAMESPACE, [RUNS_TABLE, MAINTENANCE_TABLE]);
    const lake = lakeId(of.reference);
    // The records are those of all jobs of a lake, so one of them maintains them.
    if (!records.has(lake)) records.set(lake, own);
  }
  return [...desired.values(), ...records.values()];
}

const USUAL: MaintenanceSpec = maintenanceSchema.parse({});

function scheduleOf(
  of: Pick<DesiredSchedule, 'job' | 'reference' | 'file' | 'tenant'>,
  spec: MaintenanceSpec,
  namespace: string,
  tables: readonly [string, ...string[]],
): DesiredSchedule {
  const { tenant, reference } = of;
  const asset = `${namespace}.${tables[0]}`;
  const lake = lakeId(reference);
  const { cron, timezone, every = USUAL_MAINTENANCE_MS, jitter, catchup_window } = spec;
  const timing: Timing = cron === undefined ? { everyMs: every } : { cron, timezone };
  const input: ScheduledMaintenanceInput = {
    maintenance: { job: reference, tenant, steps: spec.steps ?? MAINTENANCE_STEPS, settings: settingsIn(spec) },
    lake,
    table: asset,
    tables: tables.map((table) => ({ namespace, table })),
  };
  const fields = fieldsOf(spec, timing);
  return {
    ...of,
    scheduleId: maintenanceScheduleId(tenant, asset, lake),
    kind: 'maintenance',
    ...{ asset, timing, fields },
    rules: { overlap: 'skip', catchup_window, jitter, pause_on_failure: false, enabled: true },
    work: {
      workflowType: 'scheduledMaintenance',
      workflowId: scheduledMaintenanceWorkflowId(tenant, asset, lake),
      input,
      summary: `${asset}: maintenance by schedule`,
    },
    digest: toldDigest(input, fields),
  };
}

/** What a maintenance has to know of a job: a change of anything else is none of the maintenance. */
function lakeOnly({ format, name, folder, tenant, asset, objects, job }: StoredJob): ScheduledStoredJob {
  const { target, target_connector } = job;
  const stored: StoredJob = {
    ...{ format, name, folder, tenant, asset, objects },
    job: {
      ...(target === undefined ? {} : { target }),
      ...(target_connector === undefined ? {} : { target_connector }),
    },
  };
  return { stored, digest: storedJobDigest(stored) };
}

function settingsIn(spec: MaintenanceSpec): MaintenanceSettings {
  const { snapshots_older_than: olderThanMs, keep_snapshots: keepLast, orphans_older_than: orphansOlderThanMs } = spec;
  return {
    ...(olderThanMs === undefined ? {} : { olderThanMs }),
    ...(keepLast === undefined ? {} : { keepLast }),
    ...(orphansOlderThanMs === undefined ? {} : { orphansOlderThanMs }),
  };
}

function fieldsOf(spec: MaintenanceSpec, timing: Timing): Record<string, string> {
  const { steps, snapshots_older_than: snapshots, keep_snapshots: keep, orphans_older_than: orphans } = spec;
  return {
    ...('cron' in timing ? timing : { every: durationText(timing.everyMs) }),
    jitter: durationText(spec.jitter),
    catchup_window: durationText(spec.catchup_window),
    steps: (steps ?? MAINTENANCE_STEPS).join(', '),
    ...(snapshots === undefined ? {} : { snapshots_older_than: durationText(snapshots) }),
    ...(keep === undefined ? {} : { keep_snapshots: String(keep) }),
    ...(orphans === undefined ? {} : { orphans_older_than: durationText(orphans) }),
  };
}

function settingsOf({ fields }: DesiredSchedule): string {
  return JSON.stringify(fields);
}

function differing(one: DesiredSchedule, other: DesiredSchedule) {
  return usage(
    `${one.file} and ${other.file}, which want the table ${one.asset} to be maintained differently`,
    'one way for the table that they share',
    'give both the same `maintenance`, or one of them `maintenance: { enabled: false }`',
  );
}
