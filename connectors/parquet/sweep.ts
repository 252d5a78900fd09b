import { setTimeout as sleep } from 'node:timers/promises';
import { keptLosing } from '../commit-rules.ts';
import type { SweepResult } from '../sink.ts';
import type { Storage } from '../storage/storage.ts';
import { inFolder } from '../storage/storage.ts';
import type { FolderManifest } from './manifest.ts';
import { createManifest, readNewest } from './manifest.ts';

const ATTEMPTS = 20;

export interface FolderSweep {
  readonly storage: Storage;
  /** URI of the namespace's folder. */
  readonly folder: string;
  now(): number;
}

/**
 * Removes the files of a run that no table refers to, and those that the last commit replaced but did not live to
 * remove. A commit of the run that was stopped half-way may still be about to take the next manifest's number; so the
 * sweep takes that number first, and the commit then finds its files gone.
 */
export async function sweepFolder(deps: FolderSweep, runId: string, tables: readonly string[]): Promise<SweepResult> {
  const { storage, folder } = deps;
  const own = tables.map((table) => inFolder(folder, table, 'data', runId));
  for (const one of own) await storage.removeUnfinished(one);
  const listed = await Promise.all(own.map((one) => storage.list(one)));
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const current = await readNewest(storage, folder);
    const referred = new Set(
      Object.values(current?.tables ?? {}).flatMap(({ files }) => files.map((file) => file.path)),
    );
    const orphans = listed.flat().filter((file) => !referred.has(file.uri.slice(folder.length + 1)));
    const replaced = (current?.removed ?? []).filter((file) => !referred.has(file));
    if (orphans.length === 0 || (await fenced(deps, runId, current))) {
      const left = [...orphans.map(({ uri }) => uri), ...replaced.map((file) => inFolder(folder, file))];
      await storage.remove(left, folder);
      return { files: orphans.length, bytes: orphans.reduce((sum, file) => sum + file.bytes, 0) };
    }
    await sleep(10 * attempt * Math.random());
  }
  throw keptLosing(ATTEMPTS);
}

/** A run that has committed will not commit again, and without any manifest and table there is nothing to protect. */
async function fenced(deps: FolderSweep, runId: string, current: FolderManifest | undefined): Promise<boolean> {
  const committed = Object.values(current?.tables ?? {}).some(({ runs }) => runs.some(({ run }) => run === runId));
  if (committed) return true;
  return createManifest(deps.storage, deps.folder, {
    format: 1,
    sequence: (current?.sequence ?? 0) + 1,
    run: runId,
    committedAt: new Date(deps.now()).toISOString(),
    tables: current?.tables ?? {},
    removed: [],
  });
}
