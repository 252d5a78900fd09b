import type { MaintenanceStep } from '../../contracts/maintenance.ts';
import { MAINTENANCE_STEPS } from '../../contracts/maintenance.ts';
import type { CommandDefinition } from '../command.ts';
import { isSet, textList, textOption } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { chooseLakeAndJob } from '../lake.ts';
import { maintenanceSettings } from '../maintenance-settings.ts';
import { usage } from '../usage.ts';
import { wholeNumber } from '../whole-number.ts';

export const maintainCommand: CommandDefinition = {
  name: 'maintain',
  summary: 'keep tables healthy: compact small files, let snapshots expire, remove what nothing refers to',
  examples: [
    'dativo maintain orders --dry-run',
    'dativo maintain orders shop.customers --older-than 7d --keep-last 10 --yes',
    'dativo maintain --all --job jobs/orders.yaml --step compact,expire --yes',
  ],
  declare: (command) =>
    command
      .argument('[table...]', 'tables, or namespace.table')
      .option('--all', 'every table of the lake, or of the namespace of --job')
      .option(
        '--warehouse <folder>',
        'the lake; default: DATIVO_WAREHOUSE, ./warehouse, or the one that jobs were run on',
      )
      .option('--job <file>', 'the lake of this job')
      .option('--dry-run', 'say what would be done, with files and bytes; change nothing')
      .option('--step <names>', `only these, separated by commas: ${MAINTENANCE_STEPS.map(written).join(', ')}`)
      .option('--older-than <duration>', 'snapshots older than this expire; default: as the table says, else 7d')
      .option(
        '--keep-last <count>',
        'so many of the latest snapshots stay; default: as the table says, else 10',
        wholeNumber(1),
      )
      .option('--orphans-older-than <duration>', 'files that nothing refers to go when they are so old; default 3d')
      .option(
        '--target-file-size-mb <size>',
        'size of data files in MiB; default: as the table or the job says',
        wholeNumber(1, 512),
      )
      .option('-y, --yes', 'neither show first what would be done nor ask')
      .option('--with-worker', 'do the work on this machine even where a Temporal server is configured')
      .addHelpText(
        'after',
        '\nShows what it would do and asks before it changes anything, unless --yes is given; each step is judged on the' +
          '\ntable as it is, not as the step before would leave it.' +
          '\nWhat tags and branches lead to stays, and so does what a run that goes on has staged.' +
          '\nExit codes: 0 done or nothing to do, 1 failed, cancelled or answered with no, 2 wrong command line or name, 3 in part.',
      ),
  async run(context, [names], options) {
    const json = isSet(options, 'json');
    const [steps, settings] = [stepsOf(options), maintenanceSettings(options)];
    const wanted = textList(names);
    if (wanted.length > 0 === isSet(options, 'all')) throw noTable(wanted);
    const chosen = await chooseLakeAndJob(context, options, json);
    if (!chosen) return EXIT.usage;
    const { maintainOnRequest } = await import('../maintain-request.ts');
    return maintainOnRequest(context, {
      ...chosen,
      ...{ names: wanted, steps, settings, json },
      dryRun: isSet(options, 'dryRun'),
      yes: isSet(options, 'yes'),
      withWorker: isSet(options, 'withWorker'),
    });
  },
};

function stepsOf(options: Readonly<Record<string, unknown>>): readonly MaintenanceStep[] {
  const text = textOption(options, 'step');
  if (text === undefined) return MAINTENANCE_STEPS;
  return text.split(',').map((name) => {
    const step = MAINTENANCE_STEPS.find((one) => one === name.trim().replaceAll('-', '_'));
    if (step) return step;
    const known = MAINTENANCE_STEPS.map(written).join(', ');
    throw usage(`--step ${text}`, `steps of ${known}, separated by commas`, 'correct the name');
  });
}

function written(step: MaintenanceStep): string {
  return step.replaceAll('_', '-');
}

function noTable(wanted: readonly string[]) {
  return wanted.length === 0
    ? usage('no table', 'the names of tables, or --all', 'see `dativo query "show tables"` for their names')
    : usage('names of tables and --all', 'one of the two', 'leave one of them out');
}
