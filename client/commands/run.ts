import type { LoadedJob } from '../../config/validate.ts';
import { DativoError } from '../../contracts/errors.ts';
import type { RunOptions } from '../../contracts/run.ts';
import type { CommandContext, CommandDefinition } from '../command.ts';
import { isSet, printJson, sayTo, textList, textOption } from '../command.ts';
import { EXIT, exitCodeOfRuns } from '../exit-code.ts';
import type { KnownLake } from '../home.ts';
import { rememberLakes } from '../home.ts';
import { checkJobs, refuseTwins, reportProblems } from '../load-jobs.ts';
import type { RunOutcome } from '../run-jobs.ts';
import { nextCommand, summaryLines } from '../run-summary.ts';
import { painter } from '../terminal.ts';
import { endedServerWords, launcher, linkOpens } from '../ui-note.ts';
import { usage } from '../usage.ts';

export const runCommand: CommandDefinition = {
  name: 'run',
  summary: 'run jobs, show their progress, and wait for them',
  examples: [
    'dativo run job.yaml',
    'dativo run jobs/*.yaml',
    'dativo run job.yaml --full-refresh',
    'dativo run job.yaml --from 2026-01-01 --to 2026-02-01',
    'dativo run job.yaml --dry-run',
  ],
  declare: (command) =>
    command
      .argument('<job...>', 'job files; `dativo init` writes one')
      .option('--full-refresh', "read everything and replace the tables' content in one commit each")
      .option('--from <cursor>', 'read rows whose cursor is at or after this; needs --to')
      .option('--to <cursor>', 'read rows whose cursor is before this; needs --from')
      .option('--dry-run', 'plan, sample and check; write nothing')
      .option('--with-worker', 'do the work on this machine even where a Temporal server is configured')
      .addHelpText(
        'after',
        '\nA `schedule` in a job is for `dativo apply`: here the job runs at once.' +
          '\nExit codes: 0 all jobs succeeded, or had nothing new; 1 failed or cancelled; 2 wrong command line or job file;' +
          '\n3 some jobs or objects succeeded.' +
          '\nCtrl-C cancels the runs and waits for them to clean up; a second one leaves at once (130): the next run of' +
          '\nthe job then cleans up first.',
      ),
  async run(context, [files], options) {
    const json = isSet(options, 'json');
    const runOptions = readRunOptions(options);
    const configured = await hasConfiguredServer(context);
    const { jobs, problems, notices } = await checkJobs(context, textList(files), configured ? 'deferred' : 'required');
    if (problems.length > 0) {
      reportProblems(context, problems, json);
      return EXIT.usage;
    }
    const { formatProblem } = await import('../../config/problem.ts');
    for (const notice of notices) sayTo(context)(`note: ${formatProblem(notice)}`);
    refuseTwins(jobs);
    if (isSet(options, 'dryRun')) {
      const { dryRunJobs } = await import('../dry-run.ts');
      return dryRunJobs(context, jobs, runOptions, json);
    }
    const { runJobs } = await import('../run-jobs.ts');
    // Before the runs, so that one which is left behind can be found again.
    await rememberLakes(context, (await Promise.all(jobs.map((job) => lakeOfJob(job, context.env)))).flat());
    const outcome = await runJobs(context, { jobs, options: runOptions, withWorker: isSet(options, 'withWorker') });
    await report(context, outcome, json);
    const { runs, notStarted } = outcome;
    return exitCodeOfRuns([...runs.map(({ state }) => state), ...notStarted.map(() => 'cancelled' as const)]);
  },
};

function readRunOptions(options: Readonly<Record<string, unknown>>): RunOptions {
  const from = textOption(options, 'from');
  const to = textOption(options, 'to');
  if (from === undefined && to === undefined)
    return { mode: isSet(options, 'fullRefresh') ? 'full_refresh' : 'incremental' };
  if (from === undefined || to === undefined) {
    throw usage(
      `--${from === undefined ? 'to' : 'from'} alone`,
      '--from and --to together',
      'name both ends of the window',
    );
  }
  if (isSet(options, 'fullRefresh')) {
    throw usage(
      '--full-refresh with --from and --to',
      'one of them',
      'leave --full-refresh out to read only the window',
    );
  }
  return { mode: 'window', from, to };
}

async function hasConfiguredServer({ env }: CommandContext): Promise<boolean> {
  const { configuredServer } = await import('../../worker/dev-server/configured-server.ts');
  return (await configuredServer(env)) !== undefined;
}

/** None where it cannot be told: its variables may have a value only where the job runs. */
async function lakeOfJob(job: LoadedJob, env: NodeJS.ProcessEnv): Promise<KnownLake[]> {
  const { knownLakeOf } = await import('../lake.ts');
  try {
    return [knownLakeOf(job, env)];
  } catch (error) {
    if (error instanceof DativoError && error.kind === 'config') return [];
    throw error;
  }
}

async function report(context: CommandContext, { runs, notStarted }: RunOutcome, json: boolean): Promise<void> {
  const opens = await linkOpens(
    context,
    runs.map(({ url }) => url),
  );
  if (json) {
    const waiting = notStarted.map(({ file, asset, tenant }) => ({ file, asset, tenant }));
    printJson(context, { runs, notStarted: waiting, ...(opens === undefined ? {} : { linksOpen: opens }) });
    return;
  }
  const { out } = context.terminal;
  const paint = painter(out.isColoured);
  for (const run of runs) out.write(`${summaryLines(run, paint).join('\n')}\n`);
  for (const { asset } of notStarted) out.write(`${paint.warn(`${asset}: not started; nothing was committed.`)}\n`);
  if (opens === false) out.write(`${endedServerWords(context, runs.length)}\n`);
  const [waiting] = notStarted;
  const next = runs.length === 0 && waiting ? `dativo run ${waiting.file}` : nextCommand(runs);
  out.write(`Next: ${paint.bold(`${launcher(context.env)}${next}`)}\n`);
}
