import type { ChildProcessByStdio } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { access, chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import type { Connection } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll } from 'vitest';
import { freePorts, LOOPBACK } from '../../worker/dev-server/ports.ts';
import type { Authority } from './certificates.ts';
import { createAuthority } from './certificates.ts';
import { temporaryFolder } from './duckdb.ts';
import { started } from './temporal.ts';

export interface MariaDbServer extends AsyncDisposable {
  readonly port: number;
  /** Signed the certificate that the server shows, which is for the name 127.0.0.1; undefined for one without TLS. */
  readonly authority: Authority | undefined;
  /** Makes a database of its own and returns its address, password included. */
  database(): Promise<string>;
  /** Statements as the owner of everything; rows of the last one. */
  run(sql: string, database?: string): Promise<readonly Record<string, unknown>[]>;
  /** A connection of the owner's own, to be ended. */
  connect(database?: string): Promise<Connection>;
  /** Ends as if its machine had stopped. */
  stop(): Promise<void>;
  /** Goes on with the data that `stop` left. */
  start(): Promise<void>;
}

export interface MariaDbOptions {
  readonly tls?: boolean;
  readonly bufferPoolMegabytes?: number;
}

const USER = 'owner';
export const MARIADB_PASSWORD = 'test-secret-7c1e';
const READY_WITHIN_MS = 60_000;
const SERVERS = ['/usr/sbin/mariadbd', '/usr/local/sbin/mariadbd', '/opt/homebrew/bin/mariadbd'];

/**
 * A real MariaDB on a port of its own, from the packages of the system. What it is set to by default is what the source's
 * own settings have to prevail over: a time zone that is not UTC, a character set that is not Unicode.
 */
export async function startMariaDb({
  tls = true,
  bufferPoolMegabytes = 64,
}: MariaDbOptions = {}): Promise<MariaDbServer> {
  const binary = await serverBinary();
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const data = path.join(folder.path, 'data');
  const isRoot = userInfo().uid === 0;
  await mkdir(data);
  await chmod(folder.path, 0o755);
  const asUser = isRoot ? ['--user=mysql'] : [];
  await promisify(execFile)('mariadb-install-db', [
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ...asUser,
  ]);
  const init = path.join(folder.path, 'init.sql');
  const identity = `${USER}@'%' IDENTIFIED BY '${MARIADB_PASSWORD}'`;
  await writeFile(init, `CREATE OR REPLACE USER ${identity};\nGRANT ALL ON *.* TO ${USER}@'%' WITH GRANT OPTION;\n`);
  const authority = tls ? createAuthority('An authority of the test') : undefined;
  const encrypted = authority === undefined ? ['--skip-ssl'] : await certificates(authority, folder.path, isRoot);
  const [port = 0] = await freePorts(1);
  const args = [
    '--no-defaults',
    `--datadir=${data}`,
    `--port=${port}`,
    `--bind-address=${LOOPBACK}`,
    `--socket=${path.join(data, 'server.sock')}`,
    `--init-file=${init}`,
    '--skip-name-resolve',
    '--skip-log-bin',
    // What was committed outlives the server, if not the machine.
    '--innodb-flush-log-at-trx-commit=2',
    `--innodb-buffer-pool-size=${bufferPoolMegabytes}M`,
    '--default-time-zone=+05:45',
    '--character-set-server=latin1',
    '--sql-mode=',
    ...encrypted,
    ...asUser,
  ];
  let server: ServerChild | undefined;
  const start = async () => {
    server = await startServer(binary, args);
  };
  const stop = async () => {
    if (server !== undefined) await killed(server);
    server = undefined;
  };
  await start();
  stack.defer(stop);
  const running = stack.move();
  const connect = (database?: string) =>
    createConnection({
      host: LOOPBACK,
      port,
      user: USER,
      password: MARIADB_PASSWORD,
      ...(database === undefined ? {} : { database }),
      charset: 'utf8mb4_bin',
      multipleStatements: true,
      dateStrings: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
    });
  const run = async (sql: string, database?: string) => {
    const connection = await connect(database);
    try {
      const [answer] = await connection.query(sql);
      return rowsOf(answer);
    } finally {
      await connection.end();
    }
  };
  return {
    port,
    authority,
    run,
    connect,
    async database() {
      const name = `test_${randomUUID().replaceAll('-', '')}`;
      await run(`CREATE DATABASE ${name}`);
      return `mysql://${USER}:${MARIADB_PASSWORD}@${LOOPBACK}:${port}/${name}`;
    },
    stop,
    start,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A server for the tests of one file, stopped after them. */
export function useMariaDb(options: MariaDbOptions = {}): () => MariaDbServer {
  let server: MariaDbServer | undefined;
  beforeAll(async () => {
    server = await startMariaDb(options);
  }, READY_WITHIN_MS);
  afterAll(() => server?.[Symbol.asyncDispose]());
  return () => started(server);
}

async function serverBinary(): Promise<string> {
  for (const file of SERVERS) {
    const isThere = await access(file).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  throw new Error('no mariadbd on this machine; install the package mariadb-server, without starting its service');
}

async function certificates(authority: Authority, folder: string, isRoot: boolean): Promise<string[]> {
  const { cert, key } = authority.issue('the server', [LOOPBACK]);
  const files = { 'ssl-ca': authority.cert, 'ssl-cert': cert, 'ssl-key': key };
  const options: string[] = [];
  const owner = isRoot ? await ownerOf('mysql') : undefined;
  for (const [name, pem] of Object.entries(files)) {
    const file = path.join(folder, `${name}.pem`);
    await writeFile(file, pem, { mode: 0o600 });
    if (owner !== undefined) await chown(file, owner.uid, owner.gid);
    options.push(`--${name}=${file}`);
  }
  return options;
}

async function ownerOf(user: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const ask = async (what: string) => Number((await promisify(execFile)('id', [what, user])).stdout);
  return { uid: await ask('-u'), gid: await ask('-g') };
}

type ServerChild = ChildProcessByStdio<Writable, null, Readable>;

/** Runs a server until its own input ends, which it does with the process of the test, however that ends. */
const UNTIL_INPUT_ENDS =
  'exec 3<&0; "$@" </dev/null 3<&- & server=$!; { read -r _ <&3; kill -KILL "$server"; } & wait "$server"';

/** Resolves once it says that it takes connections. */
async function startServer(binary: string, args: readonly string[]): Promise<ServerChild> {
  const child = spawn('/bin/sh', ['-c', UNTIL_INPUT_ENDS, 'server', binary, ...args], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const lines = createInterface({ input: child.stderr });
  const said: string[] = [];
  const timer = setTimeout(() => child.stdin.end(), READY_WITHIN_MS);
  try {
    for await (const line of lines) {
      said.push(line);
      if (line.includes('ready for connections')) {
        child.stderr.resume();
        return child;
      }
    }
  } finally {
    clearTimeout(timer);
  }
  throw new Error(`mariadbd did not become a server:\n${said.slice(-20).join('\n')}`);
}

async function killed(child: ServerChild): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.stdin.end();
  await ended;
}

/** Of several statements the answers come as a list, of which a set of rows is a list itself. */
function rowsOf(answer: unknown): Record<string, unknown>[] {
  const rows: unknown = Array.isArray(answer) && Array.isArray(answer.at(-1)) ? answer.at(-1) : answer;
  return Array.isArray(rows) ? rows.filter((row): row is Record<string, unknown> => typeof row === 'object') : [];
}
