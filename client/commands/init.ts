import { existsSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { assetFromFile } from '../../config/job-paths.ts';
import { fail, hasErrnoCode } from '../../contracts/errors.ts';
import { formatPlural } from '../../contracts/figures.ts';
import type { CommandDefinition } from '../command.ts';
import { isSet, printJson, textOption } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { painter } from '../terminal.ts';
import { usage } from '../usage.ts';

/** Connectors that a job can be written for from an example of their data. */
const CONNECTORS = ['csv'];
/** `orders.csv.gz` is about orders. */
const DATA_ENDINGS = /(\.(csv|tsv|txt|gz|zst))+$/i;

export const initCommand: CommandDefinition = {
  name: 'init',
  summary: 'write a job file and a contract from a data file',
  examples: [
    'dativo init csv data/orders.csv',
    'dativo init csv data/orders.csv.gz --asset orders --out jobs/orders.yaml',
  ],
  declare: (command) =>
    command
      .argument('<connector>', `system that the data comes from: ${CONNECTORS.join(', ')}`)
      .argument('<file>', 'a file that is like those to come')
      .option('--asset <name>', 'name of the table; default: from the name of the file')
      .option('--out <file>', 'job file to write; default: <asset>.yaml')
      .option('--force', 'replace files that are there'),
  async run(context, [connector, file], options) {
    if (typeof connector !== 'string' || !CONNECTORS.includes(connector)) {
      throw usage(
        `the connector ${String(connector)}`,
        CONNECTORS.join(', '),
        'for example `dativo init csv data.csv`',
      );
    }
    const data = String(file);
    if (statSync(data, { throwIfNoEntry: false })?.isDirectory()) {
      throw usage(`the folder ${data}`, 'one data file', 'name a file that is like those to come');
    }
    const asset = textOption(options, 'asset') ?? assetFromFile(path.basename(data).replace(DATA_ENDINGS, ''));
    const jobFile = textOption(options, 'out') ?? `${asset}.yaml`;
    const folder = path.dirname(path.resolve(jobFile));
    const contract = path.join('contracts', `${asset}.odcs.yaml`);
    const contractFile = path.join(folder, contract);
    if (!isSet(options, 'force')) refuseToReplace([jobFile, path.relative('', contractFile)]);

    const { contractFileText, jobFileText, provisionalJob } = await import('../init-files.ts');
    const { sampleSources } = await import('../../worker/dry-run.ts');
    const [sample] = await sampleSources(provisionalJob(asset, path.resolve(data)), context.env);
    const { columns, notes } = sample ?? { columns: [], notes: [] };
    const source = path.relative(folder, path.resolve(data));
    await writeText(contractFile, contractFileText(asset, columns));
    await writeText(path.resolve(jobFile), jobFileText({ asset, source, contract }));

    const written = [jobFile, path.relative('', contractFile)];
    if (isSet(options, 'json')) {
      printJson(context, { written, asset, columns, notes });
      return EXIT.success;
    }
    const { out } = context.terminal;
    const paint = painter(out.isColoured);
    for (const note of notes) out.write(`  ${note}\n`);
    out.write(`${paint.good('Wrote')} ${written.join(' and ')} (${formatPlural(columns.length, 'column')}).\n`);
    out.write(`Next: ${paint.bold(`dativo run ${jobFile}`)}\n`);
    return EXIT.success;
  },
};

function refuseToReplace(files: readonly string[]): void {
  const there = files.find((file) => existsSync(file));
  if (there)
    throw usage(
      `${there}, which is there already`,
      'a new file',
      'choose another with --out, or replace it with --force',
    );
}

async function writeText(file: string, text: string): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  } catch (error) {
    throw fail('STORAGE_DENIED', {
      received: `${file} cannot be written${hasErrnoCode(error) ? ` (${error.code})` : ''}`,
      expected: 'a folder that this user may write to',
      next: 'choose another place with --out',
    });
  }
}
