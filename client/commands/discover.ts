import type { DiscoveredObject } from '../../contracts/discovery.ts';
import { formatBytes, formatCount, formatPlural } from '../../contracts/figures.ts';
import type { CommandDefinition } from '../command.ts';
import { isSet, printJson } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { checkJobs, reportProblems } from '../load-jobs.ts';
import { tableLines } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { painter } from '../terminal.ts';

export const discoverCommand: CommandDefinition = {
  name: 'discover',
  summary: 'list what is in the database of a job, whether the job brings it in or not',
  examples: ['dativo discover shop.yaml', 'dativo discover shop.yaml --columns', 'dativo discover shop.yaml --json'],
  declare: (command) =>
    command.argument('<job>', 'job file').option('--columns', 'show the columns too, with the types that they get'),
  async run(context, [file], options) {
    const json = isSet(options, 'json');
    const { jobs, problems } = await checkJobs(context, [String(file)], 'required');
    const [job] = jobs;
    if (job === undefined) {
      reportProblems(context, problems, json);
      return EXIT.usage;
    }
    const { discoverSource } = await import('../../worker/dry-run.ts');
    const objects = await discoverSource(job, context.env);
    if (json) {
      printJson(context, { objects });
      return EXIT.success;
    }
    const { out } = context.terminal;
    const paint = painter(out.isColoured);
    for (const line of objectLines(objects, isSet(options, 'columns'), paint)) out.write(`${line}\n`);
    return EXIT.success;
  },
};

function objectLines(objects: readonly DiscoveredObject[], withColumns: boolean, paint: Paint): string[] {
  if (objects.length === 0) return ['Nothing is there that this user can see.'];
  const rows = objects.map(({ name, kind, rows: count, bytes, primaryKey, columns, hindrance }) => [
    name,
    kind,
    count === undefined ? '' : formatCount(count),
    bytes === undefined ? '' : formatBytes(bytes),
    formatPlural(columns.length, 'column'),
    hindrance ?? primaryKey.join(', '),
  ]);
  const titles = ['object', 'kind', 'rows, about', 'size', 'columns', 'primary key'];
  const [title = '', ...lines] = tableLines(
    titles.map((text, index) => ({ title: text, align: index === 2 || index === 3 ? 'right' : 'left' })),
    rows,
  );
  if (!withColumns) return [paint.dim(title), ...lines];
  return objects.flatMap((object, index) => [
    ...(index === 0 ? [paint.dim(title)] : []),
    lines[index] ?? '',
    ...columnLines(object),
  ]);
}

function columnLines({ columns }: DiscoveredObject): string[] {
  if (columns.length === 0) return [];
  const rows = columns.map(({ name, sourceType, type }) => [name, sourceType, `→ ${type}`]);
  return tableLines([{ title: '' }, { title: '' }, { title: '' }], rows)
    .slice(1)
    .map((line) => `    ${line}`);
}
