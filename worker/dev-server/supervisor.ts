import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, truncate } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { DativoError, fail } from '../../contracts/errors.ts';
import type { ExclusiveLock } from './exclusive-lock.ts';
import { tryLock } from './exclusive-lock.ts';
import { endOrphan } from './orphan.ts';
import { freePorts, isPortFree, LOOPBACK } from './ports.ts';
import type { ServerPorts, ServerProcess } from './server-process.ts';
import { becomesReady, startServerProcess } from './server-process.ts';
import type { ServerRecord, SupervisorMessage, SupervisorSettings } from './supervisor-protocol.ts';
import { readJson, serverFiles, writeJson } from './supervisor-protocol.ts';

/**
 * The process that owns the dev server of one home folder. Every command that uses the server says so on a
 * connection that it keeps open; when the last one closes, for whatever reason, the server ends and so does this
 * process.
 */
const READY_WITHIN_MS = 60_000;
/** A command that starts us connects at once; if it does not, it was killed in between. */
const FIRST_USE_WITHIN_MS = 15_000;
/** For the last words to be read. */
const GOODBYE_MS = 1_000;
/** Ports were free when they were chosen; another program may be quicker. */
const PORT_ATTEMPTS = 3;
/** A server that crashes is started again on its file, but not for ever. */
const RESTARTS = 5;

const settings = JSON.parse(process.argv[2] ?? '{}') as SupervisorSettings;
const files = serverFiles(settings.home);
const connections = new Set<Socket>();
/** Of the connections, those whose command uses the server; the others only look whether somebody is here. */
const users = new Set<Socket>();
let lastMessage: SupervisorMessage | undefined;
let everUsed = false;
let stopping = false;

await main();
process.exit(0);

async function main(): Promise<void> {
  await mkdir(settings.home, { recursive: true });
  const lock = await lockOrYield();
  if (!lock) return;
  const listener = await listen();
  let running: ServerProcess | undefined;
  const unused = lastUserGone();
  try {
    await writeJson(files.record, { socket: settings.socket, supervisorPid: process.pid } satisfies ServerRecord);
    await endOrphan(files.pid, files.database);
    if (existsSync(files.log)) await truncate(files.log);
    const ports = await choosePorts();
    await Promise.race([keepRunning(ports, (server) => (running = server)), unused]);
  } catch (error) {
    tell(asFailure(error));
    // The command that started us may not have come to ask yet.
    await waitFor(() => everUsed, FIRST_USE_WITHIN_MS);
  } finally {
    stopping = true;
    // From here on a new command must start its own supervisor, which waits for our lock.
    listener.close();
    await running?.stop();
    await rm(files.record, { force: true });
    await rm(files.pid, { force: true });
    for (const connection of connections) connection.end();
    await waitFor(() => connections.size === 0, GOODBYE_MS);
    lock.release();
  }
}

/** The lock; or undefined when another supervisor has it and answers, so that the command can use that one. */
async function lockOrYield(): Promise<ExclusiveLock | undefined> {
  for (;;) {
    const lock = tryLock(files.lock);
    if (lock) return lock;
    const record = await readJson(files.record);
    const socket = record?.['socket'];
    if (typeof socket === 'string' && (await accepts(socket))) return undefined;
    // Its holder is starting or stopping; both take a moment.
    await sleep(25);
  }
}

function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

async function listen(): Promise<Server> {
  // Ours alone while we hold the lock: what lies there is left from a supervisor that was killed.
  await rm(settings.socket, { force: true });
  // Half open, so that a command which has let go of the server can wait until it is gone.
  const listener = createServer({ allowHalfOpen: true }, welcome);
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(settings.socket, resolve);
  });
  return listener;
}

function welcome(connection: Socket): void {
  connections.add(connection);
  connection.on('error', () => {});
  connection.on('data', () => {
    users.add(connection);
    everUsed = true;
  });
  connection.once('end', () => {
    users.delete(connection);
    if (users.size > 0) connection.end();
  });
  connection.once('close', () => {
    users.delete(connection);
    connections.delete(connection);
  });
  if (lastMessage) connection.write(`${JSON.stringify(lastMessage)}\n`);
}

