import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CpuShare } from './cpu-share.ts';

const CLI = fileURLToPath(new URL('../../bin/dativo.js', import.meta.url));
/** Of Linux's clock, as /proc tells times; the same on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

/** A `dativo worker` that gets no more than its share of cpu. */
export class LimitedWorker implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #share: CpuShare;

  private constructor(child: ChildProcess, share: CpuShare) {
    this.#child = child;
    this.#share = share;
  }

  /** Returns once it takes work. */
  static async start(cores: number, name: string, env: NodeJS.ProcessEnv, logFile: string): Promise<LimitedWorker> {
    const share = CpuShare.create(name, cores);
    const [command, args] = share.commandLine(process.execPath, [CLI, 'worker', '--json']);
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const worker = new LimitedWorker(child, share);
    child.stderr.pipe(createWriteStream(logFile));
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the worker ended with ${code}, see ${logFile}`);
    });
    ended.catch(() => {});
    try {
      await Promise.race([once(child.stdout, 'data'), ended]);
      return worker;
    } catch (error) {
      await worker[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What it has used of cpu since it began. */
  async cpuSeconds(): Promise<number> {
    const stat = await readFile(`/proc/${this.#child.pid}/stat`, 'utf8');
    // The name of the process, in brackets, may hold blanks; user and system time are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await gone;
    }
    await this.#share[Symbol.asyncDispose]();
  }
}
