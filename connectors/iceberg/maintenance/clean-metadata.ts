import type { Figures } from '../../../contracts/maintenance.ts';
import { dataFolder, metadataFolder } from '../commit-files.ts';
import { metadataVersion } from '../commit-names.ts';
import type { TableVersion } from '../metadata.ts';
import { isSweepMark, sweptRun } from '../sweep-mark.ts';
import type { MaintainedTable } from './maintained-table.ts';
import { loadTable } from './maintained-table.ts';
import type { OrphanPolicy } from './remove-orphans.ts';
import { requireDeletable } from './requirements.ts';
import { figuresOf, removeFromTable } from './table-folder.ts';

export interface CleanedMetadata {
  /** Metadata files, and marks of sweeps. */
  readonly before: Figures;
  readonly removed: Figures;
}

/**
 * Removes metadata files that the table's log of earlier ones has passed (`write.metadata.previous-versions-max`), and
 * the marks of sweeps that were stopped, of runs that do not go on. Fails with MAINTENANCE_REFUSED for a table whose
 * files may be others' too.
 */
export async function cleanMetadata(
  table: MaintainedTable,
  { olderThanMs, runningRuns }: OrphanPolicy,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<CleanedMetadata> {
  const { storage, onProgress } = table;
  const version = requireDeletable(table, await loadTable(table));
  const { location } = version.metadata;
  const oldest = table.now() - olderThanMs;
  const versions = await storage.list(metadataFolder(location), (name) => name.endsWith('.metadata.json'));
  onProgress();
  const marks = await storage.list(dataFolder(location), (name) => isSweepMark(`/${name}`));
  const first = firstNeeded(version);
  const passed = versions.filter(({ uri }) => (metadataVersion(uri) ?? first) < first);
  const running = new Set(runningRuns);
  const left = marks.filter(({ uri }) => !running.has(sweptRun(uri)));
  const old = [...passed, ...left].filter(({ modifiedMs }) => modifiedMs < oldest);
  const before = figuresOf([...versions, ...marks]);
  return { before, removed: dryRun ? figuresOf(old) : await removeFromTable(table, location, old) };
}

/** The lowest number among the metadata files that the table refers to; -Infinity where they have no numbers. */
function firstNeeded({ metadata, location }: TableVersion): number {
  const needed = [location, ...metadata['metadata-log'].map((entry) => entry['metadata-file'])];
  return Math.min(...needed.map((uri) => metadataVersion(uri) ?? -Infinity));
}
