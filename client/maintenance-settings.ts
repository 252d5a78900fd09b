import type { MaintenanceSettings } from '../contracts/maintenance.ts';
import { durationOption } from './duration.ts';

const MiB = 1_048_576;
/** Whoever writes to the table without a run of ours that could be asked for needs some time for it. */
const LEAST_ORPHAN_AGE = '1h';

/** What the options of a command say about how much is kept. Throws USAGE. */
export function maintenanceSettings(options: Readonly<Record<string, unknown>>): MaintenanceSettings {
  const olderThanMs = durationOption(options, 'olderThan', '--older-than', '0s');
  const orphansOlderThanMs = durationOption(options, 'orphansOlderThan', '--orphans-older-than', LEAST_ORPHAN_AGE);
  const [keepLast, targetMiB] = [options['keepLast'], options['targetFileSizeMb']];
  return {
    ...(olderThanMs === undefined ? {} : { olderThanMs }),
    ...(orphansOlderThanMs === undefined ? {} : { orphansOlderThanMs }),
    ...(typeof keepLast === 'number' ? { keepLast } : {}),
    ...(typeof targetMiB === 'number' ? { targetFileBytes: targetMiB * MiB } : {}),
  };
}
