import { isUtf8 } from 'node:buffer';
import { fail } from '../../contracts/errors.ts';
import type { SourceSpec } from '../../contracts/job-source.ts';
import type { Compression, Watcher } from './byte-stream.ts';
import { compressionOf, readBytes } from './byte-stream.ts';

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin-1';

/** The beginning of a file as text, and how it is stored. */
export interface FileHead {
  readonly path: string;
  readonly compression: Compression;
  readonly encoding: Encoding;
  /** Whole lines; the whole file if it is `complete`. */
  readonly text: string;
  readonly complete: boolean;
}

/**
 * The first bytes of a file, decompressed and decoded. Errors: SOURCE_NOT_CSV for what is no text,
 * SOURCE_UNREADABLE, SOURCE_NOT_FOUND.
 */
export async function readHead(
  path: string,
  source: Pick<SourceSpec, 'compression' | 'encoding'>,
  maxBytes: number,
  watcher: Watcher,
): Promise<FileHead> {
  const compression = await compressionOf(path, source.compression);
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of readBytes(path, compression, watcher)) {
    pieces.push(Buffer.from(piece));
    length += piece.length;
    if (length > maxBytes) break;
  }
  const complete = length <= maxBytes;
  const bytes = Buffer.concat(pieces).subarray(0, maxBytes);
  requireText(path, bytes);
  const encoding = encodingOf(bytes, source.encoding);
  const text = new TextDecoder(encoding === 'latin-1' ? 'windows-1252' : encoding).decode(bytes);
  if (text.includes('\0')) throw notCsv(path, 'zero bytes, as in a binary file');
  return { path, compression, encoding, text: complete ? text : wholeLines(text), complete };
}

function wholeLines(text: string): string {
  const end = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'));
  return end < 0 ? text : text.slice(0, end + 1);
}

/** What files of other kinds begin with, as hexadecimal digits. */
const OTHER_KINDS: readonly (readonly [hex: string, kind: string])[] = [
  ['504b0304', 'a zip archive or an Excel workbook'],
  ['d0cf11e0a1b11ae1', 'an old Excel or Office document'],
  ['50415231', 'a Parquet file'],
  ['25504446', 'a PDF document'],
  ['53514c69746520666f726d6174', 'a SQLite database'],
  ['4f626a01', 'an Avro file'],
  ['4f5243', 'an ORC file'],
  ['4152524f5731', 'an Arrow file'],
  ['89504e47', 'a PNG image'],
  ['ffd8ff', 'a JPEG image'],
  ['7f454c46', 'a program'],
  ['425a68', 'a bzip2 archive'],
  ['fd377a585a00', 'an xz archive'],
  ['377abcaf271c', 'a 7z archive'],
  ['1f8b', 'a gzip file inside of its compression'],
];

function requireText(path: string, bytes: Buffer): void {
  const start = bytes.subarray(0, 16).toString('hex');
  const kind = OTHER_KINDS.find(([hex]) => start.startsWith(hex))?.[1];
  if (kind !== undefined) throw notCsv(path, kind);
}

export function notCsv(path: string, found: string) {
  return fail('SOURCE_NOT_CSV', {
    received: `${path}: ${found}`,
    expected: 'lines of text with a delimiter between their fields',
    next: 'name a CSV file in source.path, or give source.delimiter if it is one',
  });
}

function encodingOf(bytes: Buffer, given: SourceSpec['encoding']): Encoding {
  const bigEndian = (bytes[0] === 0xfe && bytes[1] === 0xff) || zeroBytes(bytes, 0) > zeroBytes(bytes, 1);
  if (given === 'utf-16') return bigEndian ? 'utf-16be' : 'utf-16le';
  if (given !== undefined) return given;
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  // Text of western letters in UTF-16 has a zero in every other byte.
  const half = Math.min(bytes.length, ZERO_SAMPLE) / 2;
  if (zeroBytes(bytes, 1) > half * 0.4 && zeroBytes(bytes, 0) < half * 0.1) return 'utf-16le';
  if (zeroBytes(bytes, 0) > half * 0.4 && zeroBytes(bytes, 1) < half * 0.1) return 'utf-16be';
  return looksLikeLatin1(bytes) ? 'latin-1' : 'utf-8';
}

const ZERO_SAMPLE = 4096;

function zeroBytes(bytes: Buffer, parity: 0 | 1): number {
  let zeros = 0;
  for (let at: number = parity; at < Math.min(bytes.length, ZERO_SAMPLE); at += 2) if (bytes[at] === 0) zeros++;
  return zeros;
}

/**
 * Latin-1 is believed when most lines with letters beyond ASCII are not UTF-8 and there are enough of them; a few
 * such lines in a file of UTF-8 or ASCII are malformed rows and belong into quarantine.
 */
function looksLikeLatin1(bytes: Buffer): boolean {
  if (isUtf8(bytes)) return false;
  let lines = 0;
  let beyondAscii = 0;
  let invalid = 0;
  for (let start = 0; start < bytes.length; lines++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    const line = bytes.subarray(start, end);
    start = end + 1;
    // The last line may have been cut inside of a character.
    if (newline < 0 || !line.some((byte) => byte > 0x7f)) continue;
    beyondAscii++;
    if (!isUtf8(line)) invalid++;
  }
  return invalid >= 3 && invalid > beyondAscii / 2 && invalid > lines / 50;
}
