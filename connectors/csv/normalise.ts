import { open } from 'node:fs/promises';
import { fail, hasErrnoCode } from '../../contracts/errors.ts';
import type { RejectedRow } from '../connector.ts';
import { tooManyBadRows } from '../duckdb/gate.ts';
import type { Watcher } from './byte-stream.ts';
import { readBytes } from './byte-stream.ts';
import type { Encoding } from './head.ts';
import type { PlannedFile } from './plan.ts';
import { beginning, rawText } from './raw-text.ts';
import type { CsvFormat } from './sniff.ts';
import { countLines, splitRecords } from './split.ts';

/** A copy of a source file that DuckDB reads without fault, and the rows that did not go into it. */
export interface NormalisedFile {
  /** UTF-8, uncompressed, LF at the end of each record, well-formed quotes only. */
  readonly path: string;
  /** Records below the header, those that DuckDB counts. */
  readonly records: number;
  readonly rejected: readonly RejectedRow[];
  /** The line in the source of a line in the copy. */
  readonly sourceLine: (line: number) => number;
}

const OUTPUT_BYTES = 1_048_576;
const RAW_BYTES = 10_000;

/**
 * Writes the copy, one pass. This is the slow and safe way, for files in another encoding and for those that
 * `RecordScan` found irregular.
 */
export async function normalise(
  file: PlannedFile,
  format: CsvFormat,
  columns: number,
  target: string,
  maxBadRows: number,
  watcher: Watcher,
): Promise<NormalisedFile> {
  const rejected: RejectedRow[] = [];
  const shifts: { readonly from: number; readonly by: number }[] = [];
  let records = 0;
  let written = 0;
  await using output = await openCopy(target);
  const pieces = decoded(readBytes(file.path, file.compression, watcher), file.encoding);
  for await (const { bytes, line, problem } of splitRecords(pieces, format)) {
    if (problem !== undefined) {
      const text = rawText(beginning(bytes, RAW_BYTES));
      rejected.push({ sourceFile: file.path, line, column: null, reason: problem, ...text });
      if (rejected.length > maxBadRows) throw tooManyBadRows(maxBadRows, { reason: problem, column: null });
      continue;
    }
    const by = line - 1 - written;
    if (by !== (shifts.at(-1)?.by ?? 0)) shifts.push({ from: written + 1, by });
    await output.write(bytes);
    written += countLines(bytes, 0, bytes.length) + 1;
    if (bytes.length > 0 || columns === 1) records++;
  }
  await output.flush();
  return {
    path: target,
    records: records - (format.header && records > 0 ? 1 : 0),
    rejected,
    sourceLine: (line) => line + (shifts.findLast(({ from }) => from <= line)?.by ?? 0),
  };
}

/** Bytes of any encoding as UTF-8. */
export async function* decoded(
  pieces: AsyncIterable<Buffer>,
  encoding: Encoding,
): AsyncGenerator<Buffer, void, undefined> {
  if (encoding === 'utf-8') return yield* pieces;
  const decoder = new TextDecoder(encoding === 'latin-1' ? 'windows-1252' : encoding);
  for await (const piece of pieces) yield Buffer.from(decoder.decode(piece, { stream: true }), 'utf8');
  yield Buffer.from(decoder.decode(), 'utf8');
}

interface Copy extends AsyncDisposable {
  /** Appends a record and its line end. */
  write(record: Buffer): Promise<void>;
  flush(): Promise<void>;
}

async function openCopy(path: string): Promise<Copy> {
  const handle = await open(path, 'w');
  const buffer = Buffer.allocUnsafe(OUTPUT_BYTES);
  let used = 0;
  const append = async (bytes: Buffer) => {
    try {
      await handle.write(bytes);
    } catch (error) {
      if (!hasErrnoCode(error) || error.code !== 'ENOSPC') throw error;
      throw fail('STORAGE_FULL', {
        received: 'a disk without free space for a temporary copy of a source file',
        expected: 'room for the files that cannot be read in place',
        next: 'free some space, or move the temporary folder to a larger disk, then run again',
      });
    }
  };
  const flush = async () => {
    const length = used;
    used = 0;
    if (length > 0) await append(buffer.subarray(0, length));
  };
  return {
    write: async (record) => {
      if (used + record.length + 1 > buffer.length) await flush();
      if (record.length + 1 > buffer.length) {
        await append(record);
        buffer[used++] = 0x0a;
        return;
      }
      used += record.copy(buffer, used);
      buffer[used++] = 0x0a;
    },
    flush,
    [Symbol.asyncDispose]: () => handle.close(),
  };
}
