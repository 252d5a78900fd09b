import type { DataFile, ManifestEntry, ManifestFile, SnapshotInProgress } from './manifest.ts';
import { ENTRY_STATUS, MANIFEST_CONTENT, writeManifest } from './manifest.ts';
import type { PartitionSpec, TableMetadata } from './metadata.ts';
import { ofId } from './metadata.ts';

/** Entries of one manifest; the reference writer aims at 8 MB, which is about this many. */
export const ENTRIES_PER_MANIFEST = 10_000;

/**
 * The manifests of one snapshot. Entries are gathered by partition spec and content until they fill a manifest, so that
 * a snapshot which changes a little in each of many manifests leaves a few.
 */
export class ManifestWriter {
  readonly #snapshot: SnapshotInProgress;
  readonly #table: TableMetadata;
  readonly #manifests: ManifestFile[] = [];
  readonly #gathered = new Map<string, { spec: PartitionSpec; content: 0 | 1; entries: ManifestEntry[] }>();
  #written = 0;

  constructor(snapshot: SnapshotInProgress, table: TableMetadata) {
    this.#snapshot = snapshot;
    this.#table = table;
  }

  /** A manifest of an earlier snapshot as it is. */
  keep(manifest: ManifestFile): void {
    this.#manifests.push(manifest);
  }

  /** New data files of one partition spec, in manifests of their own. */
  async addFiles(spec: PartitionSpec, files: readonly DataFile[]): Promise<void> {
    for (let first = 0; first < files.length; first += ENTRIES_PER_MANIFEST) {
      const entries = files.slice(first, first + ENTRIES_PER_MANIFEST).map((file) => ({
        status: ENTRY_STATUS.added,
        snapshot_id: this.#snapshot.snapshotId,
        sequence_number: null,
        file_sequence_number: null,
        data_file: file,
      }));
      await this.#write(spec, MANIFEST_CONTENT.data, entries);
    }
  }

  /** An entry of an earlier manifest: a file that stays. */
  async keepEntry(from: ManifestFile, entry: ManifestEntry): Promise<void> {
    await this.#gather(from, { ...entry, status: ENTRY_STATUS.existing });
  }

  /** An entry of an earlier manifest: a file that this snapshot takes away. */
  async dropEntry(from: ManifestFile, entry: ManifestEntry): Promise<void> {
    // Bounds hold values of rows; of a file that is gone nobody needs them.
    const data_file = { ...entry.data_file, lower_bounds: null, upper_bounds: null };
    const snapshot_id = this.#snapshot.snapshotId;
    await this.#gather(from, { ...entry, status: ENTRY_STATUS.deleted, snapshot_id, data_file });
  }

  /** Writes what is left, and returns all manifests of the snapshot. */
  async finish(): Promise<readonly ManifestFile[]> {
    for (const { spec, content, entries } of this.#gathered.values()) await this.#write(spec, content, entries);
    this.#gathered.clear();
    return this.#manifests;
  }

  async #gather(from: ManifestFile, entry: ManifestEntry): Promise<void> {
    const content = from.content === MANIFEST_CONTENT.data ? MANIFEST_CONTENT.data : MANIFEST_CONTENT.deletes;
    const key = `${from.partition_spec_id}/${content}`;
    let group = this.#gathered.get(key);
    if (group === undefined) {
      const spec = ofId(this.#table['partition-specs'], 'spec-id', from.partition_spec_id, this.#table);
      group = { spec, content, entries: [] };
      this.#gathered.set(key, group);
    }
    group.entries.push(entry);
    if (group.entries.length < ENTRIES_PER_MANIFEST) return;
    this.#gathered.delete(key);
    await this.#write(group.spec, content, group.entries);
  }

  async #write(spec: PartitionSpec, content: 0 | 1, entries: readonly ManifestEntry[]): Promise<void> {
    if (entries.length === 0) return;
    this.#manifests.push(await writeManifest(this.#snapshot, this.#written++, spec, content, entries));
  }
}
