import type { Problem } from '../config/problem.ts';
import { formatProblem, sortProblems } from '../config/problem.ts';
import type { LoadedJob } from '../config/validate.ts';
import { ingestWorkflowId } from '../contracts/ids.ts';
import type { CommandContext } from './command.ts';
import { printJson } from './command.ts';
import { usage } from './usage.ts';

export interface JobCheck {
  readonly jobs: readonly LoadedJob[];
  /** Of all files, in their order. */
  readonly problems: readonly Problem[];
  readonly notices: readonly Problem[];
}

/** Checks all job files at once; `variables` as in `validateJob`. */
export async function checkJobs(
  { env }: CommandContext,
  files: readonly string[],
  variables: 'required' | 'deferred',
): Promise<JobCheck> {
  const { validateJob } = await import('../config/validate.ts');
  const results = await Promise.all(files.map((file) => validateJob(file, { env, variables })));
  return {
    jobs: results.flatMap(({ job }) => (job ? [job] : [])),
    problems: sortProblems(results.flatMap(({ problems }) => problems)),
    notices: results.flatMap(({ notices }) => notices),
  };
}

/** Says what is wrong, where the user looks for it: beside the output, and in it as JSON. */
export function reportProblems(context: CommandContext, problems: readonly Problem[], json: boolean): void {
  for (const found of problems) context.terminal.err.write(`${formatProblem(found)}\n`);
  if (json) printJson(context, { problems });
}

/** Two jobs of one name would be one run, and the second would be lost. Throws USAGE. */
export function refuseTwins(jobs: readonly LoadedJob[]): void {
  const seen = new Map<string, LoadedJob>();
  for (const job of jobs) {
    const id = ingestWorkflowId(job.tenant, job.asset);
    const twin = seen.get(id);
    if (twin) {
      throw usage(
        `${twin.file} and ${job.file}, which both fill the asset ${job.asset} of tenant ${job.tenant}`,
        'jobs with different assets',
        'give one of them another `asset:`, or run them one after the other',
      );
    }
    seen.set(id, job);
  }
}
