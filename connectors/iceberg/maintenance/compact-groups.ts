import type { DataFile, ManifestEntry, ManifestFile } from '../manifest.ts';
import type { IcebergField } from '../schema.ts';
import type { SingleValue } from '../single-value.ts';
import { compareValues, fromBytes } from '../single-value.ts';

/** A file that may be written anew. */
export interface Candidate {
  readonly uri: string;
  readonly rows: number;
  readonly bytes: number;
  /** Only files of one partition, of one way of partitioning, may become one file. */
  readonly partition: string;
  readonly sequence: bigint;
  /** The lowest value of the column that the table is ordered by. */
  readonly lowest: SingleValue | undefined;
  readonly hasDeletes: boolean;
}

/** Files to be written anew together, in the order of their rows. Plain JSON. */
export interface CompactionGroup {
  readonly files: readonly { readonly uri: string; readonly rows: number; readonly bytes: number }[];
  /** A file is closed when it has reached so many bytes; about so many files come of it. */
  readonly fileSizeBytes: number;
  readonly filesExpected: number;
  readonly hasDeletes: boolean;
}

/** What a group holds at most: so much has to fit on the disk of a worker that fetches the files. */
const TARGETS_PER_GROUP = 3;
const FILES_PER_GROUP = 5_000;
/** Fewer small files are left until there are more, so that a file that grows day by day is not written every day. */
const WORTHWHILE_FILES = 5;
/** Files of a group come out about even; this leaves room for one to be a little larger. */
const SLACK = 1.05;

export function candidateOf(
  { partition_spec_id: spec }: ManifestFile,
  { data_file: file, sequence_number: sequence }: ManifestEntry,
  ordered: IcebergField | undefined,
  hasDeletes: boolean,
): Candidate {
  return {
    uri: file.file_path,
    rows: Number(file.record_count),
    bytes: Number(file.file_size_in_bytes),
    partition: partitionKey(spec, file),
    sequence: sequence ?? 0n,
    lowest: lowestValue(file, ordered),
    hasDeletes,
  };
}

/**
 * Divides files into groups that are worth to be written anew. Neighbours stay together, by the column that the table
 * is ordered by or else by age, so that the new files divide its values as narrowly as the old ones did.
 */
export function compactionGroups(candidates: readonly Candidate[], targetBytes: number): CompactionGroup[] {
  const partitions = Map.groupBy(candidates, ({ partition }) => partition);
  const groups = [...partitions.values()].flatMap((files) => packed(files.toSorted(inOrder), targetBytes));
  return groups.filter((files) => isWorthwhile(files, targetBytes)).map((files) => describe(files, targetBytes));
}

function packed(files: readonly Candidate[], targetBytes: number): Candidate[][] {
  const groups: Candidate[][] = [];
  let room = 0;
  for (const file of files) {
    const group = groups.at(-1);
    if (group !== undefined && file.bytes <= room && group.length < FILES_PER_GROUP) group.push(file);
    else {
      groups.push([file]);
      room = TARGETS_PER_GROUP * targetBytes;
    }
    room -= file.bytes;
  }
  return groups;
}

function isWorthwhile(files: readonly Candidate[], targetBytes: number): boolean {
  if (files.some(({ hasDeletes }) => hasDeletes)) return true;
  return files.length > 1 && (files.length >= WORTHWHILE_FILES || sum(files) >= targetBytes);
}

function describe(files: readonly Candidate[], targetBytes: number): CompactionGroup {
  const total = sum(files);
  const count = Math.max(1, Math.round(total / targetBytes));
  return {
    files: files.map(({ uri, rows, bytes }) => ({ uri, rows, bytes })),
    // One file takes what comes, even where it compresses worse than the many did.
    fileSizeBytes: count === 1 ? 2 * targetBytes : Math.ceil((total / count) * SLACK),
    filesExpected: count,
    hasDeletes: files.some(({ hasDeletes }) => hasDeletes),
  };
}

function sum(files: readonly Candidate[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}

function inOrder(a: Candidate, b: Candidate): number {
  return compareLowest(a.lowest, b.lowest) || Number(a.sequence - b.sequence) || (a.uri < b.uri ? -1 : 1);
}

/** Files of which the lowest value is not known come last. */
function compareLowest(a: SingleValue | undefined, b: SingleValue | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return compareValues(a, b);
}

function lowestValue(file: DataFile, ordered: IcebergField | undefined): SingleValue | undefined {
  const bytes = file.lower_bounds?.find(({ key }) => key === ordered?.id)?.value;
  if (bytes === undefined || ordered === undefined || typeof ordered.type !== 'string') return undefined;
  return fromBytes(ordered.type, bytes);
}

/** Equal for files of one partition of one spec, and for no others: JSON that tells all values apart. */
export function partitionKey(spec: number, { partition }: DataFile): string {
  return JSON.stringify([spec, partition], (_key, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    return typeof value === 'number' ? `${Object.is(value, -0) ? '-0' : value}` : value;
  });
}
