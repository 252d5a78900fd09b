import { cleanMetadata } from '../connectors/iceberg/maintenance/clean-metadata.ts';
import { expireSnapshots, planExpiry } from '../connectors/iceberg/maintenance/expire.ts';
import type { OrphanPolicy } from '../connectors/iceberg/maintenance/remove-orphans.ts';
import { DEFAULT_ORPHAN_AGE_MS, removeOrphans } from '../connectors/iceberg/maintenance/remove-orphans.ts';
import { rewriteManifests } from '../connectors/iceberg/maintenance/rewrite-manifests.ts';
import { figuresOf } from '../connectors/iceberg/maintenance/table-folder.ts';
import { formatPlural } from '../contracts/figures.ts';
import type { Figures, MaintenanceRun, MaintenanceStep, StepResult } from '../contracts/maintenance.ts';
import { addFigures, subtractFigures } from '../contracts/maintenance.ts';
import { abandonedWork } from './abandoned-work.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { withTable } from './maintenance-scope.ts';
import { workingFolders } from './working-folder.ts';

/** The steps of a maintenance that move little data. A dry run of each says what it would do, and changes nothing. */
export interface MaintainActivities {
  rewriteManifests(run: MaintenanceRun): Promise<StepResult>;
  /** Lets snapshots expire, and removes the files that only they led to. */
  expireSnapshots(run: MaintenanceRun): Promise<StepResult>;
  /** Removes what nothing refers to, but for what is young and what runs that go on have staged. */
  removeOrphans(run: MaintenanceRun): Promise<StepResult>;
  /** Removes old metadata files, marks of sweeps, and working folders of runs that were stopped for good. */
  cleanMetadata(run: MaintenanceRun): Promise<StepResult>;
}

export function createMaintainActivities(deps: ActivityDependencies): MaintainActivities {
  const orphanPolicy = async ({ settings }: MaintenanceRun): Promise<OrphanPolicy> => ({
    olderThanMs: settings.orphansOlderThanMs ?? DEFAULT_ORPHAN_AGE_MS,
    runningRuns: await deps.runningRuns(),
  });
  return {
    rewriteManifests: (run) =>
      withTable(deps, run, async ({ table }) => {
        const { before, after } = await rewriteManifests(table, { dryRun: run.dryRun === true });
        return result('rewrite_manifests', before, after, before.files !== after.files);
      }),

    expireSnapshots: (run) =>
      withTable(deps, run, async ({ table }) => {
        const { olderThanMs: maxSnapshotAgeMs, keepLast: minSnapshotsToKeep } = run.settings;
        const expire = run.dryRun === true ? planExpiry : expireSnapshots;
        const { expired, kept, expiredRefs, removed, left, foreign } = await expire(table, {
          maxSnapshotAgeMs,
          minSnapshotsToKeep,
        });
        const notes = [
          `${expired} of ${formatPlural(expired + kept, 'snapshot')} expired`,
          ...expiredRefs.map((name) => `${name} has had its time`),
          ...(foreign > 0
            ? [`${formatPlural(foreign, 'file')} outside of the table's folder left where they are`]
            : []),
        ];
        const changed = expired > 0 || expiredRefs.length > 0 || removed.files > 0;
        if (left === undefined) return { step: 'expire', state: changed ? 'done' : 'nothing', notes };
        return result('expire', addFigures(left, removed), left, changed, notes);
      }),

    removeOrphans: (run) =>
      withTable(deps, run, async ({ table }) => {
        const policy = await orphanPolicy(run);
        const { before, removed, young, ofRuns } = await removeOrphans(table, policy, { dryRun: run.dryRun === true });
        const notes = [
          ...(young > 0 ? [`${formatPlural(young, 'file')} that nothing refers to left, because they are young`] : []),
          ...(ofRuns > 0 ? [`${formatPlural(ofRuns, 'file')} left to the runs that go on`] : []),
        ];
        return result('remove_orphans', before, subtractFigures(before, removed), removed.files > 0, notes);
      }),

    cleanMetadata: (run) =>
      withTable(deps, run, async ({ table, job }) => {
        const policy = await orphanPolicy(run);
        const cleaned = await cleanMetadata(table, policy, { dryRun: run.dryRun === true });
        const olderThanMs = table.now() - policy.olderThanMs;
        const running = policy.runningRuns;
        const work = await abandonedWork(job.storage, job.workFolder, { olderThanMs, running });
        if (run.dryRun !== true) {
          const uris = work.abandoned.map(({ uri }) => uri);
          await job.storage.remove(uris, workingFolders(job.workFolder));
        }
        const before = addFigures(cleaned.before, figuresOf(work.all));
        const removed = addFigures(cleaned.removed, figuresOf(work.abandoned));
        return result('clean_metadata', before, subtractFigures(before, removed), removed.files > 0);
      }),
  };
}

function result(
  step: MaintenanceStep,
  before: Figures,
  after: Figures,
  changed: boolean,
  notes: readonly string[] = [],
): StepResult {
  return { step, state: changed ? 'done' : 'nothing', before, after, notes };
}
