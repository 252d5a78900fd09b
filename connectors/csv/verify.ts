import type { Watcher } from './byte-stream.ts';
import { readBytes } from './byte-stream.ts';
import type { PlannedFile } from './plan.ts';
import { RecordScan } from './record-scan.ts';
import type { CsvFormat } from './sniff.ts';

/** How many records a file holds below its header; not to be trusted where it is irregular. */
export interface FileCount {
  readonly records: number;
  readonly irregular: boolean;
}

/** Whether a file can be counted as it is: in other encodings than UTF-8 bytes are no characters. */
export function countsInTime(file: PlannedFile): boolean {
  return file.encoding === 'utf-8';
}

/**
 * Counts a file by `RecordScan`. The promise is never rejected before it is awaited: it may be running beside the
 * query that it checks.
 */
export function countRecords(
  file: PlannedFile,
  format: CsvFormat,
  columns: number,
  watcher: Watcher,
): Promise<FileCount> {
  const count = scan(file, format, columns, watcher);
  count.catch(() => undefined);
  return count;
}

async function scan(file: PlannedFile, format: CsvFormat, columns: number, watcher: Watcher): Promise<FileCount> {
  const counter = new RecordScan(format, columns);
  for await (const piece of readBytes(file.path, file.compression, watcher)) {
    counter.push(piece);
    if (counter.irregular) return { records: 0, irregular: true };
  }
  counter.end();
  return { records: Math.max(0, counter.records - (format.header ? 1 : 0)), irregular: counter.irregular };
}
