import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasErrnoCode } from '../../contracts/errors.ts';

/** Linux's own default: short enough that a process which has used up its share waits no longer than a tenth of a second. */
const PERIOD_US = 100_000;
const GONE_WITHIN_MS = 10_000;

/** How the two versions of Linux's control groups are told how much cpu a group may have. */
interface Hierarchy {
  /** Where groups are made: the root first, then this process's own group, which may be delegated to it. */
  readonly folders: readonly string[];
  readonly limit: (quotaUs: number) => Readonly<Record<string, string>>;
}

/** A control group of Linux whose processes get no more than a share of cpu together; removed with its last process. */
export class CpuShare implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** `cores` may be a fraction. Throws, with what is missing, where no such group can be made. */
  static create(name: string, cores: number): CpuShare {
    const refused: string[] = [];
    for (const { folders, limit } of hierarchies()) {
      for (const parent of folders) {
        const folder = path.join(parent, name);
        try {
          makeGroup(folder, limit(Math.round(cores * PERIOD_US)));
          return new CpuShare(folder);
        } catch (error) {
          refused.push(`${parent}: ${hasErrnoCode(error) ? error.code : String(error)}`);
        }
      }
    }
    throw new Error(
      `No control group could be made to limit cpu (${refused.join('; ') || 'no cpu controller is mounted'}). ` +
        'It takes Linux with cgroups, and root or a delegated group, such as in ' +
        '`systemd-run --user --scope -p Delegate=cpu`; inside a container, --privileged or a writable /sys/fs/cgroup.',
    );
  }

  /** The command line that runs a command in the group, together with everything that it starts. */
  commandLine(command: string, args: readonly string[]): readonly [string, readonly string[]] {
    // The shell enters the group and becomes the command, so that not even its start is outside.
    const enter = 'echo $$ > "$1" && shift && exec "$@"';
    return ['/bin/sh', ['-c', enter, 'sh', path.join(this.#folder, 'cgroup.procs'), command, ...args]];
  }

  /** Its processes must have been told to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    const giveUpAt = Date.now() + GONE_WITHIN_MS;
    for (;;) {
      try {
        return rmdirSync(this.#folder);
      } catch (error) {
        // A process that has just ended is still counted for a moment.
        if (!hasErrnoCode(error) || error.code !== 'EBUSY' || Date.now() > giveUpAt) throw error;
        await sleep(50);
      }
    }
  }
}

function makeGroup(folder: string, limit: Readonly<Record<string, string>>): void {
  mkdirSync(folder);
  try {
    for (const [file, text] of Object.entries(limit)) writeFileSync(path.join(folder, file), text, { flag: 'r+' });
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
}

function hierarchies(): Hierarchy[] {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  const groups = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  return mounts.flatMap(([, mount = '', type, options = '']): Hierarchy[] => {
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    if (type === 'cgroup' && !options.split(',').includes('cpu')) return [];
    const own = groups.find(([, controllers = '']) =>
      type === 'cgroup2' ? controllers === '' : controllers.split(',').includes('cpu'),
    )?.[2];
    const folders = [...new Set([mount, path.join(mount, own ?? '/')])];
    return [type === 'cgroup2' ? { folders: folders.filter(offersCpu), limit: limitV2 } : { folders, limit: limitV1 }];
  });
}

const limitV1 = (quotaUs: number) => ({ 'cpu.cfs_period_us': `${PERIOD_US}`, 'cpu.cfs_quota_us': `${quotaUs}` });
const limitV2 = (quotaUs: number) => ({ 'cpu.max': `${quotaUs} ${PERIOD_US}` });

/** In version 2 a group hands the cpu controller down only when it is told to. */
function offersCpu(folder: string): boolean {
  try {
    if (!readFileSync(path.join(folder, 'cgroup.controllers'), 'utf8').split(/\s/).includes('cpu')) return false;
    writeFileSync(path.join(folder, 'cgroup.subtree_control'), '+cpu');
    return true;
  } catch {
    return false;
  }
}
