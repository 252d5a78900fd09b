import type { DataFile } from './manifest.ts';
import { CONTENT } from './manifest.ts';
import type { Snapshot } from './metadata.ts';

/** Snapshot summary fields (spec, "Optional Snapshot Summary Fields"), all of them texts of decimal digits. */
export type Summary = Readonly<Record<string, string>>;

/** What a snapshot adds to each of the totals, and the two names of its own count. */
interface Measure {
  readonly total: string;
  readonly added: string;
  readonly removed: string;
  readonly of: (file: DataFile) => bigint;
}

const one =
  (...contents: readonly number[]) =>
  (file: DataFile) =>
    contents.includes(file.content) ? 1n : 0n;
const rows = (content: number) => (file: DataFile) => (file.content === content ? file.record_count : 0n);

const MEASURES: readonly Measure[] = [
  { total: 'total-data-files', added: 'added-data-files', removed: 'deleted-data-files', of: one(CONTENT.data) },
  { total: 'total-records', added: 'added-records', removed: 'deleted-records', of: rows(CONTENT.data) },
  {
    total: 'total-files-size',
    added: 'added-files-size',
    removed: 'removed-files-size',
    of: (file) => file.file_size_in_bytes,
  },
  {
    total: 'total-delete-files',
    added: 'added-delete-files',
    removed: 'removed-delete-files',
    of: one(CONTENT.positionDeletes, CONTENT.equalityDeletes),
  },
  {
    total: 'total-position-deletes',
    added: 'added-position-deletes',
    removed: 'removed-position-deletes',
    of: rows(CONTENT.positionDeletes),
  },
  {
    total: 'total-equality-deletes',
    added: 'added-equality-deletes',
    removed: 'removed-equality-deletes',
    of: rows(CONTENT.equalityDeletes),
  },
];

/** Counts of a snapshot: what it added and removed where it did, and all totals that can be known. */
export function summaryCounts(
  parent: Snapshot | undefined,
  added: readonly DataFile[],
  removed: readonly DataFile[],
): Summary {
  const summary: Record<string, string> = {};
  for (const measure of MEASURES) {
    const plus = sum(added, measure.of);
    const minus = sum(removed, measure.of);
    if (plus > 0n) summary[measure.added] = String(plus);
    if (minus > 0n) summary[measure.removed] = String(minus);
    const before = parent === undefined ? '0' : parent.summary[measure.total];
    // A writer may leave totals out; then nobody after it can know them.
    if (before !== undefined) summary[measure.total] = String(BigInt(before) + plus - minus);
  }
  return summary;
}

function sum(files: readonly DataFile[], of: (file: DataFile) => bigint): bigint {
  return files.reduce((total, file) => total + of(file), 0n);
}
