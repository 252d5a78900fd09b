import type { PrimitiveType } from '../../contracts/schema.ts';
import { fromText, isBytes, toBytes } from './single-value.ts';

/**
 * Lower and upper bounds of a column as data files carry them. The input is a value as DuckDB prints it in UTC.
 * Undefined means "no bound", which is always correct; a wrong bound would hide rows from readers.
 */
export function lowerBound(type: PrimitiveType, text: string, truncateTo: number): Buffer | undefined {
  if (type === 'string') return Buffer.from(codePoints(text).slice(0, truncateTo).join(''));
  const bytes = serialise(type, text, -0);
  return isBytes(type) ? bytes?.subarray(0, truncateTo) : bytes;
}

/** Like `lowerBound`; what is cut off is made up for by the next greater value of the kept part. */
export function upperBound(type: PrimitiveType, text: string, truncateTo: number): Buffer | undefined {
  if (type === 'string') return upperString(text, truncateTo);
  const bytes = serialise(type, text, 0);
  return isBytes(type) && bytes !== undefined && bytes.length > truncateTo
    ? nextGreaterBytes(bytes.subarray(0, truncateTo))
    : bytes;
}

/** -0.0 sorts before 0.0 and DuckDB holds them for equal, so that either may stand for both. */
function serialise(type: PrimitiveType, text: string, zero: number): Buffer | undefined {
  const value = fromText(type, text);
  if (value === undefined || Number.isNaN(value)) return undefined;
  return toBytes(type, value === 0 && (type === 'float' || type === 'double') ? zero : value);
}

function codePoints(text: string): string[] {
  return [...text];
}

function upperString(text: string, truncateTo: number): Buffer | undefined {
  const all = codePoints(text);
  if (all.length <= truncateTo) return Buffer.from(text);
  const kept = all.slice(0, truncateTo);
  for (let last = kept.length - 1; last >= 0; last -= 1) {
    const next = nextCodePoint(kept[last] ?? '');
    if (next !== undefined) return Buffer.from([...kept.slice(0, last), next].join(''));
  }
  return undefined;
}

/** The next code point that UTF-8 can encode; surrogates are skipped. */
function nextCodePoint(character: string): string | undefined {
  const next = (character.codePointAt(0) ?? 0) + 1;
  if (next > 0x10ffff) return undefined;
  return String.fromCodePoint(next === 0xd800 ? 0xe000 : next);
}

function nextGreaterBytes(bytes: Buffer): Buffer | undefined {
  for (let last = bytes.length - 1; last >= 0; last -= 1) {
    const byte = bytes[last] ?? 0;
    if (byte < 0xff) return Buffer.concat([bytes.subarray(0, last), Buffer.from([byte + 1])]);
  }
  return undefined;
}
