import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DativoError } from '../../contracts/errors.ts';
import { fail, hasErrnoCode } from '../../contracts/errors.ts';
import type { ServerConnection } from './configured-server.ts';
import { configuredServer } from './configured-server.ts';
import { locateServerBinary } from './locate.ts';
import { serverEnvironment } from './server-process.ts';
import type { SupervisorMessage, SupervisorSettings } from './supervisor-protocol.ts';
import { parseMessage, readServerRecord, serverFiles, socketPath, USE } from './supervisor-protocol.ts';

export interface AcquireOptions {
  /** Folder of the local state, e.g. `./.dativo`; made when it is missing. */
  readonly home: string;
  /** Receives one line in plain words for each step. */
  readonly announce: (line: string) => void;
  readonly env: NodeJS.ProcessEnv;
  readonly ports?: { readonly port?: number; readonly uiPort?: number };
  readonly locate?: typeof locateServerBinary;
}

export interface AcquiredServer {
  /** `configured`: somebody else runs it, with workers of its own. `embedded`: it lives as long as it is used. */
  readonly kind: 'configured' | 'embedded';
  readonly address: string;
  readonly namespace: string;
  /** Address and credentials, for the client and the worker. */
  readonly connection: ServerConnection;
  /** Undefined where it is not known. */
  readonly uiUrl: string | undefined;
  /** Settles, with the reason, when an embedded server goes away while it is in use. */
  readonly lost: Promise<DativoError>;
  /** Lets go of the server; an embedded one has ended when this resolves, if nobody else uses it. */
  release(): Promise<void>;
}

const CONNECT_WITHIN_MS = 30_000;
/** How many servers in a row may end just when we come. */
const ATTEMPTS = 10;
const POLL_MS = 15;

/**
 * A Temporal server to work with: the configured one, else the dev server of the home folder, which is found or
 * built (`locate.ts`), started, and shared with every other command that uses the same folder.
 * Throws SERVER_UNAVAILABLE, PORT_IN_USE, STORAGE_DENIED, or USAGE for a configuration that cannot be used.
 */
export async function acquireServer(options: AcquireOptions): Promise<AcquiredServer> {
  const configured = await configuredServer(options.env);
  if (!configured) return acquireDevServer(options);
  const { connection, namespace } = configured;
  options.announce(`Temporal server: ${connection.address}, namespace ${namespace}, as configured.`);
  return {
    kind: 'configured',
    address: connection.address,
    namespace,
    connection,
    uiUrl: configuredUiUrl(options.env, connection.address),
    lost: new Promise(() => {}),
    release: async () => {},
  };
}

/** The dev server of the folder if one runs now; never starts one. */
export async function joinRunningServer(home: string): Promise<AcquiredServer | undefined> {
  const record = await readServerRecord(path.resolve(home));
  if (!record) return undefined;
  const socket = await tryConnect(record.socket);
  return socket && (await useServer(socket));
}

/** True while the dev server of the folder runs, or starts; it is not kept from ending. */
export async function isServerRunning(home: string): Promise<boolean> {
  const record = await readServerRecord(path.resolve(home));
  const socket = record && (await tryConnect(record.socket));
  socket?.destroy();
  return socket !== undefined;
}

async function acquireDevServer(options: AcquireOptions): Promise<AcquiredServer> {
  const home = openHome(options.home);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const running = await joinRunningServer(home);
    if (running) return checkPorts(running, options.ports);
    const binary = await (options.locate ?? locateServerBinary)(options);
    const settings: SupervisorSettings = { home, socket: socketPath(home), binary, ...options.ports };
    const socket = await connectTo(startSupervisor(settings, options.env), settings);
    const server = socket && (await useServer(socket));
    // A supervisor that was about to stop when we connected says nothing: the next one will.
    if (server) return checkPorts(server, options.ports);
  }
  throw supervisorSilent(home);
}

function openHome(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true });
    const home = realpathSync(folder);
    closeSync(openSync(serverFiles(home).log, 'a'));
    return home;
  } catch (error) {
    throw fail('STORAGE_DENIED', {
      received: `the folder ${folder} cannot be written to${hasErrnoCode(error) ? ` (${error.code})` : ''}`,
      expected: 'a folder for the local state of Dativo',
      next: 'correct its rights or set DATIVO_HOME to another folder',
    });
  }
}

