import type { Figures } from '../../../contracts/maintenance.ts';
import { addFigures, NO_FIGURES } from '../../../contracts/maintenance.ts';
import type { DuckDbSession } from '../../duckdb/session.ts';
import { unreadableFile, unreadableTable } from '../live-files.ts';
import type { ManifestFile } from '../manifest.ts';
import { MANIFEST_CONTENT, readManifestList } from '../manifest.ts';
import { readManifests } from '../manifest-reader.ts';
import type { TableMetadata } from '../metadata.ts';
import { currentSchema, currentSnapshot } from '../metadata.ts';
import type { IcebergField } from '../schema.ts';
import type { Candidate, CompactionGroup } from './compact-groups.ts';
import { candidateOf, compactionGroups } from './compact-groups.ts';
import type { MaintainedTable } from './maintained-table.ts';
import { onCurrent } from './maintained-table.ts';
import type { PositionDeletes } from './position-deletes.ts';
import { readPositionDeletes, referredFiles } from './position-deletes.ts';
import { refused } from './requirements.ts';
import { rowOrder } from './sort-keys.ts';

/** What is to be written anew. Plain JSON; it names files, so it never leaves the lake. */
export interface CompactionPlan {
  readonly tableId: string;
  readonly groups: readonly CompactionGroup[];
  /** Every file of deleted rows that the table had; another one that comes to it makes the plan stale. */
  readonly deletes: readonly PositionDeletes[];
  /** The data files that there were, and those of them that are in groups. */
  readonly before: Figures;
  readonly rewritten: Figures;
}

/** A file smaller than this share of the wanted size is small. */
const SMALL = 0.75;
const TARGET_PROPERTY = 'write.target-file-size-bytes';

export interface CompactionSettings {
  /** Wins over the table's property `write.target-file-size-bytes`. */
  readonly targetFileBytes?: number | undefined;
  /** Where neither says. */
  readonly defaultFileBytes: number;
}

/**
 * Finds the files of a table that are too small, and those with rows that another writer marked as deleted, and divides
 * them into groups. Fails with MAINTENANCE_REFUSED for a table whose rows cannot be told from its files.
 */
export async function planCompaction(
  table: MaintainedTable,
  openSession: () => Promise<DuckDbSession>,
  settings: CompactionSettings,
): Promise<CompactionPlan> {
  return onCurrent(table, ({ metadata }) => planOn(table, metadata, openSession, settings));
}

async function planOn(
  table: MaintainedTable,
  metadata: TableMetadata,
  openSession: () => Promise<DuckDbSession>,
  settings: CompactionSettings,
): Promise<CompactionPlan> {
  const { storage, onProgress } = table;
  const targetBytes = targetOf(metadata, settings);
  const snapshot = currentSnapshot(metadata);
  const manifests = snapshot === undefined ? [] : await readManifestList(storage, snapshot['manifest-list']);
  const isData = ({ content }: ManifestFile) => content === MANIFEST_CONTENT.data;
  const deletes = await readPositionDeletes(
    table,
    openSession,
    manifests.filter((manifest) => !isData(manifest)),
  );
  const withDeletes = referredFiles(deletes);

  const ordered = orderedColumn(metadata);
  const candidates: Candidate[] = [];
  let before: Figures = NO_FIGURES;
  for await (const { manifest, live } of readManifests(storage, manifests.filter(isData))) {
    for (const entry of live) {
      const bytes = Number(entry.data_file.file_size_in_bytes);
      before = addFigures(before, { files: 1, bytes });
      const hasDeletes = withDeletes.has(entry.data_file.file_path);
      if (bytes >= SMALL * targetBytes && !hasDeletes) continue;
      requireRewritable(table, unreadableFile(entry.data_file));
      candidates.push(candidateOf(manifest, entry, ordered, hasDeletes));
    }
    onProgress();
  }
  const groups = compactionGroups(candidates, targetBytes);
  if (groups.length > 0) requireRewritable(table, unreadableTable(metadata));
  const files = groups.flatMap((group) => group.files);
  const rewritten = { files: files.length, bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
  return { tableId: metadata['table-uuid'], groups, deletes, before, rewritten };
}

function targetOf({ properties }: TableMetadata, { targetFileBytes, defaultFileBytes }: CompactionSettings): number {
  const property = Number(properties[TARGET_PROPERTY]);
  return targetFileBytes ?? (Number.isInteger(property) && property > 0 ? property : defaultFileBytes);
}

/** The column whose values neighbouring files should share: what rows are sorted by, or found by. */
function orderedColumn(metadata: TableMetadata): IcebergField | undefined {
  const schema = currentSchema(metadata);
  const [identifier] = schema['identifier-field-ids'] ?? [];
  return rowOrder(metadata)?.first ?? schema.fields.find(({ id }) => id === identifier);
}

function requireRewritable(table: MaintainedTable, hindrance: string | undefined): void {
  if (hindrance === undefined) return;
  throw refused(
    table,
    `with ${hindrance}, which compaction cannot rewrite`,
    'Parquet files with field ids',
    'let the engine that wrote them compact the table, or leave this step out',
  );
}
