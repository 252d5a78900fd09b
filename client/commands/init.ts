import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fail, hasErrnoCode } from '../../contracts/errors.ts';
import { formatPlural } from '../../contracts/figures.ts';
import type { CommandDefinition } from '../command.ts';
import { isSet, printJson, textOption } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import type { InitPlan, InitRequest } from '../init-plan.ts';
import { painter } from '../terminal.ts';
import { usage } from '../usage.ts';

/** Connectors that a job can be written for from what their data looks like. */
const CONNECTORS: Readonly<Record<string, (request: InitRequest) => Promise<InitPlan>>> = {
  csv: async (request) => (await import('../init-csv.ts')).initCsv(request),
  postgres: async (request) => (await import('../init-database.ts')).initDatabase('postgres', request),
  mysql: async (request) => (await import('../init-database.ts')).initDatabase('mysql', request),
};

export const initCommand: CommandDefinition = {
  name: 'init',
  summary: 'write a job file and a contract from a data file or a database',
  examples: [
    'dativo init csv data/orders.csv',
    'dativo init csv data/orders.csv.gz --asset orders --out jobs/orders.yaml',
    'dativo init postgres SHOP_DATABASE --objects orders,customers',
  ],
  declare: (command) =>
    command
      .argument('<connector>', `system that the data comes from: ${Object.keys(CONNECTORS).join(', ')}`)
      .argument('<from>', 'a file that is like those to come, or the variable that holds the address of a database')
      .option('--asset <name>', 'name of the table, or of all of them; default: from the file or the database')
      .option('--objects <names>', 'tables and views of the database, with commas between them; default: every table')
      .option('--schema <name>', 'schema of the database in which objects are that name none; default: public')
      .option('--out <file>', 'job file to write; default: <asset>.yaml')
      .option('--force', 'replace files that are there'),
  async run(context, [connector, from], options) {
    const create = typeof connector === 'string' && Object.hasOwn(CONNECTORS, connector) && CONNECTORS[connector];
    if (!create) {
      throw usage(
        `the connector ${String(connector)}`,
        Object.keys(CONNECTORS).join(', '),
        'for example `dativo init csv data.csv`',
      );
    }
    const objects = textOption(options, 'objects')?.split(',') ?? [];
    const plan = await create({
      from: String(from),
      asset: textOption(options, 'asset'),
      out: textOption(options, 'out'),
      objects: objects.map((name) => name.trim()).filter((name) => name !== ''),
      schema: textOption(options, 'schema'),
      env: context.env,
    });
    const { asset, jobFile, contractFile } = plan;
    if (!isSet(options, 'force')) refuseToReplace([jobFile, path.relative('', contractFile)]);
    const { job, contract, columns, notes } = await plan.write();
    await writeText(contractFile, contract);
    await writeText(path.resolve(jobFile), job);

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
