import { fail } from '../../contracts/errors.ts';
import type { SourceSpec } from '../../contracts/job-source.ts';

/** What a file seems to be that is no CSV file, and what to do about it. */
interface FileKind {
  readonly kind: string;
  readonly next: string;
}

const CONVERT = 'name a CSV file in source.path, or convert this one';
const UNPACK = 'unpack it, or compress the CSV file by gzip or zstd instead';
const SHEET = 'save the sheet as CSV';

/** What files of other kinds begin with, as hexadecimal digits; the first that fits. */
const OTHER_KINDS: readonly (readonly [hex: string, kind: string, next: string])[] = [
  ['504b0304', 'a zip archive', UNPACK],
  ['d0cf11e0a1b11ae1', 'an old Excel or Office document', SHEET],
  ['50415231', 'a Parquet file', CONVERT],
  ['25504446', 'a PDF document', CONVERT],
  ['53514c69746520666f726d61742033', 'a SQLite database', CONVERT],
  ['4f626a01', 'an Avro file', CONVERT],
  ['4f5243', 'an ORC file', CONVERT],
  ['4152524f5731', 'an Arrow file', CONVERT],
  ['89504e47', 'a PNG image', CONVERT],
  ['ffd8ff', 'a JPEG image', CONVERT],
  ['7f454c46', 'a program', CONVERT],
  ['425a68', 'a bzip2 archive', UNPACK],
  ['fd377a585a00', 'an xz archive', UNPACK],
  ['377abcaf271c', 'a 7z archive', UNPACK],
];
/** Beginnings that a column's name can have too. */
const WORDS: readonly string[] = ['50415231', '4f5243', '4152524f5731', '425a68'];
const COMPRESSED: readonly (readonly [hex: string, kind: string])[] = [
  ['1f8b', 'gzip'],
  ['28b52ffd', 'zstd'],
];

const LOOKED_AT = 65_536;

/** Errors: SOURCE_NOT_CSV for what begins like a file of another kind. `bytes` are the first ones, decompressed. */
export function requireNoOtherKind(
  path: string,
  bytes: Buffer,
  { compression }: Pick<SourceSpec, 'compression'>,
): void {
  const found = otherKind(bytes, compression);
  if (found !== undefined) throw notCsv(path, found.kind, found.next);
}

function otherKind(bytes: Buffer, compression: SourceSpec['compression']): FileKind | undefined {
  const start = bytes.subarray(0, 16).toString('hex');
  const packed = COMPRESSED.find(([hex]) => start.startsWith(hex))?.[1];
  if (packed !== undefined) {
    return compression === 'none'
      ? { kind: `a file compressed by ${packed}`, next: `write source.compression: ${packed}, or remove it` }
      : { kind: `a file that is compressed twice, the second time by ${packed}`, next: 'compress it once' };
  }
  const known = OTHER_KINDS.find(([hex]) => start.startsWith(hex));
  if (known !== undefined && !(WORDS.includes(known[0]) && isPlainText(bytes))) {
    const [hex, kind, next] = known;
    const isOffice = hex === '504b0304' && bytes.subarray(0, LOOKED_AT).includes('[Content_Types].xml');
    return isOffice ? { kind: 'an Excel workbook or another Office document', next: SHEET } : { kind, next };
  }
  if (bytes.subarray(257, 262).toString('latin1') === 'ustar') return { kind: 'a tar archive', next: UNPACK };
  return undefined;
}

/** `ORCID,name` begins like an ORC file, but goes on as text. */
function isPlainText(bytes: Buffer): boolean {
  return !bytes.subarray(0, LOOKED_AT).some((byte) => byte < 0x09 || (byte > 0x0d && byte < 0x20));
}

/**
 * Errors: SOURCE_NOT_CSV for what seems to be UTF-16, though it was taken for another encoding. There the zeros of
 * western letters, commas and line ends are all first or all second bytes, and every line feed has one. Text of few
 * such letters is not decoded by a guess, but it is told what it seems to be.
 */
export function requireNoUtf16(path: string, bytes: Buffer): void {
  const looked = bytes.subarray(0, LOOKED_AT);
  let even = 0;
  let odd = 0;
  let lineFeeds = 0;
  let paired = 0;
  looked.forEach((byte, at) => {
    if (byte === 0 && at % 2 === 0) even++;
    else if (byte === 0) odd++;
    if (byte !== 0x0a) return;
    lineFeeds++;
    if (looked[at % 2 === 0 ? at + 1 : at - 1] === 0) paired++;
  });
  if (lineFeeds === 0 || paired < lineFeeds * 0.8 || Math.min(even, odd) * 20 > Math.max(even, odd)) return;
  throw notCsv(path, 'text in UTF-16 without a byte order mark', 'write source.encoding: utf-16');
}

/**
 * Errors: SOURCE_NOT_CSV for decoded text that is mostly none. A zero byte here and there is a character like any
 * other, which text columns hold; many of them, or some beside other control characters, are a binary file's.
 */
export function requireText(path: string, text: string): void {
  let zeros = 0;
  let controls = 0;
  const looked = Math.min(text.length, LOOKED_AT);
  for (let at = 0; at < looked; at++) {
    const code = text.charCodeAt(at);
    if (code === 0) zeros++;
    else if (code < 0x09 || (code > 0x0d && code < 0x20) || code === 0x7f || code === 0xfffd) controls++;
  }
  const share = (zeros + controls) / looked;
  if (share > 0.3 || (zeros > 0 && controls > 1 && share > 0.1)) {
    throw notCsv(path, 'zero bytes and control characters, as in a binary file', CONVERT);
  }
}

export function notCsv(
  path: string,
  found: string,
  next = 'name a CSV file in source.path, or give source.delimiter if it is one',
) {
  return fail('SOURCE_NOT_CSV', {
    received: `${path}: ${found}`,
    expected: 'lines of text with a delimiter between their fields',
    next,
  });
}
