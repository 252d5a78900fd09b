import path from 'node:path';
import type { LoadedJob } from '../../config/validate.ts';
import { formatPlural } from '../../contracts/figures.ts';
import type { CommandContext, CommandDefinition } from '../command.ts';
import { isSet, printJson, sayTo, textOption } from '../command.ts';
import { confirm } from '../confirm.ts';
import { EXIT } from '../exit-code.ts';
import { onInterrupt } from '../interrupts.ts';
import { checkJobs, refuseTwins, reportProblems } from '../load-jobs.ts';
import type { DesiredSchedule, ScheduledStoredJob } from '../schedule-desired.ts';
import { lastingSession } from '../schedule-session.ts';
import { usage } from '../usage.ts';

export const applyCommand: CommandDefinition = {
  name: 'apply',
  summary: 'make the schedules on the Temporal server those of the job files in a folder',
  examples: [
    'dativo apply jobs',
    'dativo apply jobs --dry-run',
    'dativo apply jobs --project shop --yes',
    'TEMPORAL_PROFILE=cloud dativo apply jobs --yes --json',
  ],
  declare: (command) =>
    command
      .argument('<folder>', 'folder with job files; those below it count too')
      .option('--project <name>', "whom the schedules belong to; default: the folder's name")
      .option('--dry-run', 'print the plan; change nothing')
      .option('--force', 'write schedules that look unchanged too, in case they were changed in Temporal')
      .option('-y, --yes', 'do not ask')
      .addHelpText(
        'after',
        '\nA job with `schedule:` gets one Temporal Schedule, and each of its tables one for its maintenance, unless' +
          '\n`maintenance: { enabled: false }` says otherwise. Schedules of other projects, and those that Dativo did not make,' +
          '\nare never touched. That a schedule was paused stays.' +
          '\nExit codes: 0 done, or nothing to do; 1 failed, or answered with no; 2 wrong command line or job file; 3 partial.',
      ),
  async run(context, [folder], options) {
    const json = isSet(options, 'json');
    const read = await readFolder(context, String(folder), json);
    if (!read) return EXIT.usage;
    const { desired, jobs } = read;
    const named = textOption(options, 'project');
    if (named === '')
      throw usage('--project with an empty name', 'a name', 'leave it out to use the name of the folder');
    const { readStoredJob, storeJob } = await import('../../worker/job-store.ts');
    const { planSchedules } = await import('../schedule-plan.ts');
    const { appliedJson, exitCodeOf, planJson, showApplied, showPlan } = await import('../schedule-report.ts');
    const { planSum } = await import('../schedule-plan-lines.ts');
    await using session = await lastingSession(context);
    const plan = await planSchedules(session.client, {
      project: named ?? path.basename(path.resolve(String(folder))),
      isNamed: named !== undefined,
      desired,
      force: isSet(options, 'force'),
      readStoredJob: (reference, job) => readStoredJob(reference, job, context.env),
    });
    const { address, namespace } = session.server;
    if (!json) showPlan(context, plan, `${address}, namespace ${namespace}`);

    const isEmpty = plan.create.length + plan.update.length + plan.remove.length === 0;
    if (isEmpty || isSet(options, 'dryRun')) {
      if (json) printJson(context, { ...planJson(plan), applied: false });
      return EXIT.success;
    }
    if (!isSet(options, 'yes') && !(await confirm(context, `${planSum(plan)}. Go on?`))) {
      sayTo(context)('Nothing was changed.');
      return EXIT.failed;
    }
    const interruption = new AbortController();
    const stopListening = onInterrupt(() => {
      interruption.abort();
      sayTo(context)('Stopping after what is under way. Ctrl-C again leaves at once.');
    });
    const { applyPlan } = await import('../schedule-apply.ts');
    const store = (job: ScheduledStoredJob) => storeJob(job, context);
    const applied = await applyPlan(session.client, plan, store, interruption.signal).finally(stopListening);
    await rememberLakesOf(context, jobs);
    if (json) printJson(context, { ...planJson(plan), applied: true, ...appliedJson(applied) });
    else showApplied(context, applied);
    return exitCodeOf(applied);
  },
};

interface ReadFolder {
  readonly desired: readonly DesiredSchedule[];
  /** Those that run by schedule. */
  readonly jobs: readonly LoadedJob[];
}

/** The schedules that the job files ask for; undefined after their problems were reported. Throws USAGE. */
async function readFolder(context: CommandContext, folder: string, json: boolean): Promise<ReadFolder | undefined> {
  const { findJobFiles } = await import('../../config/job-files.ts');
  const { jobs: files, ignored } = await findJobFiles(folder);
  // A job runs elsewhere: variables that only its source needs may be unset here.
  const { jobs, problems } = await checkJobs(context, files, 'deferred');
  if (problems.length > 0) {
    reportProblems(context, problems, json);
    return undefined;
  }
  const { desiredSchedule } = await import('../schedule-desired.ts');
  const { jobReference } = await import('../../worker/job-store.ts');
  const { bindingHost } = await import('../../worker/host.ts');
  const { desiredMaintenance } = await import('../schedule-maintenance.ts');
  const options = { env: context.env, host: await bindingHost(context.env) };
  const referenceOf = (job: ScheduledStoredJob) => jobReference(job, options);
  const scheduled = jobs.flatMap((job) => {
    const schedule = desiredSchedule(job, folder, context.env, referenceOf);
    return schedule ? [{ job, schedule }] : [];
  });
  refuseTwins(scheduled.map(({ job }) => job));
  const maintenance = desiredMaintenance(jobs, folder, context.env, referenceOf);
  const say = sayTo(context);
  const unscheduled = jobs.length - scheduled.length;
  const maintained = maintenance.length > 0 ? `; ${formatPlural(maintenance.length, 'table')} to maintain` : '';
  say(`${folder}: ${formatPlural(scheduled.length, 'job')} with a schedule, ${unscheduled} without${maintained}.`);
  if (ignored.length > 0) say(`note: no job files, and so left out: ${ignored.join(', ')}`);
  const desired = [...scheduled.map(({ schedule }) => schedule), ...maintenance];
  return { desired, jobs: scheduled.map(({ job }) => job) };
}

/** So that `dativo query` finds the lakes of jobs that only ever run by schedule. */
async function rememberLakesOf(context: CommandContext, jobs: readonly LoadedJob[]): Promise<void> {
  const { rememberLakes } = await import('../home.ts');
  const { knownLakeOf } = await import('../lake.ts');
  await rememberLakes(
    context,
    jobs.map((job) => knownLakeOf(job, context.env)),
  );
}
