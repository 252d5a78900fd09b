import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { LakeAddress } from '../contracts/lake-view.ts';
import type { CommandContext } from './command.ts';

/** Folder of the local state: the dev server's, and which lakes were written to. */
export function homeFolder({ env }: CommandContext): string {
  return path.resolve(env['DATIVO_HOME'] || '.dativo');
}

/** Without a namespace: several jobs fill one lake, each in its own. */
export type KnownLake = Omit<LakeAddress, 'namespace'>;

const lakesFile = z.array(z.object({ warehouse: z.string(), catalogUri: z.string().optional() }));

/** Lakes that jobs were run on from this folder, the latest first. */
export async function knownLakes(context: CommandContext): Promise<KnownLake[]> {
  try {
    const lakes = lakesFile.parse(JSON.parse(await readFile(lakesPath(context), 'utf8')));
    return lakes.map(({ warehouse, catalogUri }) => ({
      warehouse,
      ...(catalogUri === undefined ? {} : { catalogUri }),
    }));
  } catch {
    // Missing, or damaged: a convenience that the next run writes again.
    return [];
  }
}

const REMEMBERED = 20;

export async function rememberLakes(context: CommandContext, used: readonly LakeAddress[]): Promise<void> {
  const now = used.map(({ namespace: _namespace, ...lake }) => lake);
  const before = await knownLakes(context);
  const lakes = new Map([...now, ...before].map((lake) => [`${lake.warehouse}\n${lake.catalogUri ?? ''}`, lake]));
  await mkdir(homeFolder(context), { recursive: true });
  await writeFile(lakesPath(context), `${JSON.stringify([...lakes.values()].slice(0, REMEMBERED), undefined, 2)}\n`);
}

function lakesPath(context: CommandContext): string {
  return path.join(homeFolder(context), 'lakes.json');
}
