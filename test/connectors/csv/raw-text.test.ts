import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginning, rawText } from '../../../connectors/csv/raw-text.ts';

/** What the schema of the quarantine table tells its readers to do. */
function bytesOf(raw: string, reason: string | undefined): Buffer {
  if (reason === undefined) return Buffer.from(raw);
  const parts = raw.match(/\\x[0-9a-f]{2}|\\\\|[^\\]+/g) ?? [];
  return Buffer.concat(
    parts.map((part) => {
      if (part.startsWith('\\x')) return Buffer.from(part.slice(2), 'hex');
      return Buffer.from(part === '\\\\' ? '\\' : part);
    }),
  );
}

describe('the text of a row for quarantine', () => {
  it('gives back every byte, whatever the bytes are', () => {
    const piece = fc.oneof(
      fc.constantFrom('\\', '\\xff', 'é', '😀', 'a', '\0', '\n').map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const bytes = Buffer.concat(pieces);
        const { raw, reason } = rawText(bytes);
        expect(bytesOf(raw, reason)).toEqual(bytes);
      }),
    );
  });

  it('is the text itself where the bytes are text, backslashes and all', () => {
    expect(rawText(Buffer.from('C:\\xff,é'))).toEqual({ raw: 'C:\\xff,é' });
  });

  it('is cut where a character ends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(30), (text, length) => {
        const cut = beginning(Buffer.from(text), length);
        expect(rawText(cut).reason).toBeUndefined();
        expect(cut.length).toBeGreaterThan(Math.min(length, Buffer.byteLength(text)) - 4);
      }),
    );
  });
});