function startSupervisor(settings: SupervisorSettings, env: NodeJS.ProcessEnv): ChildProcess {
  const file = fileURLToPath(new URL(`./supervisor${path.extname(import.meta.url)}`, import.meta.url));
  const log = openSync(serverFiles(settings.home).log, 'a');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, JSON.stringify(settings)], {
    // Outlives this command when others use the server, and does not see this terminal's Ctrl-C.
    detached: true,
    stdio: ['ignore', log, log],
    cwd: settings.home,
    env: serverEnvironment(env),
  });
  closeSync(log);
  child.unref();
  return child;
}

async function connectTo(supervisor: ChildProcess, { home, socket }: SupervisorSettings): Promise<Socket | undefined> {
  let ended = false;
  supervisor.once('exit', () => (ended = true));
  supervisor.once('error', () => (ended = true));
  const deadline = Date.now() + CONNECT_WITHIN_MS;
  while (Date.now() < deadline) {
    // Another command's supervisor may have won; its socket is then in the record.
    const record = await readServerRecord(home);
    const connection = await tryConnect(record?.socket ?? socket);
    if (connection) return connection;
    if (ended && supervisor.exitCode !== 0) break;
    if (ended) return undefined;
    await sleep(POLL_MS);
  }
  throw supervisorSilent(home);
}

function supervisorSilent(home: string): DativoError {
  return fail('SERVER_UNAVAILABLE', {
    received: 'the process that looks after the Temporal dev server did not start',
    expected: 'it to answer',
    next: `see ${serverFiles(home).log} for what it said`,
  });
}

function tryConnect(file: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(file);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}

/** Waits until the supervisor says that the server is ready. Undefined when it closes without a word. */
async function useServer(socket: Socket): Promise<AcquiredServer | undefined> {
  socket.on('error', () => {});
  socket.write(USE);
  const closed = new Promise<undefined>((resolve) => socket.once('close', () => resolve(undefined)));
  const message = await Promise.race([firstMessage(socket), closed]);
  if (!message) return undefined;
  if (message.type === 'failed') {
    socket.destroy();
    throw fail(message.code, message.parts);
  }
  let released = false;
  const lost = new Promise<DativoError>((resolve) => {
    socket.once('close', () => {
      if (!released) resolve(serverLost());
    });
  });
  // The connection says that the server is in use; it must not keep this command alive by itself.
  socket.unref();
  return {
    kind: 'embedded',
    address: message.address,
    namespace: 'default',
    connection: { address: message.address },
    uiUrl: message.uiUrl,
    lost,
    async release() {
      released = true;
      socket.ref();
      socket.end();
      await closed;
    },
  };
}

function firstMessage(socket: Socket): Promise<SupervisorMessage | undefined> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (bytes) => {
      // Later messages are for those who come later; reading on is what makes the socket notice its end.
      if (text.includes('\n')) return;
      text += bytes.toString('utf8');
      if (text.includes('\n')) resolve(parseMessage(text.slice(0, text.indexOf('\n'))));
    });
  });
}

function checkPorts(server: AcquiredServer, ports: AcquireOptions['ports']): AcquiredServer {
  const asked = [
    [ports?.port, portOf(server.address)],
    [ports?.uiPort, server.uiUrl && portOf(server.uiUrl)],
  ] as const;
  const other = asked.find(([wanted, found]) => wanted !== undefined && String(wanted) !== found);
  if (!other) return server;
  void server.release();
  throw fail('USAGE', {
    received: `port ${other[0]} while the dev server of this folder already runs at ${server.address}, UI ${server.uiUrl}`,
    expected: 'one dev server for each folder',
    next: 'leave the port out to share the running one, or end the command that uses it first',
  });
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}

/** The UI of a configured server cannot be asked for; it is named by DATIVO_TEMPORAL_UI, or known for Temporal Cloud. */
function configuredUiUrl(env: NodeJS.ProcessEnv, address: string): string | undefined {
  const configured = env['DATIVO_TEMPORAL_UI'];
  if (configured) return configured.replace(/\/+$/, '');
  return /\.(tmprl\.cloud|api\.temporal\.io):/.test(address) ? 'https://cloud.temporal.io' : undefined;
}

function serverLost(): DativoError {
  return fail('SERVER_UNREACHABLE', {
    received: 'the Temporal dev server ended while it was in use',
    expected: 'it to run as long as a command uses it',
    next: 'start the command again: what was committed stays, and the rest goes on from there',
  });
}
