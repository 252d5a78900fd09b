import path from 'node:path';
import { locateServerBinary } from '../worker/dev-server/locate.ts';
import { freePorts, LOOPBACK } from '../worker/dev-server/ports.ts';
import type { ServerProcess } from '../worker/dev-server/server-process.ts';
import { becomesReady, serverEnvironment, startServerProcess } from '../worker/dev-server/server-process.ts';

const READY_WITHIN_MS = 60_000;

/** A Temporal server of a bench's own, which can be killed and comes back on its file and its ports. */
export class BenchServer {
  readonly address: string;
  readonly #start: () => ServerProcess;
  readonly #httpPort: number;
  #process: ServerProcess;

  private constructor(address: string, httpPort: number, start: () => ServerProcess) {
    this.address = address;
    this.#httpPort = httpPort;
    this.#start = start;
    this.#process = start();
  }

  static async start(folder: string): Promise<BenchServer> {
    const binary = await locateServerBinary({ env: process.env, announce: () => {} });
    const [frontend = 0, ui = 0, http = 0] = await freePorts(3);
    const settings = {
      binary,
      database: path.join(folder, 'temporal.db'),
      ports: { frontend, ui, http },
      logFile: path.join(folder, 'temporal.log'),
      pidFile: path.join(folder, 'temporal.pid'),
      env: serverEnvironment(process.env),
    };
    const server = new BenchServer(`${LOOPBACK}:${frontend}`, http, () => startServerProcess(settings));
    await server.#ready();
    return server;
  }

  /** Kills the server without warning and starts it on the same file. */
  async killAndRestart(): Promise<void> {
    await this.#process.stop();
    this.#process = this.#start();
    await this.#ready();
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }

  async #ready(): Promise<void> {
    if (await becomesReady(this.#process, this.#httpPort, READY_WITHIN_MS)) return;
    throw new Error("Temporal's dev server did not become ready");
  }
}