function tell(message: SupervisorMessage): void {
  lastMessage = message;
  for (const connection of connections) connection.write(`${JSON.stringify(message)}\n`);
}

async function lastUserGone(): Promise<void> {
  await waitFor(() => everUsed, FIRST_USE_WITHIN_MS);
  await waitFor(() => users.size === 0, Number.POSITIVE_INFINITY);
}

async function waitFor(condition: () => boolean, milliseconds: number): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (!condition() && Date.now() < deadline) await sleep(20);
}

async function choosePorts(): Promise<ServerPorts> {
  const wanted: [string, number | undefined][] = [
    ['--port', settings.port],
    ['--ui-port', settings.uiPort],
  ];
  for (const [option, port] of wanted) {
    if (port !== undefined && !(await isPortFree(port))) throw portInUse(option, port);
  }
  const remembered = await readJson(files.ports);
  const [frontend, ui, http] = await freePorts(3);
  return {
    frontend: settings.port ?? (await ifFree(remembered?.['frontend'])) ?? (frontend as number),
    // The same from start to start where possible, so that yesterday's links to runs still open.
    ui: settings.uiPort ?? (await ifFree(remembered?.['ui'])) ?? (ui as number),
    http: http as number,
  };
}

async function ifFree(port: unknown): Promise<number | undefined> {
  return typeof port === 'number' && port !== settings.port && port !== settings.uiPort && (await isPortFree(port))
    ? port
    : undefined;
}

/** Starts the server and starts it again, on the same ports, when it crashes. Rejects when that does not help. */
async function keepRunning(first: ServerPorts, started: (server: ServerProcess) => void): Promise<void> {
  let ports = first;
  let attempts = 0;
  let everReady = false;
  while (!stopping) {
    const server = startServerProcess({
      binary: settings.binary,
      database: files.database,
      ports,
      logFile: files.log,
      pidFile: files.pid,
      env: process.env,
    });
    started(server);
    attempts += 1;
    if (await becomesReady(server, ports.http, READY_WITHIN_MS)) {
      everReady = true;
      await announceReady(ports);
      await server.exited;
    } else if (!stopping) {
      await server.stop();
      if (!everReady && attempts < PORT_ATTEMPTS && (await someTaken(ports))) ports = await choosePorts();
      else throw notStarted();
    }
    if (attempts > RESTARTS) throw notStarted();
  }
}

async function announceReady(ports: ServerPorts): Promise<void> {
  const address = `${LOOPBACK}:${ports.frontend}`;
  const uiUrl = `http://${LOOPBACK}:${ports.ui}`;
  const pid = Number((await readFile(files.pid, 'utf8')).trim());
  await writeJson(files.ports, { frontend: ports.frontend, ui: ports.ui });
  await writeJson(files.record, {
    socket: settings.socket,
    supervisorPid: process.pid,
    address,
    uiUrl,
    pid,
  } satisfies ServerRecord);
  tell({ type: 'ready', address, uiUrl, pid });
}

async function someTaken({ frontend, ui, http }: ServerPorts): Promise<boolean> {
  const free = await Promise.all([frontend, ui, http].map(isPortFree));
  return free.includes(false);
}

function portInUse(option: string, port: number): DativoError {
  return fail('PORT_IN_USE', {
    received: `${option} ${port}, which another program on this machine uses`,
    expected: 'a free port',
    next: `choose another one, or leave ${option} out to have a free one chosen`,
  });
}

function notStarted(): DativoError {
  return fail('SERVER_UNAVAILABLE', {
    received: `the Temporal server (${settings.binary}) ended or did not answer within ${READY_WITHIN_MS / 1000} s`,
    expected: 'it to start',
    next: `see ${files.log} for what it said`,
  });
}

function asFailure(error: unknown): SupervisorMessage {
  if (error instanceof DativoError) return { type: 'failed', code: error.code, parts: error.parts };
  return {
    type: 'failed',
    code: 'SERVER_UNAVAILABLE',
    parts: {
      received: `the dev server could not use the folder ${settings.home}`,
      expected: 'a folder that this user may write to',
      next: 'set DATIVO_HOME to another folder',
    },
  };
}
