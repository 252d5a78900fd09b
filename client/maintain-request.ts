import type { LoadedJob } from '../config/validate.ts';
import { formatPlural } from '../contracts/figures.ts';
import { DEFAULT_TENANT } from '../contracts/ids.ts';
import type { LakeAddress, TableEntry } from '../contracts/lake-view.ts';
import type {
  MaintenanceInput,
  MaintenanceSettings,
  MaintenanceState,
  MaintenanceStep,
} from '../contracts/maintenance.ts';
import type { JobReference } from '../contracts/run.ts';
import type { CommandContext } from './command.ts';
import { printJson, sayTo } from './command.ts';
import { confirm, requireSomebody } from './confirm.ts';
import type { ExitCode } from './exit-code.ts';
import { EXIT } from './exit-code.ts';
import type { ChosenLake } from './lake.ts';
import type { EndedMaintenance } from './maintain.ts';
import { maintenanceLines } from './maintenance-lines.ts';
import { painter } from './terminal.ts';

/** What a command wants to be done to tables of a lake. */
export interface MaintainRequest extends ChosenLake {
  /** Names of tables; every table of the lake, or of its namespace, where there are none. */
  readonly names: readonly string[];
  readonly steps: readonly MaintenanceStep[];
  readonly settings: MaintenanceSettings;
  /** Say what would be done, and no more. */
  readonly dryRun: boolean;
  /** Do not show first what would be done, nor ask. */
  readonly yes: boolean;
  /** Work on this machine although a server is configured. */
  readonly withWorker: boolean;
  readonly json: boolean;
}

/**
 * Maintains tables: first shows what would be done and asks, unless `yes` says not to. Throws USAGE where nobody can
 * answer, TABLE_NOT_FOUND.
 */
export async function maintainOnRequest(context: CommandContext, request: MaintainRequest): Promise<ExitCode> {
  const { lake, job, dryRun, yes, json } = request;
  if (!dryRun && !yes) requireSomebody(context);
  const tables = await tablesOf(lake, request.names);
  const inputs = await inputsOf(context, request, tables, job);
  const { openSession } = await import('./session.ts');
  const { maintainTables } = await import('./maintain-tables.ts');
  await using session = await openSession(context, { worker: request.withWorker ? 'always' : 'embedded' });
  const maintain = (asDryRun: boolean) =>
    maintainTables(
      context,
      session,
      inputs.map((input) => ({ ...input, dryRun: asDryRun })),
    );
  const show = (ended: readonly EndedMaintenance[]) => {
    const { out } = context.terminal;
    const paint = painter(out.isColoured);
    for (const one of ended) out.write(`${maintenanceLines(one, paint).join('\n')}\n`);
  };

  if (dryRun || !yes) {
    const rehearsed = await maintain(true);
    if (!json) show(rehearsed);
    const changing = rehearsed.filter(({ state }) => state === 'success' || state === 'partial');
    if (dryRun || changing.length === 0) {
      if (json) printJson(context, { dryRun: true, tables: rehearsed });
      return exitCodeOf(inputs, rehearsed);
    }
    if (!(await confirm(context, `${formatPlural(changing.length, 'table')} to maintain. Go on?`))) {
      sayTo(context)('Nothing was changed.');
      return EXIT.failed;
    }
  }
  const ended = await maintain(false);
  if (json) printJson(context, { dryRun: false, tables: ended });
  else show(ended);
  return exitCodeOf(inputs, ended);
}

async function tablesOf(lake: LakeAddress, names: readonly string[]): Promise<TableEntry[]> {
  const { allTables, namedTables } = await import('../worker/lake/tables.ts');
  return names.length > 0 ? namedTables(lake, names) : allTables(lake);
}

async function inputsOf(
  { env }: CommandContext,
  { lake, steps, settings }: MaintainRequest,
  tables: readonly TableEntry[],
  job: LoadedJob | undefined,
): Promise<MaintenanceInput[]> {
  const tenant = job?.tenant ?? DEFAULT_TENANT;
  const reference = await referenceOf(env, lake.warehouse, job, tenant);
  return tables.map(({ namespace, table }) => ({ job: reference, tenant, namespace, table, steps, settings }));
}

async function referenceOf(
  env: NodeJS.ProcessEnv,
  warehouse: string,
  job: LoadedJob | undefined,
  tenant: string,
): Promise<JobReference> {
  const { storeJob } = await import('../worker/job-store.ts');
  const { bindingHost } = await import('../worker/host.ts');
  const options = { env, host: await bindingHost(env) };
  if (job) return storeJob(job, options);
  const { lakeJob } = await import('../config/lake-job.ts');
  return storeJob(lakeJob(warehouse, tenant), options);
}

/** Of several tables: success when all are, failed when none is, else partial. */
function exitCodeOf(wanted: readonly MaintenanceInput[], ended: readonly EndedMaintenance[]): ExitCode {
  const states: readonly MaintenanceState[] = ended.map(({ state }) => state);
  const good = states.filter((state) => state === 'success' || state === 'unchanged').length;
  if (good === wanted.length) return EXIT.success;
  return good > 0 || states.includes('partial') ? EXIT.partial : EXIT.failed;
}
