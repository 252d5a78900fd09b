import { isUtf8 } from 'node:buffer';

/**
 * The text of a row for quarantine that loses no byte. Bytes that are UTF-8 are their text; in a row that has others
 * too, each of those is `\xNN` (two hexadecimal digits) and a backslash that was there is `\\`, so that the row can
 * be put together again. Such a row always has the reason INVALID_ENCODING, and no other row is written this way.
 */
export function rawText(bytes: Buffer): { readonly raw: string; readonly reason?: 'INVALID_ENCODING' } {
  if (isUtf8(bytes)) return { raw: bytes.toString('utf8') };
  return { raw: escaped(bytes), reason: 'INVALID_ENCODING' };
}

const BACKSLASH = 0x5c;

function escaped(bytes: Buffer): string {
  let text = '';
  let start = 0;
  const flush = (end: number) => {
    text += bytes.toString('utf8', start, end);
  };
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0;
    const length = sequenceLength(byte);
    if (length > 0 && byte !== BACKSLASH && isUtf8(bytes.subarray(at, at + length))) {
      at += length;
      continue;
    }
    flush(at);
    text += byte === BACKSLASH ? '\\\\' : `\\x${byte.toString(16).padStart(2, '0')}`;
    start = ++at;
  }
  flush(bytes.length);
  return text;
}

/** How many bytes the character has that begins with this one (RFC 3629, section 3); 0 when none does. */
function sequenceLength(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xc2) return 0;
  if (byte < 0xe0) return 2;
  if (byte < 0xf0) return 3;
  return byte < 0xf5 ? 4 : 0;
}

/** The beginning of a row, cut where a character ends. */
export function beginning(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.length <= maxBytes) return bytes;
  let end = maxBytes;
  // A byte 10xxxxxx continues a character, which has at most three such.
  while (end > maxBytes - 3 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
