import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { DuckDbBudget } from '../connectors/duckdb/session.ts';
import { fail } from '../contracts/errors.ts';

const MiB = 1_048_576;
/** Less than this and DuckDB cannot hold one row group of a wide table beside its buffers. */
const MINIMUM_PER_ACTIVITY = 128 * MiB;
/** DuckDB reads and writes no faster with more; what sorts and windows need beyond it is spilled. */
const DEFAULT_TOTAL = 512 * MiB;
const DEFAULT_CONCURRENCY = 2;

/** What one worker may use; every heavy activity gets an equal share, so that memory is bounded by configuration. */
export interface WorkerBudget {
  readonly heavyActivities: number;
  readonly memoryBytesPerActivity: number;
  readonly threadsPerActivity: number;
}

/**
 * From the environment: `DATIVO_MEMORY` (`512MB`, `2GB`; default 512MiB or half of what the machine or its cgroup has,
 * whichever is less) and `DATIVO_HEAVY_ACTIVITIES` (default 2).
 */
export function readBudget(env: NodeJS.ProcessEnv): WorkerBudget {
  const heavyActivities = positiveInteger(env, 'DATIVO_HEAVY_ACTIVITIES') ?? DEFAULT_CONCURRENCY;
  const total = memoryBytes(env['DATIVO_MEMORY']) ?? Math.min(DEFAULT_TOTAL, availableMemory() / 2);
  return {
    heavyActivities,
    memoryBytesPerActivity: Math.max(MINIMUM_PER_ACTIVITY, Math.floor(total / heavyActivities)),
    threadsPerActivity: os.availableParallelism(),
  };
}

export function duckDbBudget(budget: WorkerBudget, spillFolder: string): DuckDbBudget {
  return { memoryBytes: budget.memoryBytesPerActivity, threads: budget.threadsPerActivity, spillFolder };
}

function positiveInteger(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw fail('USAGE', {
    received: `${name}=${text}`,
    expected: 'a whole number of at least 1',
    next: `set ${name} to such a number or unset it`,
  });
}

const UNITS: Record<string, number> = {
  '': 1,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KIB: 1024,
  MIB: MiB,
  GIB: 1024 * MiB,
};

function memoryBytes(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const match = /^(\d+(?:\.\d+)?)\s*([KMG]i?B)?$/i.exec(text);
  const unit = match ? UNITS[(match[2] ?? '').toUpperCase()] : undefined;
  if (match && unit !== undefined) return Math.floor(Number(match[1]) * unit);
  throw fail('USAGE', {
    received: `DATIVO_MEMORY=${text}`,
    expected: 'a size such as 512MB or 2GiB',
    next: 'set DATIVO_MEMORY to such a size or unset it',
  });
}

/** The memory limit of the control group (version 2) if there is one, else the machine's memory. */
function availableMemory(): number {
  try {
    const limit = Number(readFileSync('/sys/fs/cgroup/memory.max', 'utf8').trim());
    if (Number.isFinite(limit) && limit > 0) return Math.min(limit, os.totalmem());
  } catch {
    // Not Linux, or no control group: the machine's memory is the limit.
  }
  return os.totalmem();
}
