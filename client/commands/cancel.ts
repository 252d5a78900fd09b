import type { CommandContext, CommandDefinition } from '../command.ts';
import { isSet, printJson, sayTo } from '../command.ts';
import type { ExitCode } from '../exit-code.ts';
import { EXIT } from '../exit-code.ts';
import { findRun, noRuns } from '../find-run.ts';
import { endingOf } from '../finish-run.ts';
import type { FinishedRun } from '../run-summary.ts';
import { summaryLines } from '../run-summary.ts';
import { mayHaveRuns, openSession } from '../session.ts';
import { painter } from '../terminal.ts';
import { endedServerWords, linkOpens } from '../ui-note.ts';
import { workflowLink } from '../workflow-link.ts';

export const cancelCommand: CommandDefinition = {
  name: 'cancel',
  summary: 'cancel a run, and wait until it has cleaned up',
  examples: ['dativo cancel orders', 'dativo cancel ingest/default/orders'],
  declare: (command) =>
    command
      .argument('<run>', 'run id, asset, or ingest/<tenant>/<asset>')
      .addHelpText('after', '\nWhat the run committed before stays. A run that has ended already is left as it is.'),
  async run(context, [named], options) {
    if (!(await mayHaveRuns(context))) throw noRuns();
    const { run, before } = await cancelRun(context, String(named));
    const opens = await linkOpens(context, [run.url]);
    return tell(context, run, { before, opens, json: isSet(options, 'json') });
  },
};

interface Cancelled {
  readonly run: FinishedRun;
  /** It had ended before it was to be cancelled. */
  readonly before: boolean;
}

async function cancelRun(context: CommandContext, named: string): Promise<Cancelled> {
  // A run that was left behind needs a worker to clean up after it: with our own server, that is us.
  await using session = await openSession(context, { worker: 'embedded' });
  const found = await findRun(session.client, named);
  const { workflowId, runId, asset, tenant, startedAt, endedAt } = found;
  if (endedAt === undefined) {
    sayTo(context)(`Cancelling ${workflowId}, run ${runId}; waiting until it has cleaned up.`);
    await session.client.workflow.getHandle(workflowId, runId).cancel();
  }
  const ending = await Promise.race([endingOf(session.client, workflowId, runId), session.broken]);
  const ended = endedAt === undefined ? Date.now() : Date.parse(endedAt);
  const url = workflowLink(session.server, workflowId, runId);
  const run: FinishedRun = {
    asset,
    tenant,
    workflowId,
    runId,
    elapsedMs: ended - Date.parse(startedAt),
    ...(url === undefined ? {} : { url }),
    ...ending,
  };
  return { run, before: endedAt !== undefined };
}

function tell(
  context: CommandContext,
  run: FinishedRun,
  { before, opens, json }: { before: boolean; opens: boolean | undefined; json: boolean },
): ExitCode {
  if (json) {
    printJson(context, { ...run, endedBefore: before, ...(opens === undefined ? {} : { linksOpen: opens }) });
    return EXIT.success;
  }
  const { out } = context.terminal;
  if (before) out.write('This run had ended before; there was nothing to cancel.\n');
  else if (run.state !== 'cancelled') out.write('The run ended before it could be cancelled.\n');
  out.write(`${summaryLines(run, painter(out.isColoured)).slice(1).join('\n')}\n`);
  if (opens === false) out.write(`${endedServerWords(context, 1)}\n`);
  return EXIT.success;
}
