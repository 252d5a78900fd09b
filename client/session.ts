import { createWriteStream, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Client, Connection } from '@temporalio/client';
import type { AcquiredServer, AcquireOptions } from '../worker/dev-server/dev-server.ts';
import type { RunningWorker } from '../worker/start-worker.ts';
import type { CommandContext } from './command.ts';
import { sayTo } from './command.ts';
import { homeFolder } from './home.ts';

/** A Temporal server with a client on it and, where this machine does the work, a worker. */
export interface Session extends AsyncDisposable {
  readonly server: AcquiredServer;
  readonly client: Client;
  readonly connection: Connection;
  /** Settles when the worker takes work, if there is one: a workflow can be started before that. */
  readonly ready: Promise<void>;
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
  const { Client, Connection } = await import('@temporalio/client');
  const starting = withWorker ? startLoggedWorker(context, server, workerLog) : undefined;
  const ready = Promise.resolve(starting).then(() => {});
  const never = new Promise<never>(() => {});
  const broken = Promise.race([
    server.lost.then((error) => Promise.reject(error)),
    Promise.resolve(starting)
      .then((worker) => worker?.finished)
      .then(() => never),
  ]);
  // Whoever waits for them sees the failure; until somebody does, it must not end the process.
  for (const awaited of [ready, broken]) awaited.catch(() => {});
  const connection = await Connection.connect(server.connection);
  return {
    server,
    client: new Client({ connection, namespace: server.namespace }),
    connection,
    ready,
    workerLog,
    broken,
    async [Symbol.asyncDispose]() {
      await starting?.then((worker) => worker.shutdown()).catch(() => {});
      await connection.close();
      await server.release();
    },
  };
}

async function startLoggedWorker(
  { env }: CommandContext,
  server: AcquiredServer,
  file: string,
): Promise<RunningWorker> {
  const { startWorker } = await import('../worker/start-worker.ts');
  mkdirSync(path.dirname(file), { recursive: true });
  const log = createWriteStream(file, { flags: 'a' });
  return startWorker({
    connection: server.connection,
    namespace: server.namespace,
    env,
    log: (line) => void log.write(`${line}\n`),
  });
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
