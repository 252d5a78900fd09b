import type { MaintenanceSpec } from '../contracts/job-maintenance.ts';
import type { JsonObject, KeyPath } from './json-tree.ts';
import { valueAt } from './json-tree.ts';
import type { RuleFinding } from './rule-finding.ts';

/** What the keys of `maintenance` must be to each other and to the job. `job` has its variables resolved. */
export function maintenanceRules({ cron, every }: MaintenanceSpec, job: JsonObject): RuleFinding[] {
  const findings: RuleFinding[] = [];
  if (job['target_connector'] === 'parquet') {
    const received = 'maintenance is given, and target_connector is parquet';
    findings.push(finding(['maintenance'], received, 'Iceberg tables, which can be maintained', 'remove it'));
  }
  if (cron !== undefined && every !== undefined) {
    const received = 'maintenance has both "cron" and "every"';
    findings.push(finding(['maintenance', 'every'], received, 'one of them', 'remove one'));
  }
  if (cron === undefined && valueAt(job, ['maintenance', 'timezone']) !== undefined) {
    const received = 'maintenance.timezone has no meaning without "cron"';
    findings.push(
      finding(['maintenance', 'timezone'], received, 'it beside "cron"', 'remove it, or write a cron expression'),
    );
  }
  return findings;
}

function finding(path: KeyPath, received: string, expected: string, next: string): RuleFinding {
  return { path, at: 'key', code: 'JOB_FILE_INVALID', received, expected, next };
}
