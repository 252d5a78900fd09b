import type { LoadedJob } from '../config/validate.ts';
import { formatCount, formatPlural } from '../contracts/figures.ts';
import type { ObjectDryRun } from '../contracts/lake-view.ts';
import type { RunOptions } from '../contracts/run.ts';
import { typeName } from '../contracts/schema.ts';
import type { CommandContext } from './command.ts';
import { printJson } from './command.ts';
import type { ExitCode } from './exit-code.ts';
import { EXIT } from './exit-code.ts';
import { tableLines } from './table.ts';
import type { Paint } from './terminal.ts';
import { painter } from './terminal.ts';

/** What runs of the jobs would do, told without Temporal: nothing is written, so nothing needs to survive. */
export async function dryRunJobs(
  context: CommandContext,
  jobs: readonly LoadedJob[],
  options: RunOptions,
  json: boolean,
): Promise<ExitCode> {
  const { dryRun } = await import('../worker/dry-run.ts');
  const found = [];
  for (const job of jobs)
    found.push({ file: job.file, asset: job.asset, objects: await dryRun(job, options, context.env) });
  if (json) printJson(context, { dryRuns: found });
  else {
    const { out } = context.terminal;
    const paint = painter(out.isColoured);
    for (const { asset, objects } of found) {
      for (const object of objects) out.write(`${dryRunLines(asset, object, paint).join('\n')}\n`);
    }
    out.write('Nothing was written.\n');
  }
  const objects = found.flatMap((job) => job.objects);
  const failed = objects.filter(({ failure }) => failure !== undefined).length;
  if (failed === 0) return EXIT.success;
  return failed === objects.length ? EXIT.failed : EXIT.partial;
}

export function dryRunLines(asset: string, object: ObjectDryRun, paint: Paint): string[] {
  const { table, chunks, unchangedUnits, schemaChanges, sampledRows, sampledQuarantined, failure } = object;
  const title = paint.bold(object.object === asset ? asset : `${asset}/${object.object}`);
  if (failure) return [`${title} → ${table}: ${paint.bad(failure.message)} ${paint.dim(`(${failure.code})`)}`, ''];
  const unchanged = unchangedUnits > 0 ? `, ${formatPlural(unchangedUnits, 'file')} unchanged and left out` : '';
  const lines = [
    chunks === 0
      ? `${title} → ${table}: nothing new in the source${unchanged}`
      : `${title} → ${table}: ${formatPlural(chunks, 'chunk')} to read${unchanged}`,
    ...object.notes.map((note) => `  ${note}`),
    ...schemaChanges.map((change) => `  schema: ${change}`),
  ];
  if (sampledRows !== undefined) {
    const bad = sampledQuarantined
      ? paint.warn(`, ${formatCount(sampledQuarantined)} for quarantine`)
      : ', none for quarantine';
    lines.push(`  sample: ${formatPlural(sampledRows, 'row')}${bad}`);
  }
  return [...lines, ...columnLines(object, paint), ''];
}

/** The columns of an object with their types, as a table with an indent. */
export function columnLines({ columns }: Pick<ObjectDryRun, 'columns'>, paint: Paint): string[] {
  const rows = columns.map(({ name, type, required }) => [name, typeName(type), required ? 'required' : '']);
  const [title = '', ...lines] = tableLines([{ title: 'column' }, { title: 'type' }, { title: '' }], rows);
  return [paint.dim(`  ${title}`), ...lines.map((line) => `  ${line}`)];
}
