import { dataFolder } from '../connectors/iceberg/commit-files.ts';
import { commitCompaction } from '../connectors/iceberg/maintenance/compact-commit.ts';
import type { CompactionPlan } from '../connectors/iceberg/maintenance/compact-plan.ts';
import { planCompaction } from '../connectors/iceberg/maintenance/compact-plan.ts';
import type { RewrittenGroup } from '../connectors/iceberg/maintenance/compact-rewrite.ts';
import { rewriteGroup } from '../connectors/iceberg/maintenance/compact-rewrite.ts';
import type { MaintainedTable } from '../connectors/iceberg/maintenance/maintained-table.ts';
import { loadTable } from '../connectors/iceberg/maintenance/maintained-table.ts';
import { inFolder } from '../connectors/storage/storage.ts';
import type {
  CommitCompactionInput,
  CompactionCommitted,
  CompactionPlanned,
  MaintenanceRun,
  RewriteInput,
  RewriteResult,
} from '../contracts/maintenance.ts';
import type { ActivityDependencies, OpenedJob } from './dependencies.ts';
import { withTable } from './maintenance-scope.ts';
import { readReferenced, WorkingFolder } from './working-folder.ts';

export interface CompactActivities {
  /** Finds the small files of a table, and those with rows marked as deleted, and divides them into groups. */
  planCompaction(run: MaintenanceRun): Promise<CompactionPlanned>;
  /** Writes the rows of one group into new files. Nobody sees them until the commit. */
  rewriteFiles(input: RewriteInput): Promise<RewriteResult>;
  /** Puts the new files in the place of those that they were made of, as far as these are still there. */
  commitCompaction(input: CommitCompactionInput): Promise<CompactionCommitted>;
}

/** About 100 GB with files of the usual size; a workflow's history holds that many with ease. */
const MOST_GROUPS = 200;

export function createCompactActivities(deps: ActivityDependencies): CompactActivities {
  return {
    planCompaction: (run) =>
      withTable(deps, run, async ({ table, job, scope }) => {
        const { targetFileBytes } = run.settings;
        const settings = { targetFileBytes, defaultFileBytes: job.fileSizeBytes };
        const found = await planCompaction(table, () => scope.session(), settings);
        const groups = found.groups.slice(0, MOST_GROUPS);
        const files = groups.flatMap((group) => group.files);
        const figures = {
          groups: groups.length,
          groupsLeft: found.groups.length - groups.length,
          before: found.before,
          rewritten: { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) },
          expected: {
            files: groups.reduce((sum, group) => sum + group.filesExpected, 0),
            bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
          },
        };
        // Marks of deleted rows may be left of which no row is.
        if ((groups.length === 0 && found.deletes.length === 0) || run.dryRun === true) return figures;
        const plan: CompactionPlan = { ...found, groups };
        return { ...figures, plan: await folderOf(job, run).write(`${run.table}-compaction`, plan) };
      }),

    rewriteFiles: ({ run, plan: reference, group }) =>
      withTable(deps, run, async ({ table, job, scope }) => {
        const plan = await readPlan(job, reference);
        const files = plan.groups[group];
        if (files === undefined) throw new RangeError('a group that the plan does not have');
        const { attempt } = scope.connector;
        const folder = await folderFor(table, `${groupName(group)}-${attempt}`);
        const rewritten = await rewriteGroup(table, await scope.session(), files, plan.deletes, folder);
        await deps.reached('maintain:after-data-files');
        await folderOf(job, run).writeAttempt(attemptName(run, group), attempt, rewritten);
        await deps.reached('maintain:after-description');
        return { group, attempt };
      }),

    commitCompaction: ({ run, plan: reference, groups }) =>
      withTable(deps, run, async ({ table, job }) => {
        const plan = await readPlan(job, reference);
        const folder = folderOf(job, run);
        const rewritten = await Promise.all(
          groups.map(({ group, attempt }) => folder.readAttempt(attemptName(run, group), attempt)),
        );
        return commitCompaction(table, plan, rewritten as RewrittenGroup[]);
      }),
  };
}

function folderOf(job: OpenedJob, { runId }: MaintenanceRun): WorkingFolder {
  return new WorkingFolder(job.storage, job.workFolder, runId);
}

async function readPlan(job: OpenedJob, reference: RewriteInput['plan']): Promise<CompactionPlan> {
  return (await readReferenced(job.storage, reference)) as CompactionPlan;
}

/** A folder that no other attempt ever writes to. */
async function folderFor(table: MaintainedTable, name: string): Promise<string> {
  const { metadata } = await loadTable(table);
  return inFolder(dataFolder(metadata.location), table.runId, name);
}

function groupName(group: number): string {
  return `g${String(group).padStart(5, '0')}`;
}

function attemptName({ table }: MaintenanceRun, group: number): string {
  return `${table}-${groupName(group)}`;
}
