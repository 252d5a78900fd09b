import { z } from 'zod';
import { duration } from './duration.ts';
import { wholeNumber } from './job-fields.ts';
import { cronText, timezone } from './job-schedule.ts';
import { MAINTENANCE_STEPS } from './maintenance.ts';

/** How often tables are maintained whose job says nothing. In milliseconds. */
export const USUAL_MAINTENANCE_MS = 86_400_000;

/** `maintenance`: how the tables of a job are kept healthy. */
export const maintenanceSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('false: `dativo apply` makes no schedule for the maintenance of the tables of this job.'),
  cron: cronText
    .optional()
    .describe('When the tables are maintained: a five-field cron expression, in place of `every`.'),
  every: duration('1m', '366d')
    .optional()
    .describe('Time between two maintenances, such as 6h or 7d. Default, where there is no `cron`: 1d.'),
  timezone: timezone.prefault('UTC').describe('IANA time zone in which cron is read, such as Europe/Zurich.'),
  jitter: duration('0s', '1d')
    .prefault('1h')
    .describe('Longest time by which a maintenance is put off at random, so that many tables do not begin at once.'),
  catchup_window: duration('10s', '366d')
    .prefault('12h')
    .describe('How late a maintenance may still start after the Temporal server was down; later ones are left out.'),
  steps: z
    .array(z.enum(MAINTENANCE_STEPS))
    .min(1)
    .optional()
    .describe('What is done, always in this order. Default: all of it.'),
  snapshots_older_than: duration('0s', '3660d')
    .optional()
    .describe("Age at which a snapshot expires. Default: the table's history.expire.max-snapshot-age-ms, else 7d."),
  keep_snapshots: wholeNumber(1, 1_000_000)
    .optional()
    .describe(
      'So many of the latest snapshots are kept, however old they are. Default: the table’s ' +
        'history.expire.min-snapshots-to-keep, else 10.',
    ),
  orphans_older_than: duration('1h', '3660d')
    .optional()
    .describe('Age at which a file is removed that nothing refers to and no run that goes on has staged. Default: 3d.'),
});

/** `maintenance` with its defaults filled in; durations in milliseconds. */
export type MaintenanceSpec = z.output<typeof maintenanceSchema>;
