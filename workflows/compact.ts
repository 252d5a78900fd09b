import { isCancellation, proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { Activities } from '../activities/activities.ts';
import { formatPlural } from '../contracts/figures.ts';
import type {
  CompactionPlanned,
  MaintenanceInput,
  MaintenanceRun,
  RewriteResult,
  StepResult,
} from '../contracts/maintenance.ts';
import { addFigures, NO_FIGURES, subtractFigures } from '../contracts/maintenance.ts';
import type { JsonReference } from '../contracts/run.ts';
import { mapBounded } from './bounded.ts';
import { hasCode } from './failures.ts';
import { profiles } from './profiles.ts';

const PARALLEL_GROUPS = 2;
/** A commit each: work that is lost when the table changes under it, against snapshots. */
const GROUPS_PER_COMMIT = 20;

/** Rewrites a table's small files, group by group, and puts the new ones in their place. */
export async function compact(input: MaintenanceInput, run: MaintenanceRun): Promise<StepResult> {
  const profile = profiles(input);
  // It may have to look into files of deleted rows, so it counts as heavy too.
  const { planCompaction } = proxyActivities<Activities>(profile.extract);
  const { commitCompaction } = proxyActivities<Activities>(profile.commit);
  const planned = await planCompaction(run);
  if (planned.plan === undefined) return whatWouldBe(planned);

  let [removed, added, committed] = [NO_FIGURES, NO_FIGURES, 0];
  // At least one commit: it also drops marks of deleted rows that no file needs any more.
  const last = Math.max(1, planned.groups);
  for (let first = 0; first < last; first += GROUPS_PER_COMMIT) {
    const groups = await rewriteGroups(input, run, planned, first);
    const done = await commitCompaction({ run, plan: planned.plan, groups });
    removed = addFigures(removed, done.removed);
    added = addFigures(added, done.added);
    committed += done.committed;
  }
  const lost = planned.groups - committed;
  const notes = [
    ...(lost > 0
      ? [`${formatPlural(lost, 'group')} of files left as they are, because the table changed under them`]
      : []),
    ...leftNotes(planned),
  ];
  const after = addFigures(subtractFigures(planned.before, removed), added);
  return { step: 'compact', state: removed.files > 0 ? 'done' : 'nothing', before: planned.before, after, notes };
}

function whatWouldBe(planned: CompactionPlanned): StepResult {
  const { before, rewritten, expected, groups } = planned;
  const after = addFigures(subtractFigures(before, rewritten), expected);
  return { step: 'compact', state: groups > 0 ? 'done' : 'nothing', before, after, notes: leftNotes(planned) };
}

function leftNotes({ groupsLeft }: CompactionPlanned): string[] {
  return groupsLeft > 0 ? [`${formatPlural(groupsLeft, 'group')} of files left to the next maintenance`] : [];
}

/** A few groups from `first` on; those whose files are gone by now are left out. */
async function rewriteGroups(
  input: MaintenanceInput,
  run: MaintenanceRun,
  { groups, plan }: CompactionPlanned,
  first: number,
): Promise<RewriteResult[]> {
  const count = Math.max(0, Math.min(GROUPS_PER_COMMIT, groups - first));
  const batch = Array.from({ length: count }, (_, index) => first + index);
  let done = first;
  const tell = () =>
    setCurrentDetails(`${run.namespace}.${run.table}: compacting, ${done} of ${groups} groups of files rewritten.`);
  tell();
  const rewritten = await mapBounded(batch, input.parallelGroups ?? PARALLEL_GROUPS, async (group) => {
    const result = await rewriteOne(input, run, plan as JsonReference, group, groups);
    done += 1;
    tell();
    return result;
  });
  return rewritten.filter((result) => result !== undefined);
}

async function rewriteOne(
  input: MaintenanceInput,
  run: MaintenanceRun,
  plan: JsonReference,
  group: number,
  groups: number,
): Promise<RewriteResult | undefined> {
  const summary = `${run.table} group ${group + 1}/${groups}`;
  const { rewriteFiles } = proxyActivities<Activities>({ ...profiles(input).extract, summary });
  try {
    return await rewriteFiles({ run, plan, group });
  } catch (error) {
    if (!isCancellation(error) && hasCode(error, 'TABLE_CHANGED')) return undefined;
    throw error;
  }
}
