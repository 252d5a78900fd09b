import type { LoadedJob } from '../../config/validate.ts';
import type { LakeAddress } from '../../contracts/lake-view.ts';
import type { RunOptions } from '../../contracts/run.ts';
import type { CommandContext, CommandDefinition } from '../command.ts';
import { isSet, printJson, sayTo, textList, textOption } from '../command.ts';
import { EXIT, exitCodeOfRuns } from '../exit-code.ts';
import { rememberLakes } from '../home.ts';
import { checkJobs, refuseTwins, reportProblems } from '../load-jobs.ts';
import type { FinishedRun } from '../run-summary.ts';
import { nextCommand, summaryLines } from '../run-summary.ts';
import { painter } from '../terminal.ts';
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
      .argument('<job...>', 'job files')
      .option('--full-refresh', "read everything and replace the tables' content in one commit each")
      .option('--from <cursor>', 'read rows whose cursor is at or after this; needs --to')
      .option('--to <cursor>', 'read rows whose cursor is before this; needs --from')
      .option('--dry-run', 'plan, sample and check; write nothing')
      .option('--with-worker', 'do the work on this machine even where a Temporal server is configured')
      .addHelpText(
        'after',
        '\nExit codes: 0 all jobs succeeded, 1 failed or cancelled, 2 wrong command line or job file, 3 partial.' +
          '\nCtrl-C cancels the runs and waits for them to clean up; a second one leaves at once.',
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
    const runs = await runJobs(context, { jobs, options: runOptions, withWorker: isSet(options, 'withWorker') });
    await rememberLakes(context, await Promise.all(jobs.map((job) => lakeOfJob(job, context.env))));
    report(context, runs, json);
    return exitCodeOfRuns(runs.map(({ state }) => state));
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

async function lakeOfJob(job: LoadedJob, env: NodeJS.ProcessEnv): Promise<LakeAddress> {
  const { lakeAddressOf } = await import('../lake.ts');
  return lakeAddressOf(job, env);
}

function report(context: CommandContext, runs: readonly FinishedRun[], json: boolean): void {
  if (json) {
    printJson(context, { runs });
    return;
  }
  const { out } = context.terminal;
  const paint = painter(out.isColoured);
  for (const run of runs) out.write(`${summaryLines(run, paint).join('\n')}\n`);
  out.write(`Next: ${paint.bold(`${launcher(context.env)}${nextCommand(runs)}`)}\n`);
}

/** Where npm started the command, `dativo` alone is not on the PATH. */
function launcher(env: NodeJS.ProcessEnv): string {
  return env['npm_command'] === undefined ? '' : 'npx ';
}
