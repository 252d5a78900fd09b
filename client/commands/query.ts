import { Option } from 'commander';
import { formatPlural } from '../../contracts/figures.ts';
import type { CommandDefinition } from '../command.ts';
import { isSet, printJson, textOption } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { chooseLake } from '../lake.ts';
import { resultLines, toCsv } from '../query-output.ts';
import { painter } from '../terminal.ts';
import { wholeNumber } from '../whole-number.ts';

const DEFAULT_LIMIT = 1000;

export const queryCommand: CommandDefinition = {
  name: 'query',
  summary: "ask the lake's current snapshots a question in SQL (DuckDB's)",
  examples: [
    'dativo query "show tables"',
    'dativo query "describe orders"',
    'dativo query "select count(*) from orders"',
    'dativo query "select * from shop.orders__quarantine limit 10" --job jobs/orders.yaml',
    'dativo query "select * from orders" --csv > orders.csv',
    `dativo query "select count(*) from orders as of '2026-01-31 12:00'"`,
  ],
  declare: (command) =>
    command
      .argument(
        '<sql>',
        'one statement that reads: SELECT, SHOW TABLES, DESCRIBE, SUMMARIZE, EXPLAIN; put it in quotes',
      )
      .option(
        '--warehouse <folder>',
        'the lake; default: DATIVO_WAREHOUSE, ./warehouse, or the one that jobs were run on',
      )
      .option('--job <file>', 'the lake of this job')
      .option('--limit <number>', 'rows at most', wholeNumber(1), DEFAULT_LIMIT)
      .option('--as-of <snapshot>', 'the tables as they were: a snapshot id, a tag, a branch or a time in ISO 8601')
      .addOption(new Option('--csv', 'print CSV, for programs').conflicts('json')),
  async run(context, [sql], options) {
    const json = isSet(options, 'json');
    const lake = await chooseLake(context, options, json);
    if (!lake) return EXIT.usage;
    const { queryLake } = await import('../../worker/lake/query.ts');
    const limit = typeof options['limit'] === 'number' ? options['limit'] : DEFAULT_LIMIT;
    const asOf = textOption(options, 'asOf');
    const result = await queryLake(lake, String(sql), { limit, ...(asOf === undefined ? {} : { asOf }) });
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
