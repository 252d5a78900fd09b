import type { CommandDefinition } from '../command.ts';
import { isSet } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { interrupted } from '../interrupts.ts';
import { openSession } from '../session.ts';

export const workerCommand: CommandDefinition = {
  name: 'worker',
  summary: 'work for a Temporal server until SIGTERM or Ctrl-C',
  examples: [
    'TEMPORAL_ADDRESS=temporal.internal:7233 dativo worker',
    'TEMPORAL_PROFILE=cloud DATIVO_MEMORY=2GB dativo worker',
  ],
  declare: (command) =>
    command.addHelpText(
      'after',
      "\nThe server is TEMPORAL_ADDRESS, or a profile of Temporal's own configuration file, else the dev server of this" +
        '\nfolder. DATIVO_MEMORY and DATIVO_HEAVY_ACTIVITIES bound what it takes. It finishes or hands over its work first.',
    ),
  async run(context, _args, options) {
    await using session = await openSession(context, { worker: 'always' });
    const stopped = interrupted();
    await Promise.race([session.ready, session.broken]);
    const { address, namespace } = session.server;
    const { out, err } = context.terminal;
    if (isSet(options, 'json')) out.write(`${JSON.stringify({ address, namespace, workerLog: session.workerLog })}\n`);
    else out.write(`Working for ${address}, namespace ${namespace}; log in ${session.workerLog}.\n`);
    await Promise.race([stopped, session.broken]);
    err.write('Stopping: work that runs is finished or handed over.\n');
    return EXIT.success;
  },
};
