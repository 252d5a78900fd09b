/**
 * MurmurHash3, x86, 32 bits, seed 0, by Austin Appleby, as the spec's appendix B wants it for bucket partitions.
 * All arithmetic is on signed 32-bit integers.
 */
export function murmur3(bytes: Uint8Array, start = 0, length = bytes.length - start): number {
  const blocksEnd = start + (length & ~3);
  let hash = 0;
  for (let at = start; at < blocksEnd; at += 4) hash = mix(hash, block(bytes, at, 4));
  if ((length & 3) > 0) hash ^= scramble(block(bytes, blocksEnd, length & 3));
  return finish(hash, length);
}

/** The hash of the eight bytes of a long, little-endian, given as its two halves. */
export function murmur3Long(low: number, high: number): number {
  return finish(mix(mix(0, low), high), 8);
}

function block(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let index = length - 1; index >= 0; index -= 1) value = (value << 8) | (bytes[at + index] ?? 0);
  return value;
}

function scramble(value: number): number {
  return Math.imul(rotate(Math.imul(value, 0xcc9e2d51), 15), 0x1b873593);
}

function mix(hash: number, value: number): number {
  return (Math.imul(rotate(hash ^ scramble(value), 13), 5) + 0xe6546b64) | 0;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function finish(hash: number, length: number): number {
  let h = hash ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
