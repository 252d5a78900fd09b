import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerProcess extends AsyncDisposable {
  /** Ends it as if its machine had stopped. */
  kill(): Promise<void>;
}

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** An address that is answered once the server is ready. */
  readonly readyAt: string;
  readonly readyWithinMs: number;
}

/** Starts a server of a test and waits until it answers. What it printed last is in the error if it does not. */
export async function startServerProcess(server: ServerCommand): Promise<ServerProcess> {
  const child = spawn(server.command, [...server.args], {
    env: { ...process.env, ...server.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(server.cwd === undefined ? {} : { cwd: server.cwd }),
  });
  let output = '';
  const keep = (text: string) => {
    output = `${output}${text}`.slice(-4000);
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.once('error', (error) => keep(String(error)));
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  const giveUpAt = Date.now() + server.readyWithinMs;
  while (!(await answers(server.readyAt))) {
    if (child.exitCode !== null || child.pid === undefined || Date.now() > giveUpAt) {
      await kill();
      throw new Error(`${server.command} did not become a server at ${server.readyAt}:\n${output}`);
    }
    await sleep(100);
  }
  return { kill, [Symbol.asyncDispose]: kill };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(5000) })).ok;
  } catch {
    return false;
  }
}
