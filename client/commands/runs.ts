import type { CommandContext, CommandDefinition } from '../command.ts';
import { isSet, printJson } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { chooseLake, knowsNoLake } from '../lake.ts';
import type { ListedRun } from '../run-list.ts';
import { listFromTemporal, runListLines, runsOfRecords } from '../run-list.ts';
import { joinSession } from '../session.ts';
import { painter } from '../terminal.ts';
import { wholeNumber } from '../whole-number.ts';

const DEFAULT_LIMIT = 20;

export const runsCommand: CommandDefinition = {
  name: 'runs',
  summary: 'list runs: those that go on, then the latest',
  examples: ['dativo runs', 'dativo runs --limit 100 --json', 'dativo runs --warehouse ./warehouse'],
  declare: (command) =>
    command
      .option('--limit <number>', 'how many at most', wholeNumber(1), DEFAULT_LIMIT)
      .option('--warehouse <folder>', "read the run records of this lake, rather than Temporal's list")
      .option('--job <file>', 'read the run records of the lake of this job')
      .addHelpText(
        'after',
        '\nTemporal knows runs that go on and those of the last days; the records in the lake keep the finished ones for good.' +
          '\nWhile no Temporal server runs, the records are read.',
      ),
  async run(context, _args, options) {
    const json = isSet(options, 'json');
    const limit = typeof options['limit'] === 'number' ? options['limit'] : DEFAULT_LIMIT;
    const fromLake = options['warehouse'] !== undefined || options['job'] !== undefined;
    const found =
      (fromLake ? undefined : await fromTemporal(context, limit)) ?? (await fromRecords(context, options, limit));
    if (!found) return EXIT.usage;
    if (json) {
      printJson(context, found);
      return EXIT.success;
    }
    const { out } = context.terminal;
    const paint = painter(out.isColoured);
    if (found.runs.length === 0) out.write('No runs yet. Next: dativo run job.yaml\n');
    else out.write(`${runListLines(found.runs, Date.now(), paint).join('\n')}\n`);
    if (found.source !== 'none') out.write(`${paint.dim(SOURCE_WORDS[found.source])}\n`);
    return EXIT.success;
  },
};

interface RunList {
  readonly source: 'temporal' | 'lake' | 'none';
  readonly runs: readonly ListedRun[];
}

const SOURCE_WORDS = {
  temporal: 'From Temporal.',
  lake: 'From the run records of the lake: those that ended. `dativo dev` starts the Temporal server, which knows the others too.',
};

async function fromTemporal(context: CommandContext, limit: number): Promise<RunList | undefined> {
  await using session = await joinSession(context);
  return session && { source: 'temporal', runs: await listFromTemporal(session.client, limit) };
}

async function fromRecords(
  context: CommandContext,
  options: Readonly<Record<string, unknown>>,
  limit: number,
): Promise<RunList | undefined> {
  if (await knowsNoLake(context, options)) return { source: 'none', runs: [] };
  const lake = await chooseLake(context, options, isSet(options, 'json'));
  if (!lake) return undefined;
  const { listRunRecords } = await import('../../worker/lake/run-records.ts');
  return { source: 'lake', runs: runsOfRecords(await listRunRecords(lake, { runs: limit })).slice(0, limit) };
}
