import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { hasErrnoCode } from '../contracts/errors.ts';
import type { CommandContext } from './command.ts';

/** Folder of the local state: the dev server's, and which lakes were written to. */
export function homeFolder({ env }: CommandContext): string {
  return path.resolve(env['DATIVO_HOME'] || '.dativo');
}

/**
 * A lake that jobs were run on from this folder. One that takes more than its folder to reach is known by a job
 * that tells how, because that may hold secrets.
 */
export interface KnownLake {
  readonly warehouse: string;
  /** Absolute path of a job file. */
  readonly job?: string;
}

const lakesFile = z.array(z.object({ warehouse: z.string(), job: z.string().optional() }));

/** The latest first. */
export async function knownLakes(context: CommandContext): Promise<KnownLake[]> {
  try {
    const lakes = lakesFile.parse(JSON.parse(await readFile(lakesPath(context), 'utf8')));
    return lakes.map(({ warehouse, job }) => ({ warehouse, ...(job === undefined ? {} : { job }) }));
  } catch {
    // Missing, or damaged: a convenience that the next run writes again.
    return [];
  }
}

const REMEMBERED = 20;

/** Where the folder cannot be written to nothing is remembered: the lake has to be named then, and the run goes on. */
export async function rememberLakes(context: CommandContext, used: readonly KnownLake[]): Promise<void> {
  const lakes = new Map([...(await knownLakes(context)).toReversed(), ...used].map((lake) => [lake.warehouse, lake]));
  const latest = [...lakes.values()].toReversed().slice(0, REMEMBERED);
  try {
    await mkdir(homeFolder(context), { recursive: true });
    await writeFile(lakesPath(context), `${JSON.stringify(latest, undefined, 2)}\n`);
  } catch (error) {
    if (!hasErrnoCode(error)) throw error;
  }
}

function lakesPath(context: CommandContext): string {
  return path.join(homeFolder(context), 'lakes.json');
}
