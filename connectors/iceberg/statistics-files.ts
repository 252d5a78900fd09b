import { z } from 'zod';
import type { TableMetadata } from './metadata.ts';

/** Lists of files about single snapshots that other writers keep in a table's metadata (spec, "Table Statistics"). */
const LISTS = ['statistics', 'partition-statistics'] as const;

const entries = z.array(z.looseObject({ 'snapshot-id': z.coerce.bigint(), 'statistics-path': z.string() }));

/** URIs of the statistics files that a table refers to. */
export function statisticsFiles(metadata: TableMetadata): string[] {
  return known(metadata).flatMap(([, list]) => list.map((entry) => entry['statistics-path']));
}

/** Those about one snapshot. */
export function statisticsFilesOf(metadata: TableMetadata, snapshotId: bigint): string[] {
  const own = known(metadata).flatMap(([, list]) => list.filter((entry) => entry['snapshot-id'] === snapshotId));
  return own.map((entry) => entry['statistics-path']);
}

/** The lists without the files of snapshots that are gone. */
export function statisticsWithout(metadata: TableMetadata, gone: ReadonlySet<bigint>): Partial<TableMetadata> {
  return Object.fromEntries(
    known(metadata).map(([name, list]) => [name, list.filter((entry) => !gone.has(entry['snapshot-id']))]),
  );
}

/** The lists that are there and can be understood; any other stays as it is. */
function known(metadata: TableMetadata) {
  return LISTS.flatMap((name) => {
    const list = entries.safeParse(metadata[name]);
    return list.success ? [[name, list.data] as const] : [];
  });
}
