import type { DeploymentVersion } from '../../worker/deployment.ts';
import type { CommandDefinition } from '../command.ts';
import { isSet } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { interrupted } from '../interrupts.ts';
import type { Promotion } from '../promote.ts';
import { promoteBuild } from '../promote.ts';
import { openSession } from '../session.ts';
import { usage } from '../usage.ts';

export const workerCommand: CommandDefinition = {
  name: 'worker',
  summary: 'work for a Temporal server until SIGTERM or Ctrl-C',
  examples: [
    'TEMPORAL_ADDRESS=temporal.internal:7233 dativo worker',
    'TEMPORAL_PROFILE=cloud DATIVO_MEMORY=2GB dativo worker',
  ],
  declare: (command) =>
    command
      .option('--promote', 'give new runs to the build of this worker; those that go on stay with theirs')
      .addHelpText(
        'after',
        "\nThe server is TEMPORAL_ADDRESS, or a profile of Temporal's own configuration file, else the dev server of this" +
          '\nfolder. DATIVO_MEMORY and DATIVO_HEAVY_ACTIVITIES bound what it takes; DATIVO_HOST is the name of this machine.' +
          '\nWith DATIVO_DEPLOYMENT, a run ends on the build that it was started on. It finishes or hands over its work first.',
      ),
  async run(context, _args, options) {
    await using session = await openSession(context, { worker: 'always' });
    const stopped = interrupted();
    const { address, namespace } = session.server;
    const worker = await Promise.race([session.ready, session.broken]);
    const version = worker?.version;
    if (isSet(options, 'promote') && !version) throw notVersioned();
    const promotion =
      version && (await promoteBuild(session.connection, namespace, version, isSet(options, 'promote')));
    const { out, err } = context.terminal;
    if (isSet(options, 'json')) {
      const deployment = version && { ...version, ...promotion };
      const { workerLog } = session;
      out.write(`${JSON.stringify({ address, namespace, workerLog, ...(deployment ? { deployment } : {}) })}\n`);
    } else {
      out.write(`Working for ${address}, namespace ${namespace}; log in ${session.workerLog}.\n`);
      if (version && promotion) out.write(`${inWords(version, promotion)}\n`);
    }
    await Promise.race([stopped, session.broken]);
    err.write('Stopping: work that runs is finished or handed over.\n');
    return EXIT.success;
  },
};

function inWords({ deploymentName, buildId }: DeploymentVersion, { current, before }: Promotion): string {
  const build = `Build ${buildId} of ${deploymentName}`;
  if (!current)
    return `${build}: new runs still start on ${before}, until a worker of this one is started with --promote.`;
  const others = before === undefined || before === buildId ? '' : `, and no longer on ${before}`;
  return `${build}: new runs start on it${others}.`;
}

function notVersioned() {
  return usage(
    '--promote without DATIVO_DEPLOYMENT',
    'the name of a deployment on a configured Temporal server',
    'set DATIVO_DEPLOYMENT for all workers, or leave --promote out',
  );
}
