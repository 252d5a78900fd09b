import type { CommandDefinition } from '../command.ts';
import { isSet } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { interrupted } from '../interrupts.ts';
import { openSession } from '../session.ts';
import { painter } from '../terminal.ts';
import { uiReady } from '../ui-ready.ts';
import { wholeNumber } from '../whole-number.ts';

const PORT = wholeNumber(1, 65_535);

export const devCommand: CommandDefinition = {
  name: 'dev',
  summary: "keep a dev server, a worker and Temporal's UI running until Ctrl-C",
  examples: ['dativo dev', 'dativo dev --port 7233 --ui-port 8233'],
  declare: (command) =>
    command
      .option('--port <port>', 'port of the Temporal server; default: a free one, the same every time', PORT)
      .option('--ui-port <port>', "port of Temporal's UI; default: a free one, the same every time", PORT),
  async run(context, _args, options) {
    const { port, uiPort } = options;
    const ports = { ...(typeof port === 'number' ? { port } : {}), ...(typeof uiPort === 'number' ? { uiPort } : {}) };
    await using session = await openSession(context, { worker: 'always', ports });
    const stopped = interrupted();
    await Promise.race([session.ready, session.broken]);
    const { address, namespace, kind, uiUrl } = session.server;
    // What is named next has to answer. The UI of a server of somebody else's is theirs to look after.
    if (kind === 'embedded' && uiUrl) await Promise.race([uiReady(uiUrl), stopped, session.broken]);
    const { out, err } = context.terminal;
    if (isSet(options, 'json')) {
      out.write(`${JSON.stringify({ address, namespace, uiUrl: uiUrl ?? null, workerLog: session.workerLog })}\n`);
    } else {
      const { name, bold } = painter(out.isColoured);
      out.write(`Temporal server  ${name(address)}, namespace ${namespace}\n`);
      if (uiUrl) out.write(`Temporal UI      ${name(uiUrl)}\n`);
      out.write(`Worker           running; log in ${session.workerLog}\n`);
      out.write(
        `Run a job from another terminal, in this folder: ${bold('dativo run job.yaml')}. Ctrl-C stops all of it.\n`,
      );
    }
    await Promise.race([stopped, session.broken]);
    err.write('Stopping.\n');
    return EXIT.success;
  },
};
