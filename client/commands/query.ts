import { InvalidArgumentError } from 'commander';
import { formatPlural } from '../../contracts/figures.ts';
import type { CommandDefinition } from '../command.ts';
import { isSet, printJson } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { chooseLake } from '../lake.ts';
import { resultLines, toCsv } from '../query-output.ts';
import { painter } from '../terminal.ts';

const DEFAULT_LIMIT = 1000;

export const queryCommand: CommandDefinition = {
  name: 'query',
  summary: "ask the lake's current snapshots a question in SQL (DuckDB's)",
  examples: [
    'dativo query "select count(*) from orders"',
    'dativo query "select * from shop.orders__quarantine limit 10" --job jobs/orders.yaml',
    'dativo query "select * from orders" --csv > orders.csv',
  ],
  declare: (command) =>
    command
      .argument('<sql>', 'one statement; put it in quotes')
      .option(
        '--warehouse <folder>',
        'the lake; default: DATIVO_WAREHOUSE, ./warehouse, or the one that jobs were run on',
      )
      .option('--job <file>', 'the lake of this job')
      .option('--limit <number>', 'rows at most', positiveNumber, DEFAULT_LIMIT)
      .option('--csv', 'print CSV'),
  async run(context, [sql], options) {
    const json = isSet(options, 'json');
    const lake = await chooseLake(context, options, json);
    if (!lake) return EXIT.usage;
    const { queryLake } = await import('../../worker/lake.ts');
    const limit = typeof options['limit'] === 'number' ? options['limit'] : DEFAULT_LIMIT;
    const result = await queryLake(lake, String(sql), { limit });
    const { out, err } = context.terminal;
    if (json) {
      const names = result.columns.map(({ name }) => name);
      const rows = result.rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? null])));
      printJson(context, { columns: result.columns, rows, truncated: result.truncated });
      return EXIT.success;
    }
    if (isSet(options, 'csv')) out.write(toCsv(result));
    else out.write(`${resultLines(result, painter(out.isColoured)).join('\n')}\n`);
    if (result.truncated) err.write(`Only the first ${formatPlural(limit, 'row')} are shown; --limit shows more.\n`);
    return EXIT.success;
  },
};

function positiveNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a whole number of at least 1.');
}
