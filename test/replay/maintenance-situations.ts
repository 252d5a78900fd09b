import type { Activities } from '../../activities/activities.ts';
import type { MaintenanceInput } from '../../contracts/maintenance.ts';
import { activityFailure } from '../support/fake-activities.ts';
import { hangs } from './situations.ts';

/** A way that a maintenance can go. */
export interface MaintenanceSituation {
  readonly name: string;
  readonly activities: () => Partial<Activities>;
  readonly input?: Partial<MaintenanceInput>;
  /** Cancelled after a while. */
  readonly cancel?: boolean;
}

const nothing = () => ({});

export const MAINTENANCE_SITUATIONS: readonly MaintenanceSituation[] = [
  { name: 'maintained', activities: nothing },
  { name: 'maintained-dry-run', activities: nothing, input: { dryRun: true, steps: ['expire', 'remove_orphans'] } },
  {
    name: 'maintained-beside-writers',
    activities: () => ({
      rewriteFiles: async ({ group }) => {
        if (group === 1) throw activityFailure('TABLE_CHANGED', 'files are gone');
        return { group, attempt: 1 };
      },
    }),
  },
  {
    name: 'maintained-in-part',
    activities: () => ({
      planCompaction: async () => {
        throw activityFailure('MAINTENANCE_REFUSED', 'rows deleted by value');
      },
      removeOrphans: async () => {
        throw activityFailure('STORAGE_DENIED', 'a folder without rights');
      },
    }),
  },
  { name: 'maintenance-cancelled', activities: () => ({ rewriteFiles: hangs }), cancel: true },
];
