import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SEARCH_ATTRIBUTES } from '../../contracts/search-attributes.ts';
import { LOOPBACK } from './ports.ts';

export interface ServerPorts {
  readonly frontend: number;
  readonly ui: number;
  readonly http: number;
}

export interface ServerSettings {
  readonly binary: string;
  /** SQLite file with the server's state; also what tells our server from another in a process list. */
  readonly database: string;
  readonly ports: ServerPorts;
  readonly logFile: string;
  readonly pidFile: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface ServerProcess {
  /** Settles when the server is gone, whoever ended it. */
  readonly exited: Promise<void>;
  isRunning(): boolean;
  /** Ends the server and waits until it is gone. */
  stop(): Promise<void>;
}

/**
 * The server must end with the process that owns it, even when that one is killed. So it runs under a shell that
 * reads from a pipe: the pipe's end, which the operating system brings about in any case, ends the server.
 *
 * It is killed: each step of a workflow is a committed transaction in the database file, so nothing is lost, while
 * asking it to end takes more than a second of the user's time (measured: 1.3 s, against 10 ms; the next start is as
 * quick either way).
 */
const GUARD = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
echo "$server" >"$0"
{ read -r _ <&3; kill -KILL "$server"; } &
wait "$server" 2>/dev/null
trap '' TERM
kill -TERM 0
`;

export function startServerProcess(settings: ServerSettings): ServerProcess {
  const log = openSync(settings.logFile, 'a');
  const child = spawn('/bin/sh', ['-c', GUARD, settings.pidFile, settings.binary, ...serverArguments(settings)], {
    // A session of its own: Ctrl-C in a terminal must reach the commands, not the server under them.
    detached: true,
    stdio: ['pipe', log, log],
    env: settings.env,
  });
  closeSync(log);
  let running = true;
  const exited = new Promise<void>((resolve) => {
    const ended = () => {
      running = false;
      resolve();
    };
    child.once('exit', ended);
    child.once('error', ended);
  });
  // Writing to it is never needed; its error after the shell's end is no news.
  child.stdin?.on('error', () => {});
  return {
    exited,
    isRunning: () => running,
    async stop() {
      child.stdin?.end();
      await exited;
    },
  };
}

/** True once the `default` namespace answers; false when the server ended or `timeoutMs` passed before. */
export async function becomesReady(server: ServerProcess, httpPort: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (server.isRunning() && Date.now() < deadline) {
    if (await answers(httpPort)) return true;
    await sleep(20);
  }
  return false;
}

/** Asked over HTTP, because loading a gRPC client would take longer than the server's start. */
async function answers(httpPort: number): Promise<boolean> {
  try {
    const response = await fetch(`http://${LOOPBACK}:${httpPort}/api/v1/namespaces/default`, {
      signal: AbortSignal.timeout(5_000),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

function serverArguments({ database, ports }: ServerSettings): string[] {
  const attributes = Object.values(SEARCH_ATTRIBUTES).flatMap(({ name, type }) => [
    '--search-attribute',
    `${name}=${TEMPORAL_TYPE_NAMES[type]}`,
  ]);
  return [
    ...['server', 'start-dev', '--ip', LOOPBACK, '--port', String(ports.frontend), '--ui-port', String(ports.ui)],
    ...['--http-port', String(ports.http), '--db-filename', database, '--log-level', 'warn', '--log-format', 'json'],
    ...PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...attributes,
  ];
}

/**
 * A write-ahead log without a sync for each transaction: a run of 100 rows takes half the time, and what is committed
 * survives the death of the process. Only a crash of the whole machine may take the last moments of a history.
 */
const PRAGMAS = ['journal_mode=wal', 'synchronous=normal'];

/** The command line spells the types of search attributes in its own way. */
const TEMPORAL_TYPE_NAMES = { KEYWORD: 'Keyword' } as const;

/**
 * What the server and its supervisor, which may outlive the command, get of the user's variables: secrets are none of
 * their business, and Temporal's own (`TEMPORAL_*`) would steer the server.
 */
export function serverEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ'];
  return Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
