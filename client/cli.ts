import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import type { CommandContext, CommandDefinition } from './command.ts';
import { applyCommand } from './commands/apply.ts';
import { backfillCommand } from './commands/backfill.ts';
import { cancelCommand } from './commands/cancel.ts';
import { devCommand } from './commands/dev.ts';
import { discoverCommand } from './commands/discover.ts';
import { initCommand } from './commands/init.ts';
import { maintainCommand } from './commands/maintain.ts';
import { pauseCommand, resumeCommand } from './commands/pause.ts';
import { queryCommand } from './commands/query.ts';
import { runCommand } from './commands/run.ts';
import { runsCommand } from './commands/runs.ts';
import { schedulesCommand } from './commands/schedules.ts';
import { schemaCommand } from './commands/schema.ts';
import { snapshotsCommand } from './commands/snapshots.ts';
import { statusCommand } from './commands/status.ts';
import { triggerCommand } from './commands/trigger.ts';
import { validateCommand } from './commands/validate.ts';
import { workerCommand } from './commands/worker.ts';
import type { ExitCode } from './exit-code.ts';
import { EXIT, exitCodeOfError } from './exit-code.ts';
import { reportError } from './report-error.ts';
import { processTerminal } from './terminal.ts';
import { usageError } from './usage.ts';

/** In the order in which somebody new needs them. */
export const COMMANDS: readonly CommandDefinition[] = [
  initCommand,
  validateCommand,
  discoverCommand,
  runCommand,
  queryCommand,
  snapshotsCommand,
  maintainCommand,
  runsCommand,
  statusCommand,
  cancelCommand,
  devCommand,
  workerCommand,
  applyCommand,
  schedulesCommand,
  pauseCommand,
  resumeCommand,
  triggerCommand,
  backfillCommand,
  schemaCommand,
];

/** Runs one command line (without the program's name) and returns what to tell the shell. Never throws. */
export async function main(argv: readonly string[], given: Partial<CommandContext> = {}): Promise<ExitCode> {
  const env = given.env ?? process.env;
  const context: CommandContext = { env, terminal: processTerminal(env), ...given };
  let exitCode: ExitCode = EXIT.success;
  const program = buildProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.success;
    const cause = error instanceof CommanderError ? usageError(error, knownWords(program, argv)) : error;
    return exitCodeOfError(reportError(cause, context.terminal, { json: argv.includes('--json'), env }));
  }
}

function buildProgram(context: CommandContext, finish: (code: ExitCode) => void): Command {
  const { out, err } = context.terminal;
  const program = new Command('dativo')
    .description('Brings data into an Apache Iceberg lake exactly once: a YAML job file becomes a durable workflow.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showSuggestionAfterError(false)
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(text),
      // The sentence is ours, from `usage.ts`.
      outputError: () => {},
      getOutHasColors: () => out.isColoured,
      getErrHasColors: () => err.isColoured,
      getOutHelpWidth: () => out.columns(),
      getErrHelpWidth: () => err.columns(),
    })
    .exitOverride()
    .addHelpText('after', EXIT_CODES + exampleText(FIRST_STEPS));
  for (const { name, summary, examples, declare, run } of COMMANDS) {
    const command = program.command(name).description(summary).helpOption('-h, --help', 'print this help');
    declare(command);
    command
      .addOption(new Option('--json', 'print JSON, for programs'))
      .addHelpText('after', exampleText(examples))
      .action(async (...args: unknown[]) => finish(await run(context, args.slice(0, -2), command.opts())));
  }
  return program;
}

const EXIT_CODES =
  '\nExit codes: 0 success, 1 failed or cancelled, 2 wrong command line, job file or name, 3 some of it succeeded,' +
  '\n130 ended by a second Ctrl-C.\n';

/** From a data file to its rows in the lake. */
const FIRST_STEPS = [
  'dativo init csv data/orders.csv',
  'dativo validate orders.yaml --sample',
  'dativo run orders.yaml',
  'dativo query "select * from orders limit 5"',
  'dativo help run',
];

function exampleText(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}\n`;
}

function knownWords(program: Command, argv: readonly string[]) {
  const first = argv.find((word) => !word.startsWith('-'));
  const command = program.commands.find((candidate) => candidate.name() === first) ?? program;
  const [, helpFor] = first === 'help' ? argv : [];
  const options = [...command.options.map(({ long }) => long ?? ''), '--help'].filter((option) => option !== '');
  return {
    command: command === program ? 'dativo' : `dativo ${command.name()}`,
    usage: command === program ? 'dativo <command>' : `dativo ${command.name()} ${command.usage()}`,
    ...(helpFor === undefined ? {} : { helpFor }),
    commands: program.commands.map((candidate) => candidate.name()),
    options,
  };
}

function packageVersion(): string {
  // From `client/` in a checkout, from `dist/client/` in a package.
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const found: unknown = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'));
      if (typeof found === 'object' && found !== null && 'version' in found) return String(found.version);
    } catch {
      // Not there: the next place.
    }
  }
  return '0.0.0';
}
