import { formatDuration } from '../../contracts/figures.ts';
import type { LakeAddress, RunRecordEntry } from '../../contracts/lake-view.ts';
import type { CommandContext, CommandDefinition } from '../command.ts';
import { isSet, printJson } from '../command.ts';
import { currentDetails } from '../current-details.ts';
import type { ExitCode } from '../exit-code.ts';
import { EXIT, exitCodeOfRuns } from '../exit-code.ts';
import { findRun, noRuns, RUN_ID, runNotFound } from '../find-run.ts';
import { endingOf } from '../finish-run.ts';
import { chooseLake, knowsNoLake } from '../lake.ts';
import { recordLines } from '../record-lines.ts';
import { runsOfRecords, stateColour } from '../run-list.ts';
import type { FinishedRun } from '../run-summary.ts';
import { summaryLines } from '../run-summary.ts';
import type { Session } from '../session.ts';
import { joinSession } from '../session.ts';
import { painter } from '../terminal.ts';
import { workflowLink } from '../workflow-link.ts';

export const statusCommand: CommandDefinition = {
  name: 'status',
  summary: "say where a run is, in the words of Temporal's UI; by default the newest",
  examples: ['dativo status', 'dativo status orders', 'dativo status ingest/default/orders --json'],
  declare: (command) =>
    command
      .argument('[run]', 'run id, asset, or ingest/<tenant>/<asset>')
      .option('--warehouse <folder>', 'read the run records of this lake')
      .option('--job <file>', 'read the run records of the lake of this job')
      .addHelpText(
        'after',
        '\nExit codes: 0 the run succeeded or goes on, 1 it failed or was cancelled, 2 there is no such run, 3 partial.' +
          '\nWhile no Temporal server runs, the run records of the lake are read, which know the runs that have ended.',
      ),
  async run(context, [named], options) {
    const json = isSet(options, 'json');
    const run = typeof named === 'string' ? named : undefined;
    const fromLake = options['warehouse'] !== undefined || options['job'] !== undefined;
    await using session = fromLake ? undefined : await joinSession(context);
    // Awaited here: the session ends with this block.
    if (session) return await statusFromTemporal(context, session, run, json);
    return statusFromLake(context, options, run, json);
  },
};

async function statusFromTemporal(
  context: CommandContext,
  session: Session,
  named: string | undefined,
  json: boolean,
): Promise<ExitCode> {
  const { client, server } = session;
  const run = await findRun(client, named);
  const { workflowId, runId } = run;
  const url = workflowLink(server, workflowId, runId);
  const { out } = context.terminal;
  const paint = painter(out.isColoured);
  if (run.endedAt !== undefined) {
    const finished: FinishedRun = {
      asset: run.asset,
      tenant: run.tenant,
      workflowId,
      runId,
      elapsedMs: Date.parse(run.endedAt) - Date.parse(run.startedAt),
      ...(url === undefined ? {} : { url }),
      ...(await endingOf(client, workflowId, runId)),
    };
    if (json) printJson(context, finished);
    else out.write(`${summaryLines(finished, paint).slice(1).join('\n')}\n`);
    return exitCodeOfRuns([finished.state]);
  }
  const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
  const children = (raw.pendingChildren ?? []).map((child) => child.workflowId ?? '').filter((id) => id !== '');
  const [details, ...objects] = await Promise.all([workflowId, ...children].map((id) => currentDetails(client, id)));
  if (json) {
    printJson(context, {
      ...run,
      url: url ?? null,
      details: details ?? null,
      objects: objects.filter((text) => text !== undefined),
    });
    return EXIT.success;
  }
  const took = formatDuration(Date.now() - Date.parse(run.startedAt));
  out.write(`${paint.bold(workflowId)} ${stateColour(run.state, paint)(run.state)} for ${took}\n`);
  for (const text of [details, ...objects]) out.write(`  ${text ?? paint.dim('no worker answers just now')}\n`);
  out.write(url ? `Temporal: ${paint.name(url)}\n` : `Temporal: workflow ${workflowId}, run ${runId}\n`);
  return EXIT.success;
}

async function statusFromLake(
  context: CommandContext,
  options: Readonly<Record<string, unknown>>,
  named: string | undefined,
  json: boolean,
): Promise<ExitCode> {
  if (await knowsNoLake(context, options)) throw noRuns();
  const lake = await chooseLake(context, options, json);
  if (!lake) return EXIT.usage;
  const records = await newestRecords(lake, named);
  if (records.length === 0) throw runNotFound(named);
  if (json) printJson(context, { source: 'lake', records });
  else {
    const paint = painter(context.terminal.out.isColoured);
    context.terminal.out.write(`${recordLines(records, paint).join('\n')}\n`);
  }
  return exitCodeOfRuns(runsOfRecords(records).map(({ state }) => state));
}

/** Far enough back for an asset that is not run often. */
const RUNS_LOOKED_AT = 500;

/** The records of one run: all objects of the run id, or of the newest run of the asset. */
async function newestRecords(lake: LakeAddress, named: string | undefined): Promise<RunRecordEntry[]> {
  const { listRunRecords } = await import('../../worker/lake/run-records.ts');
  if (named !== undefined && RUN_ID.test(named)) return listRunRecords(lake, { runId: named });
  const asset = named?.split('/').at(-1);
  const records = await listRunRecords(lake, { runs: asset === undefined ? 1 : RUNS_LOOKED_AT });
  const newest = records.find((record) => asset === undefined || record.asset === asset);
  return records.filter(({ runId }) => runId === newest?.runId);
}
