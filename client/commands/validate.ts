import { formatPlural } from '../../contracts/figures.ts';
import type { CommandDefinition } from '../command.ts';
import { isSet, printJson, textList } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { checkJobs } from '../load-jobs.ts';
import { painter } from '../terminal.ts';

export const validateCommand: CommandDefinition = {
  name: 'validate',
  summary: 'check job files, and say everything that is wrong at once',
  examples: ['dativo validate job.yaml', 'dativo validate jobs/*.yaml --json', 'dativo validate job.yaml --sample'],
  declare: (command) =>
    command
      .argument('<files...>', 'job files')
      .option('--sample', 'read a bounded sample of the sources too, and show their format, columns and types'),
  async run(context, [files], options) {
    const json = isSet(options, 'json');
    const sample = isSet(options, 'sample');
    // A variable may be set only where the job runs; whoever asks for a sample runs it here.
    const { jobs, problems, notices } = await checkJobs(context, textList(files), sample ? 'required' : 'deferred');
    const samples = sample && problems.length === 0 ? await sampleAll(context.env, jobs) : [];
    if (json) {
      const valid = jobs.map(({ file, tenant, asset, objects, digest }) => ({ file, tenant, asset, objects, digest }));
      printJson(context, {
        valid: problems.length === 0,
        jobs: valid,
        problems,
        notices,
        ...(sample ? { samples } : {}),
      });
      return problems.length === 0 ? EXIT.success : EXIT.usage;
    }
    const { out } = context.terminal;
    const paint = painter(out.isColoured);
    const { formatProblem } = await import('../../config/problem.ts');
    for (const found of problems) out.write(`${formatProblem(found)}\n`);
    for (const notice of notices) out.write(`${paint.dim('note:')} ${formatProblem(notice)}\n`);
    for (const { file, asset, objects } of jobs) {
      out.write(`${file}: ${paint.good('valid')}, asset ${asset}, ${formatPlural(objects.length, 'object')}\n`);
    }
    const { columnLines } = await import('../dry-run.ts');
    for (const { file, objects } of samples) {
      for (const object of objects) {
        out.write(`\n${paint.bold(object.object)} ${paint.dim(file)}\n`);
        out.write([...object.notes.map((note) => `  ${note}`), ...columnLines(object, paint), ''].join('\n'));
      }
    }
    if (problems.length > 0) out.write(`${paint.bad(formatPlural(problems.length, 'problem'))}\n`);
    return problems.length === 0 ? EXIT.success : EXIT.usage;
  },
};

async function sampleAll(env: NodeJS.ProcessEnv, jobs: Awaited<ReturnType<typeof checkJobs>>['jobs']) {
  const { sampleSources } = await import('../../worker/dry-run.ts');
  const samples = [];
  for (const job of jobs) samples.push({ file: job.file, objects: await sampleSources(job, env) });
  return samples;
}
