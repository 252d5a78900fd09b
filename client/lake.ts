import { existsSync } from 'node:fs';
import path from 'node:path';
import { openStoredJob } from '../config/open-job.ts';
import type { LoadedJob } from '../config/validate.ts';
import type { LakeAddress } from '../contracts/lake-view.ts';
import type { CommandContext } from './command.ts';
import { textOption } from './command.ts';
import type { KnownLake } from './home.ts';
import { knownLakes } from './home.ts';
import { checkJobs, reportProblems } from './load-jobs.ts';
import { usage } from './usage.ts';

/** The lake that a job writes to. */
export function lakeAddressOf(job: LoadedJob, env: NodeJS.ProcessEnv): LakeAddress {
  const { warehouse, catalog, namespace } = openStoredJob(job.stored, { env }).target();
  return { warehouse, namespace, ...(catalog.uri === undefined ? {} : { catalogUri: catalog.uri }) };
}

/**
 * The lake that a command should look at: `--warehouse`, the one of `--job`, DATIVO_WAREHOUSE, `./warehouse`, or the
 * only one that jobs were run on from here. Undefined after the problems of the job file were reported.
 * Throws USAGE when none or several could be meant.
 */
export async function chooseLake(
  context: CommandContext,
  options: Readonly<Record<string, unknown>>,
  json: boolean,
): Promise<LakeAddress | undefined> {
  const job = textOption(options, 'job');
  if (job !== undefined) {
    const { jobs, problems } = await checkJobs(context, [job], 'deferred');
    reportProblemsIfAny(context, problems, json);
    return jobs[0] && lakeAddressOf(jobs[0], context.env);
  }
  const named = textOption(options, 'warehouse') ?? context.env['DATIVO_WAREHOUSE'];
  const known = await knownLakes(context);
  if (named) return withCatalog({ warehouse: path.resolve(named) }, known);
  const usual = path.resolve('warehouse');
  if (existsSync(usual)) return withCatalog({ warehouse: usual }, known);
  const [only, ...others] = known;
  if (only && others.length === 0) return only;
  throw usage(
    only
      ? `${known.length} lakes that jobs were run on from here`
      : 'no lake: there is no ./warehouse, and no job was run from here',
    'one lake',
    'name it with --warehouse <folder> or --job <job file>',
  );
}

function reportProblemsIfAny(
  context: CommandContext,
  problems: Parameters<typeof reportProblems>[1],
  json: boolean,
): void {
  if (problems.length > 0) reportProblems(context, problems, json);
}

/** A lake that was run on before is known better than by its folder alone: its catalog may be elsewhere. */
function withCatalog(lake: LakeAddress, known: readonly KnownLake[]): LakeAddress {
  return known.find(({ warehouse }) => warehouse === lake.warehouse) ?? lake;
}
