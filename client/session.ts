import { createWriteStream, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Client, Connection } from '@temporalio/client';
import type { DativoError } from '../contracts/errors.ts';
import { fail } from '../contracts/errors.ts';
import type { AcquiredServer, AcquireOptions } from '../worker/dev-server/dev-server.ts';
import type { RunningWorker } from '../worker/start-worker.ts';
import type { CommandContext } from './command.ts';
import { sayTo } from './command.ts';
import { homeFolder } from './home.ts';
import { asDativoError } from './report-error.ts';

/** A Temporal server with a client on it and, where this machine does the work, a worker. */
export interface Session extends AsyncDisposable {
  readonly server: AcquiredServer;
  readonly client: Client;
  readonly connection: Connection;
  /** Settles when the worker takes work, if there is one: a workflow can be started before that. */
  readonly ready: Promise<RunningWorker | undefined>;
  /** Whether this command does work itself. */
  readonly hasWorker: boolean;
  readonly workerLog: string;
  /** Rejects when the server or the worker ends while it is needed; never resolves. */
  readonly broken: Promise<never>;
}

export interface SessionOptions {
  /** `embedded`: only where the server is ours, because a configured one has workers of its own. */
  readonly worker: 'always' | 'embedded' | 'never';
  readonly ports?: AcquireOptions['ports'];
}

/** Finds or starts a server, connects to it, and starts a worker; in parallel where that is possible. */
export async function openSession(context: CommandContext, options: SessionOptions): Promise<Session> {
  const home = homeFolder(context);
  const acquiring = import('../worker/dev-server/dev-server.ts').then(({ acquireServer }) =>
    acquireServer({
      home,
      announce: sayTo(context),
      env: context.env,
      ...(options.ports === undefined ? {} : { ports: options.ports }),
    }),
  );
  // Loading these takes about as long as the server's start: do both at once.
  const loading = Promise.all([
    import('@temporalio/client'),
    (await worksHere(context, options)) ? import('../worker/start-worker.ts') : undefined,
  ]);
  const [acquired, loaded] = await Promise.allSettled([acquiring, loading]);
  if (acquired.status === 'rejected') throw acquired.reason;
  try {
    if (loaded.status === 'rejected') throw loaded.reason;
    return await useServer(context, acquired.value, options);
  } catch (error) {
    await acquired.value.release();
    throw error;
  }
}

async function worksHere({ env }: CommandContext, { worker }: SessionOptions): Promise<boolean> {
  if (worker !== 'embedded') return worker === 'always';
  const { configuredServer } = await import('../worker/dev-server/configured-server.ts');
  return (await configuredServer(env)) === undefined;
}

/** A session on a server that is there already. The server is released with the session. */
async function useServer(context: CommandContext, server: AcquiredServer, options: SessionOptions): Promise<Session> {
  const workerLog = path.join(homeFolder(context), 'worker.log');
  const withWorker = await worksHere(context, options);
  const { Client } = await import('@temporalio/client');
  const connecting = connect(server);
  const startWorker = () => startLoggedWorker(context, server, workerLog);
  // On a server of somebody else's, a worker is started once it is known to be there: it would try again for ever.
  const start = () => (server.kind === 'configured' ? connecting.then(startWorker) : startWorker());
  const starting = withWorker ? start() : undefined;
  const ready = Promise.resolve(starting);
  const never = new Promise<never>(() => {});
  const broken = Promise.race([
    server.lost.then((error) => Promise.reject(error)),
    Promise.resolve(starting)
      .then((worker) => worker?.finished)
      .then(() => never),
  ]);
  // Whoever waits for them sees the failure; until somebody does, it must not end the process.
  for (const awaited of [ready, broken]) awaited.catch(() => {});
  const connection = await connecting;
  return {
    server,
    client: new Client({ connection, namespace: server.namespace }),
    connection,
    ready,
    hasWorker: withWorker,
    workerLog,
    broken,
    async [Symbol.asyncDispose]() {
      await starting?.then((worker) => worker.shutdown()).catch(() => {});
      await connection.close();
      await server.release();
    },
  };
}

async function connect(server: AcquiredServer): Promise<Connection> {
  const { Connection } = await import('@temporalio/client');
  const connection = await Connection.connect(server.connection).catch((error: unknown) => {
    throw asConnectError(error, server.address);
  });
  if (server.kind === 'configured') await requireNamespace(connection, server);
  return connection;
}

/** `NOT_FOUND` of gRPC. */
const NOT_FOUND = 5;

/** Throws NAMESPACE_NOT_FOUND. That it may not be asked for is no news: what is needed may be allowed. */
async function requireNamespace(connection: Connection, { address, namespace }: AcquiredServer): Promise<void> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === NOT_FOUND)) return;
    await connection.close();
    throw fail('NAMESPACE_NOT_FOUND', {
      received: `no namespace "${namespace}" at ${address}`,
      expected: 'one that the server has',
      next: 'correct TEMPORAL_NAMESPACE or the profile, or create it with `temporal operator namespace create`',
    });
  }
}

/** The client says no more than that it did not come through; whether it was refused is told by its code. */
function asConnectError(error: unknown, address: string): DativoError {
  const known = asDativoError(error);
  if (known.code !== 'UNEXPECTED') return known;
  return fail('SERVER_UNREACHABLE', {
    received: `no Temporal server that answers at ${address}`,
    expected: 'a running server, with TLS where it asks for it',
    next: 'correct TEMPORAL_ADDRESS, TEMPORAL_TLS and its certificates, or start the server',
  });
}

async function startLoggedWorker(
  { env }: CommandContext,
  server: AcquiredServer,
  file: string,
): Promise<RunningWorker> {
  const { startWorker } = await import('../worker/start-worker.ts');
  const { hostName } = await import('../worker/host.ts');
  mkdirSync(path.dirname(file), { recursive: true });
  const log = createWriteStream(file, { flags: 'a' });
  return startWorker({
    connection: server.connection,
    namespace: server.namespace,
    env,
    ...(server.kind === 'configured' ? { host: hostName(env), versioned: true } : {}),
    log: (line) => void log.write(`${line}\n`),
  });
}

/**
 * False when nothing was ever run from here: no server is configured, and no dev server has left its state. A command
 * that looks for a run has then nothing to find, and no reason to start a server.
 */
export async function mayHaveRuns(context: CommandContext): Promise<boolean> {
  const { configuredServer } = await import('../worker/dev-server/configured-server.ts');
  const { serverFiles } = await import('../worker/dev-server/supervisor-protocol.ts');
  return (await configuredServer(context.env)) !== undefined || existsSync(serverFiles(homeFolder(context)).database);
}

/** A session on the configured server, or on the dev server of this folder if it runs; undefined when there is none. */
export async function joinSession(context: CommandContext): Promise<Session | undefined> {
  const { acquireServer, joinRunningServer } = await import('../worker/dev-server/dev-server.ts');
  const { configuredServer } = await import('../worker/dev-server/configured-server.ts');
  const home = homeFolder(context);
  const server = (await configuredServer(context.env))
    ? await acquireServer({ home, announce: sayTo(context), env: context.env })
    : await joinRunningServer(home);
  return server && useServer(context, server, { worker: 'never' });
}
