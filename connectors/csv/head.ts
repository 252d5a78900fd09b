import { isUtf8 } from 'node:buffer';
import type { SourceSpec } from '../../contracts/job-source.ts';
import type { Compression, Watcher } from './byte-stream.ts';
import { openFile } from './byte-stream.ts';
import { requireNoOtherKind, requireNoUtf16, requireText } from './file-kind.ts';

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
  const { compression, pieces: all } = await openFile(path, source.compression, watcher);
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of all) {
    pieces.push(Buffer.from(piece));
    length += piece.length;
    if (length > maxBytes) break;
  }
  const complete = length <= maxBytes;
  const bytes = Buffer.concat(pieces).subarray(0, maxBytes);
  requireNoOtherKind(path, bytes, source);
  const encoding = encodingOf(bytes, source.encoding);
  if (!encoding.startsWith('utf-16')) requireNoUtf16(path, bytes);
  const text = new TextDecoder(encoding === 'latin-1' ? 'windows-1252' : encoding).decode(bytes);
  requireText(path, text);
  return { path, compression, encoding, text: complete ? text : wholeLines(text), complete };
}

function wholeLines(text: string): string {
  const end = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'));
  return end < 0 ? text : text.slice(0, end + 1);
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
