import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { fail } from '../../contracts/errors.ts';
import type { Column, StreamSchema } from '../../contracts/schema.ts';
import type { ConnectorContext, RejectedRow, Relation } from '../connector.ts';
import type { DuckDbSession } from '../duckdb/session.ts';
import type { ChunkMemory } from './boundary.ts';
import { cursorIs, readBeforeRule, rowsAt } from './boundary.ts';
import type { Watcher } from './byte-stream.ts';
import { readBytes } from './byte-stream.ts';
import { requireUnchanged } from './files.ts';
import { locateRows } from './locate.ts';
import { normalise } from './normalise.ts';
import type { Part } from './part.ts';
import { FILE_COLUMN, partSql, readPath } from './part.ts';
import type { CsvPosition, PlannedFile } from './plan.ts';
import { rawText } from './raw-text.ts';
import type { ReaderReject, RejectTables } from './rejects.ts';
import { findRows, readRejects } from './rejects.ts';
import type { FileCount } from './verify.ts';
import { countRecords, countsInTime } from './verify.ts';

/** Files below this size together are counted before they are read. */
const SMALL_BYTES = 64 * 1_048_576;

/** DuckDB takes every path for a glob; a file whose name looks like one is read through a link. */
const GLOB_CHARACTERS = /[*?[\]{}]/;

let reads = 0;

/**
 * The rows of a chunk's files, every column as text: types are given by the select that uses them, exactly, and not
 * by DuckDB's reader, which rounds 1.5 to an integer and makes a time it does not understand null.
 *
 * DuckDB's reader is fast and trusted as far as its sum can be checked, see `RecordScan`. A file that is irregular
 * or not UTF-8 is read from a copy. Small files are looked at before; large ones while they are read, and a sum
 * that does not hold fails the attempt with SOURCE_MISCOUNTED: the next one looks first and uses one thread.
 */
export async function readChunk(
  position: CsvPosition,
  schema: StreamSchema,
  session: DuckDbSession,
  maxBadRows: number,
  context: ConnectorContext,
): Promise<Relation> {
  const files = position.layouts.flatMap((layout) => layout.files);
  for (const file of files) await requireUnchanged(file);
  const lookFirst = context.attempt > 1 || files.reduce((sum, { bytes }) => sum + bytes, 0) <= SMALL_BYTES;
  const parts: Part[] = [];
  const counts: Promise<FileCount>[] = [];
  for (const { columns, files: group } of position.layouts) {
    const plain: PlannedFile[] = [];
    for (const file of group) {
      const count = countsInTime(file) ? countRecords(file, position.format, columns.length, context) : undefined;
      if (count !== undefined && !(lookFirst && (await count).irregular)) {
        counts.push(count);
        if (GLOB_CHARACTERS.test(file.path)) {
          const link = path.join(context.scratchFolder, `link-${++reads}`);
          await symlink(file.path, link);
          parts.push({ columns, files: [file], link, parallel: false });
        } else plain.push(file);
        continue;
      }
      const target = path.join(context.scratchFolder, `copy-${++reads}.csv`);
      const copy = await normalise(file, position.format, columns.length, target, maxBadRows, context);
      counts.push(Promise.resolve({ records: copy.records + copy.rejected.length, irregular: false }));
      parts.push({ columns, files: [file], copy, parallel: false });
    }
    const compressions = [...new Set(plain.map(({ compression }) => compression))];
    for (const compression of compressions) {
      const same = plain.filter((file) => file.compression === compression);
      parts.push({
        columns,
        files: same,
        parallel: context.attempt === 1,
      });
    }
  }
  const reading = parts.map((part) => ({ part, tables: rejectTables(maxBadRows, part.columns.length) }));
  const text = schema.columns.map(({ name }): Column => ({ name, type: 'string', required: false }));
  const { boundary, cursorField } = position;
  const readBefore = boundary === undefined ? [] : [await readBeforeRule(boundary, text, session)];
  return {
    sql: reading.map(({ part, tables }) => partSql(part, tables, text, position.format)).join(' UNION ALL '),
    columns: text,
    skip: [...position.skip, ...readBefore],
    sourceFile: FILE_COLUMN,
    nullTexts: position.format.nullStrings,
    ...(cursorField === undefined ? {} : { cursorField }),
    locate: (rows) => locateRows(rows, position, context),
    finish: async (limit, rowsRead) => {
      const rejected: RejectedRow[] = [];
      let count = 0;
      for (const { part, tables } of reading) {
        const left = await readRejects(session, tables, maxBadRows, limit);
        count += left.count + (part.copy?.rejected.length ?? 0);
        rejected.push(...(part.copy?.rejected ?? []), ...(await withLines(left.rows, part, position.format, context)));
      }
      for (const file of files) await requireUnchanged(file);
      await requireSum(counts, rowsRead + count, context.attempt);
      return { count, rows: rejected.slice(0, limit) };
    },
    remember: async (highestCursor): Promise<ChunkMemory> => {
      const cursor = schema.columns.find(({ name }) => name === cursorField);
      if (cursor === undefined || highestCursor === undefined) return {};
      const sql = parts.map((part) => partSql(part, undefined, text, position.format)).join(' UNION ALL ');
      const rows = await rowsAt(sql, text, cursorIs(cursor, highestCursor), session, context.onProgress);
      return { boundary: { cursor: highestCursor, rows } };
    },
  };
}

function rejectTables(maxBadRows: number, columns: number): RejectTables {
  const name = `dativo_rejects_${++reads}`;
  // A row can have an entry for each of its columns, and one more.
  return { errors: `${name}_errors`, scans: `${name}_scans`, limit: (maxBadRows + 1) * (columns + 1) };
}

/** Adds the lines, and the bytes that DuckDB has lost, by one pass over each file up to its last bad row. */
async function withLines(
  rows: readonly ReaderReject[],
  part: Part,
  format: CsvPosition['format'],
  watcher: Watcher,
): Promise<RejectedRow[]> {
  const result: RejectedRow[] = [];
  for (const file of part.files) {
    const name = readPath(part, file);
    const own = rows.filter((row) => row.path === name);
    if (own.length === 0) continue;
    const bytes = readBytes(name, part.copy ? 'none' : file.compression, watcher);
    // A question mark is one, or stands for a byte that is no UTF-8.
    const sought = own.map(({ position, raw }) => ({ position, withBytes: raw.includes('?') }));
    const found = await findRows(bytes, sought, format);
    own.forEach(({ column, reason, raw }, index) => {
      const { line = 1, bytes: kept } = found[index] ?? {};
      const sourceLine = part.copy?.sourceLine(line) ?? line;
      const row = { sourceFile: file.path, line: sourceLine, column, reason, raw };
      result.push(kept === undefined ? row : { ...row, ...rawText(kept) });
    });
  }
  return result;
}

async function requireSum(counts: readonly Promise<FileCount>[], seen: number, attempt: number): Promise<void> {
  const files = await Promise.all(counts);
  const records = files.reduce((sum, file) => sum + file.records, 0);
  const irregular = files.some((file) => file.irregular);
  if (!irregular && records === seen) return;
  const received = irregular
    ? 'a file with malformed quotes or mixed line ends, read in the fast way'
    : `${seen} rows from files that hold ${records} records`;
  throw fail(attempt > 2 ? 'SUM_MISMATCH' : 'SOURCE_MISCOUNTED', {
    received,
    expected: 'every record of the source files to be read once',
    next: attempt > 2 ? 'report it together with the form of the file' : 'the files are read again, more carefully',
  });
}
