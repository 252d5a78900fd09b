import { existsSync } from 'node:fs';
import path from 'node:path';
import { absoluteLocation, isRemote } from '../config/job-paths.ts';
import { valueAt } from '../config/json-tree.ts';
import { openStoredJob } from '../config/open-job.ts';
import type { LoadedJob } from '../config/validate.ts';
import type { LakeAddress } from '../contracts/lake-view.ts';
import type { CommandContext } from './command.ts';
import { textOption } from './command.ts';
import type { KnownLake } from './home.ts';
import { knownLakes } from './home.ts';
import { checkJobs, reportProblems } from './load-jobs.ts';
import { usage } from './usage.ts';

const USUAL_LAKE = 'warehouse';

/** The lake that a job writes to. Fails with SECRET_* or as a section of a stored job that is opened. */
export async function lakeAddressOf({ stored }: LoadedJob, env: NodeJS.ProcessEnv): Promise<LakeAddress> {
  const target = stored.job['target'] ?? null;
  const { readSecrets } = await import('../worker/secrets.ts');
  const secrets = await readSecrets(target, env);
  const { warehouse, catalog, namespace, storage } = openStoredJob(stored, { env, secrets }).target();
  return { warehouse, namespace, catalog, ...(storage === undefined ? {} : { storage }) };
}

/** The same lake, as it can be remembered. */
export function knownLakeOf({ stored, file }: LoadedJob, env: NodeJS.ProcessEnv): KnownLake {
  const { warehouse } = openStoredJob(stored, { env }).place();
  const written = (key: string) => valueAt(stored.job['target'], key.split('.'));
  const isEmbedded = (written('catalog.type') ?? 'sqlite') === 'sqlite' && written('catalog.uri') === undefined;
  const isPlain = isEmbedded && written('storage') === undefined;
  return isPlain ? { warehouse } : { warehouse, job: path.resolve(file) };
}

/** True when no lake is named, and none can be meant: nothing was written from here yet. */
export async function knowsNoLake(
  context: CommandContext,
  options: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const named = textOption(options, 'job') ?? textOption(options, 'warehouse') ?? context.env['DATIVO_WAREHOUSE'];
  return !named && !existsSync(USUAL_LAKE) && (await knownLakes(context)).length === 0;
}

/** A lake, and a job that writes to it where one is known: it tells others how the lake is reached. */
export interface ChosenLake {
  readonly lake: LakeAddress;
  readonly job?: LoadedJob;
}

/** The lake that a command should look at, as `chooseLakeAndJob` has it. */
export async function chooseLake(
  context: CommandContext,
  options: Readonly<Record<string, unknown>>,
  json: boolean,
): Promise<LakeAddress | undefined> {
  return (await chooseLakeAndJob(context, options, json))?.lake;
}

/**
 * The lake that a command should work on: `--warehouse`, the one of `--job`, DATIVO_WAREHOUSE, `./warehouse`, or the
 * only one that jobs were run on from here. Undefined after the problems of the job file were reported.
 * Throws USAGE when none or several could be meant.
 */
export async function chooseLakeAndJob(
  context: CommandContext,
  options: Readonly<Record<string, unknown>>,
  json: boolean,
): Promise<ChosenLake | undefined> {
  const job = textOption(options, 'job');
  if (job !== undefined) return lakeOfFile(context, job, json);
  const named = textOption(options, 'warehouse') ?? context.env['DATIVO_WAREHOUSE'];
  const known = await knownLakes(context);
  if (named) return lakeAt(context, absoluteLocation(named, process.cwd()), known, json);
  const usual = path.resolve(USUAL_LAKE);
  if (existsSync(usual)) return lakeAt(context, usual, known, json);
  const [only, ...others] = known;
  if (only && others.length === 0) return lakeAt(context, only.warehouse, known, json);
  throw usage(
    only
      ? `${known.length} lakes that jobs were run on from here`
      : 'no lake: there is no ./warehouse, and no job was run from here',
    'one lake',
    'name it with --warehouse <folder> or --job <job file>',
  );
}

/** The lake of a job file; undefined after its problems were reported. */
async function lakeOfFile(context: CommandContext, file: string, json: boolean): Promise<ChosenLake | undefined> {
  const { jobs, problems } = await checkJobs(context, [file], 'deferred');
  if (problems.length > 0) reportProblems(context, problems, json);
  const [job] = jobs;
  return job && { job, lake: await lakeAddressOf(job, context.env) };
}

/** A lake that was run on before is known better than by its folder alone: its catalog may be elsewhere. */
async function lakeAt(
  context: CommandContext,
  warehouse: string,
  known: readonly KnownLake[],
  json: boolean,
): Promise<ChosenLake | undefined> {
  const job = known.find((lake) => lake.warehouse === warehouse)?.job;
  if (job === undefined && isRemote(warehouse)) {
    throw usage(
      `the lake ${warehouse}, which no job was run on from here`,
      'a job that tells its catalog and how it is reached',
      'name one that writes to it with --job <job file>',
    );
  }
  if (job === undefined) return { lake: { warehouse } };
  const chosen = await lakeOfFile(context, job, json);
  if (chosen === undefined) return undefined;
  // Its tables are not that job's alone.
  const { namespace: _namespace, ...lake } = chosen.lake;
  return { ...chosen, lake };
}
