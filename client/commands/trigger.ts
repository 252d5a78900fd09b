import { ingestWorkflowId } from '../../contracts/ids.ts';
import type { CommandContext, CommandDefinition } from '../command.ts';
import { isSet, printJson, sayTo } from '../command.ts';
import type { ExitCode } from '../exit-code.ts';
import { EXIT, exitCodeOfRuns } from '../exit-code.ts';
import { endingOf } from '../finish-run.ts';
import { interrupted } from '../interrupts.ts';
import { jobName } from '../job-name.ts';
import type { FinishedRun } from '../run-summary.ts';
import { summaryLines } from '../run-summary.ts';
import { lastingSession } from '../schedule-session.ts';
import type { KnownSchedule } from '../schedule-store.ts';
import type { Session } from '../session.ts';
import { painter } from '../terminal.ts';
import type { Triggered, TriggerState } from '../trigger.ts';
import { workflowLink } from '../workflow-link.ts';

export const triggerCommand: CommandDefinition = {
  name: 'trigger',
  summary: 'run a job, or maintain a table, now as its schedule would, on the workers of the server',
  examples: ['dativo trigger orders', 'dativo trigger acme/orders --wait', 'dativo trigger maintain/shop.orders'],
  declare: (command) =>
    command
      .argument('<job>', 'asset, <tenant>/<asset>, or maintain/<namespace>.<table>')
      .option('--wait', 'wait for the end of the run; Ctrl-C leaves it going')
      .addHelpText(
        'after',
        '\nA schedule that is paused is triggered too. While another run of the asset goes on, `schedule.overlap` says what happens.' +
          '\nExit codes: 0 started (with --wait: succeeded), 1 not started or failed, 2 wrong command line, 3 partial.',
      ),
  async run(context, [job], options) {
    await using session = await lastingSession(context);
    const { client } = session;
    const { findSchedule } = await import('../find-schedule.ts');
    const known = await findSchedule(client, String(job));
    if (known.kind === 'maintenance') {
      const { triggerMaintenance } = await import('../trigger-maintenance.ts');
      // Awaited here: the session ends with this function.
      return await triggerMaintenance(context, session, known, {
        waits: isSet(options, 'wait'),
        json: isSet(options, 'json'),
      });
    }
    const { triggerSchedule, followTrigger } = await import('../trigger.ts');
    const triggered = await triggerSchedule(client, known);
    const state: TriggerState = triggered
      ? await followTrigger(client, triggered, known)
      : { kind: 'waiting', words: 'the server has not started it yet' };
    const json = isSet(options, 'json');
    const waits = isSet(options, 'wait') && triggered !== undefined && state.kind !== 'ended';
    return waits
      ? await waitForEnd(context, session, known, { triggered, state, json })
      : report(context, session, known, state, json);
  },
};

async function waitForEnd(
  context: CommandContext,
  { client, server }: Session,
  known: KnownSchedule,
  { triggered, state, json }: { triggered: Triggered; state: TriggerState; json: boolean },
): Promise<ExitCode> {
  const { tenant, asset } = known;
  sayTo(context)(state.kind === 'waiting' ? state.words : `${jobName(known)}: started; waiting for its end.`);
  const ended = client.workflow
    .getHandle(triggered.workflowId, triggered.runId)
    .result()
    .then(
      () => 'ended' as const,
      // How it ended is asked of the run itself.
      () => 'ended' as const,
    );
  if ((await Promise.race([ended, interrupted()])) !== 'ended') {
    sayTo(context)(`The run goes on; cancel it with \`dativo cancel ${asset}\`.`);
    return EXIT.interrupted;
  }
  const { followTrigger } = await import('../trigger.ts');
  const end = await followTrigger(client, triggered, known);
  if (end.kind !== 'started') return report(context, { server }, known, end, json);
  const workflowId = ingestWorkflowId(tenant, asset);
  const { startTime, closeTime } = await client.workflow.getHandle(workflowId, end.runId).describe();
  const url = workflowLink(server, workflowId, end.runId);
  const finished: FinishedRun = {
    tenant,
    asset,
    workflowId,
    runId: end.runId,
    elapsedMs: (closeTime ?? new Date()).getTime() - startTime.getTime(),
    ...(url === undefined ? {} : { url }),
    ...(await endingOf(client, workflowId, end.runId)),
  };
  const { out } = context.terminal;
  if (json) printJson(context, finished);
  else out.write(`${summaryLines(finished, painter(out.isColoured)).slice(1).join('\n')}\n`);
  return exitCodeOfRuns([finished.state]);
}

function report(
  context: CommandContext,
  { server }: Pick<Session, 'server'>,
  known: KnownSchedule,
  state: TriggerState,
  json: boolean,
): ExitCode {
  const { tenant, asset } = known;
  const name = jobName(known);
  if (json) printJson(context, { tenant, asset, ...state });
  else if (state.kind === 'started') {
    const url = workflowLink(server, ingestWorkflowId(tenant, asset), state.runId);
    context.terminal.out.write(
      `${name}: started, run ${state.runId}.${url ? ` ${url}` : ''}\nNext: dativo status ${asset}\n`,
    );
  } else if (state.kind === 'waiting') context.terminal.out.write(`${state.words}\n`);
  else if (state.state === 'skipped') {
    context.terminal.out.write(`${name}: skipped: a run of it goes on, or its window was run before.\n`);
  } else context.terminal.out.write(`${name}: ${state.state} before a run was started.\n`);
  return state.kind === 'ended' ? EXIT.failed : EXIT.success;
}
