import type { CommandDefinition } from '../command.ts';
import { isSet, printJson, sayTo } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { findRun } from '../find-run.ts';
import { endingOf } from '../finish-run.ts';
import { openSession } from '../session.ts';

export const cancelCommand: CommandDefinition = {
  name: 'cancel',
  summary: 'cancel a run, and wait until it has cleaned up',
  examples: ['dativo cancel orders', 'dativo cancel ingest/default/orders'],
  declare: (command) => command.argument('<run>', 'run id, asset, or ingest/<tenant>/<asset>'),
  async run(context, [named], options) {
    // A run that was left behind needs a worker to clean up after it: with our own server, that is us.
    await using session = await openSession(context, { worker: 'embedded' });
    const run = await findRun(session.client, String(named));
    if (run.endedAt === undefined) {
      sayTo(context)(`Cancelling ${run.workflowId}; waiting until it has cleaned up.`);
      await session.client.workflow.getHandle(run.workflowId, run.runId).cancel();
    }
    const { state } = await Promise.race([endingOf(session.client, run.workflowId, run.runId), session.broken]);
    if (isSet(options, 'json')) printJson(context, { workflowId: run.workflowId, runId: run.runId, state });
    else {
      const words =
        run.endedAt === undefined
          ? state === 'cancelled'
            ? 'cancelled'
            : `ended before it could be cancelled: ${state}`
          : `had ended already: ${state}`;
      context.terminal.out.write(`${run.workflowId}: ${words}.\n`);
    }
    return EXIT.success;
  },
};
